//! Documents in the speech synthesis markup language.

use proptest::prelude::*;
use sambert_hifigan::{Emotion, Plan, SsmlError, SsmlProblem, StopSignal, Style, TextError, Voice};

fn voice() -> &'static Voice {
    static VOICE: std::sync::OnceLock<Voice> = std::sync::OnceLock::new();
    VOICE.get_or_init(|| Voice::demo().unwrap())
}

fn plan(document: &str) -> Result<Plan, SsmlError> {
    voice().plan_ssml(document, &Style::default())
}

/// Plans what stands inside `<speak>`.
#[track_caller]
fn spoken(inside: &str) -> Plan {
    plan(&format!("<speak>{inside}</speak>")).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

#[track_caller]
fn check(inside: &str, pinyin: &str) {
    assert_eq!(spoken(inside).pinyin(), pinyin, "{inside}");
}

/// Samples of a document, and how many of them are silence at both ends.
fn samples(document: &str) -> (Vec<f32>, usize, usize) {
    let plan = plan(document).unwrap();
    let samples: Vec<f32> = voice()
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect();
    let silent = |sample: &&f32| **sample == 0.0;
    let lead = samples.iter().take_while(silent).count();
    let end = samples.iter().rev().take_while(silent).count();
    (samples, lead, end)
}

fn problem(document: &str) -> SsmlProblem {
    match plan(document) {
        Ok(plan) => panic!("{document} is {}", plan.pinyin()),
        Err(error) => error.problem().clone(),
    }
}

#[test]
fn text_in_speak_is_read_as_without() {
    for text in [
        "银行行长长得很高。",
        "今天气温是-5℃到3℃，AI & 3<5。",
        "2024年，增长3.5%！",
    ] {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let plain = voice().plan(text, &Style::default()).unwrap();
        assert_eq!(spoken(&escaped).pinyin(), plain.pinyin());
    }
}

#[test]
fn the_usual_head_of_a_document_is_read() {
    let document = r#"<?xml version="1.0" encoding="UTF-8"?>
        <!-- a greeting -->
        <speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="zh-CN">
            你好，
            世界。
        </speak>"#;
    assert_eq!(plan(document).unwrap().pinyin(), "ni2 hao3, shi4 jie4.");
}

#[test]
fn a_line_break_is_layout_and_a_reference_to_one_is_not() {
    check("你好\n   世界", "ni2 hao3 shi4 jie4.");
    check("你好&#10;世界", "ni2 hao3. shi4 jie4.");
}

#[test]
fn a_phoneme_is_read_as_written_inside_its_word() {
    check(
        r#"<phoneme alphabet="py" ph="chang2">长</phoneme>大"#,
        "chang2 da4.",
    );
    check(
        r#"<phoneme ph="dian3 dang4 hang2">典当行</phoneme>"#,
        "dian3 dang4 hang2.",
    );
    check(r#"银<phoneme ph="xing2">行</phoneme>里"#, "yin2 xing2 li5.");
    // 你 rises before the third tone that is given, and the given one does not before another.
    check(r#"你<phoneme ph="hao3">好</phoneme>"#, "ni2 hao3.");
    check(r#"<phoneme ph="ni3">你</phoneme>好"#, "ni3 hao3.");
    check(r#"<phoneme ph="huar1">花儿</phoneme>"#, "hua1 er5.");
}

#[test]
fn a_phoneme_without_characters_says_words_and_breaks() {
    check(
        r#"<phoneme ph="jin1tian1 tian1qi4/hen2hao3, wo3men5 qu4 wan2ba5."/>"#,
        "jin1 tian1 tian1 qi4 / hen2 hao3, wo3 men5 qv4 wan2 ba5.",
    );
    check(
        r#"说<phoneme ph="ou1kei4">OK</phoneme>了"#,
        "shuo1 ou1 kei4 le5.",
    );
}

#[test]
fn say_as_forces_how_a_number_is_read() {
    check(
        r#"<say-as interpret-as="telephone">400-820</say-as>"#,
        "si4 ling2 ling2 / ba1 er4 ling2.",
    );
    check(
        r#"<say-as interpret-as="digits">110</say-as>"#,
        "yi1 yi1 ling2.",
    );
    check(
        r#"<say-as interpret-as="telephone">110</say-as>"#,
        "yao1 yao1 ling2.",
    );
    check(
        r#"<say-as interpret-as="cardinal">110</say-as>"#,
        "yi4 bai3 yi1 shi2.",
    );
    check(
        r#"<say-as interpret-as="cardinal">2</say-as>个"#,
        "liang3 ge4.",
    );
    check(
        r#"<say-as interpret-as="date" format="dmy">1/5/2024</say-as>"#,
        "er4 ling2 er4 si4 nian2 wu3 yve4 yi1 ri4.",
    );
    check(
        r#"<say-as interpret-as="characters">A1</say-as>"#,
        "ei1 yi1.",
    );
    // Letters that would be a word are letters.
    check(
        r#"<say-as interpret-as="characters">cat</say-as>"#,
        "xi1 ei1 ti4.",
    );
}

#[test]
fn sub_is_spoken_instead() {
    check(
        r#"<sub alias="世界卫生组织">WHO</sub>"#,
        &spoken("世界卫生组织").pinyin(),
    );
    check(r#"2024<sub alias="年">y</sub>"#, &spoken("2024年").pinyin());
}

#[test]
fn paragraphs_and_sentences_end_sentences() {
    check(
        "<p><s>你好</s><s>世界</s></p><p>再见</p>",
        "ni2 hao3. shi4 jie4. zai4 jian4.",
    );
    let apart = spoken("<p>你好</p><p>再见</p>").seconds_estimate();
    let together = spoken("<s>你好</s><s>再见</s>").seconds_estimate();
    assert!((apart - together - 0.32).abs() < 0.01, "{apart} {together}");
}

#[test]
fn strengths_are_the_breaks_of_the_model() {
    check(r#"你好<break strength="none"/>世界"#, "ni2 hao3 shi4 jie4.");
    check(
        r#"你好<break strength="weak"/>世界"#,
        "ni2 hao3 / shi4 jie4.",
    );
    check("你好<break/>世界", "ni2 hao3, shi4 jie4.");
    check(
        r#"你好<break strength="strong"/>世界"#,
        "ni2 hao3. shi4 jie4.",
    );
    check(r#"你好<break time="200ms"/>世界"#, "ni2 hao3, shi4 jie4.");
    check(r#"1<break/>234"#, "yi1, liang2 bai3 san1 shi2 si4.");
}

#[test]
fn a_longer_break_is_silence_of_its_length_whatever_the_speed() {
    for rate in ["1", "2"] {
        let of = |time: &str| {
            let document = format!(
                r#"<speak><prosody rate="{rate}">你好。<break time="{time}"/>再见。</prosody></speak>"#
            );
            samples(&document).0.len()
        };
        assert_eq!(of("2s") - of("500ms"), 24_000);
    }
}

#[test]
fn silence_leads_and_ends_and_adds_up() {
    let (_, lead, end) = samples(
        r#"<speak><break time="0.5s"/><break time="0.5s"/>你好。<break time="1s"/></speak>"#,
    );
    assert!((16_000..16_400).contains(&lead), "{lead}");
    assert!((16_000..16_400).contains(&end), "{end}");
    let (_, lead, end) = samples("<speak>你好。</speak>");
    assert!(lead < 400 && end < 400);
}

#[test]
fn the_estimate_counts_breaks() {
    let quiet = spoken(r#"你好<break time="10s"/>世界"#).seconds_estimate();
    let quick = spoken(r#"你好<break time="1s"/>世界"#).seconds_estimate();
    assert!((quiet - quick - 9.0).abs() < 0.001);
}

#[test]
fn an_emotion_changes_a_part_of_the_text_and_the_inner_one_wins() {
    let neutral = samples("<speak>你好。</speak>").0;
    let inner = r#"<speak><emotion category="sad" intensity="1.0"><emotion category="neutral">你好。</emotion></emotion></speak>"#;
    assert_eq!(samples(inner).0, neutral);
    let sad = samples(r#"<speak><emotion category="sad">你好。</emotion></speak>"#).0;
    assert_ne!(sad, neutral);
    let plan = voice()
        .plan("你好。", &Style::default().with_emotion(Emotion::Sad))
        .unwrap();
    let spoken: Vec<f32> = voice()
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect();
    assert_eq!(sad, spoken);
    let mixed = samples(r#"<speak><emotion category="sad">你好。</emotion>再见。</speak>"#).0;
    assert_eq!(mixed[..sad.len()], sad);
}

#[test]
fn a_rate_is_a_factor_of_the_speed_that_was_asked_for() {
    let seconds = |inside: &str, speed: f32| {
        let style = Style::default().with_speed(speed).unwrap();
        let document = format!("<speak>{inside}</speak>");
        voice()
            .plan_ssml(&document, &style)
            .unwrap()
            .seconds_estimate()
    };
    let close = |a: f32, b: f32| assert!((a - b).abs() < 0.001, "{a} {b}");
    close(
        seconds(r#"<prosody rate="150%">你好</prosody>"#, 1.0),
        seconds("你好", 1.5),
    );
    close(
        seconds(r#"<prosody rate="slow">你好</prosody>"#, 2.0),
        seconds("你好", 1.6),
    );
    let inner = r#"<prosody rate="fast"><prosody rate="0.8">你好</prosody></prosody>"#;
    close(seconds(inner, 1.0), seconds("你好", 0.8));
    let change = r#"<prosody rate="1.2"><prosody rate="+50%">你好</prosody></prosody>"#;
    close(seconds(change, 1.0), seconds("你好", 1.8));
}

#[test]
fn what_is_not_on_the_list_is_refused_with_its_place() {
    let error = plan("<speak>你好\n  <audio src='x'/></speak>").unwrap_err();
    assert_eq!(
        (
            error.place().line,
            error.place().column,
            error.place().offset
        ),
        (2, 3, 16)
    );
    assert_eq!(
        *error.problem(),
        SsmlProblem::Element {
            name: "audio".to_owned()
        }
    );
    for (inside, told) in [
        (
            r#"<break tme="1s"/>"#,
            r#"<break> has no attribute "tme"; it has time, strength"#,
        ),
        (
            r#"<break time="11s"/>"#,
            r#"time="11s" of <break> is none of its values: 0 to 10 seconds"#,
        ),
        (
            r#"<break strength="big"/>"#,
            "none, x-weak, weak, medium, strong, x-strong",
        ),
        ("<break>x</break>", "<break> cannot read \"x\""),
        (
            r#"<emotion category="lyrical">好</emotion>"#,
            "neutral, happy, angry, sad, fear, hate, surprise",
        ),
        (
            r#"<emotion category="happy" intensity="9">好</emotion>"#,
            "0.01 to 2",
        ),
        (
            "<emotion>好</emotion>",
            "<emotion> lacks the attribute \"category\"",
        ),
        (r#"<prosody rate="5">好</prosody>"#, "0.50 to 2.00"),
        (r#"<prosody pitch="high">好</prosody>"#, "it has rate"),
        (r#"<phoneme ph="chang">长</phoneme>"#, "pinyin with a tone"),
        (
            r#"<phoneme ph="chang2">长江</phoneme>"#,
            "1 Chinese characters, as many as ph has syllables",
        ),
        (
            r#"<phoneme alphabet="ipa" ph="a">啊</phoneme>"#,
            "none of its values: py",
        ),
        (
            r#"<say-as interpret-as="date">13月1日</say-as>"#,
            "a date such as",
        ),
        (
            r#"<say-as interpret-as="poem">1</say-as>"#,
            "cardinal, number, ordinal",
        ),
        (
            r#"<say-as interpret-as="time" format="hms12">1:00</say-as>"#,
            "except for dates",
        ),
        (
            r#"<say-as interpret-as="date" format="ydm">1</say-as>"#,
            "ymd, mdy",
        ),
        (r#"<sub>好</sub>"#, "<sub> lacks the attribute \"alias\""),
        ("<s><p>好</p></s>", "<p> cannot stand in <s>"),
        (
            "<sub alias='好'><s>好</s></sub>",
            "<s> cannot stand in <sub>",
        ),
        ("<speak>好</speak>", "<speak> cannot stand in <speak>"),
        (
            "<p class='x'>好</p>",
            "<p> has no attribute \"class\", nor any other",
        ),
        ("<v:p>好</v:p>", "there is no element \"v:p\""),
        ("<P>好</P>", "there is no element \"P\""),
    ] {
        let error = plan(&format!("<speak>{inside}</speak>"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{inside}: {error}");
        assert!(error.starts_with("line 1, column "), "{error}");
    }
    for document in [
        r#"<speak xml:lang="en-US">hi</speak>"#,
        r#"<speak version="2.0">好</speak>"#,
        r#"<speak xmlns="http://example.org/">好</speak>"#,
    ] {
        assert!(matches!(
            problem(document),
            SsmlProblem::Value {
                element: "speak",
                ..
            }
        ));
    }
}

#[test]
fn what_cannot_be_spoken_is_told_with_its_place() {
    let error = plan("<speak>你好<s>世界こ</s></speak>").unwrap_err();
    assert_eq!(error.place().column, 15);
    let unit = "こ".to_owned();
    assert_eq!(
        *error.problem(),
        SsmlProblem::Text(TextError::Unspeakable { unit })
    );
    let nothing = SsmlProblem::Text(TextError::NothingSpeakable);
    for empty in [
        "<speak/>",
        "<speak>。</speak>",
        r#"<speak><break time="1s"/></speak>"#,
        "<speak><s> </s></speak>",
    ] {
        assert_eq!(problem(empty), nothing);
    }
}

#[test]
fn a_document_that_is_not_well_formed_is_refused() {
    for document in [
        "",
        " ",
        "你好",
        "<speak>",
        "<speak>好</p></speak>",
        "</speak>",
        "<speak>好</speak>好",
        "<speak>好",
        "<speak>好</speak",
        "<speak>a & b</speak>",
        "<speak>&amp</speak>",
        "<speak>&#xZZ;</speak>",
        "<speak>&#;</speak>",
        "<speak><break time=1s/></speak>",
        "<speak><break time/></speak>",
        "<speak><break time='1s' time='1s'/></speak>",
        "<speak><sub alias='<s>'>x</sub></speak>",
        "<speak><!-- </speak>",
        "<speak>好</speak>&#32;",
        "<",
        "<speak",
        "<speak>\u{1}</speak>",
        "<speak>\u{ffff}</speak>",
        "<speak>&#0;</speak>",
        "<speak>&#7;</speak>",
        "<speak>&#x1F;</speak>",
        "<speak>&#xD800;</speak>",
        "<speak>&#x110000;</speak>",
        "<speak><sub alias='&#8;'>x</sub></speak>",
    ] {
        assert!(
            matches!(problem(document), SsmlProblem::Malformed { .. }),
            "{document:?} {:?}",
            problem(document)
        );
    }
    assert!(matches!(
        problem("<speak>好</speak><speak>好</speak>"),
        SsmlProblem::Misplaced {
            element: "speak",
            within: None
        }
    ));
}

#[test]
fn entities_are_never_expanded() {
    let laughs = r#"<!DOCTYPE speak [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><speak>&b;</speak>"#;
    let external =
        r#"<!DOCTYPE speak [<!ENTITY x SYSTEM "file:///etc/passwd">]><speak>&x;</speak>"#;
    let parameter =
        r#"<!DOCTYPE speak [<!ENTITY % x SYSTEM "http://example.org/x.dtd">%x;]><speak>好</speak>"#;
    for document in [
        laughs,
        external,
        parameter,
        "<!DOCTYPE speak><speak>好</speak>",
    ] {
        assert_eq!(
            problem(document),
            SsmlProblem::Markup {
                kind: "a document type"
            }
        );
    }
    let name = "b".to_owned();
    assert_eq!(
        problem("<speak>&b;</speak>"),
        SsmlProblem::Entity { name: name.clone() }
    );
    assert_eq!(
        problem("<speak><sub alias='&b;'>x</sub></speak>"),
        SsmlProblem::Entity { name }
    );
}

#[test]
fn other_kinds_of_markup_are_refused() {
    for (document, kind) in [
        ("<speak><![CDATA[好]]></speak>", "a CDATA section"),
        (
            "<speak><?php echo 1 ?>好</speak>",
            "a processing instruction",
        ),
        (
            "<?xml-stylesheet href='x'?><speak>好</speak>",
            "a processing instruction",
        ),
        (
            "<speak><?xml version='1.0'?>好</speak>",
            "a second XML declaration",
        ),
    ] {
        assert_eq!(problem(document), SsmlProblem::Markup { kind });
    }
}

#[test]
fn nesting_elements_readings_and_silence_are_bounded() {
    let much = |document: &str| match problem(document) {
        SsmlProblem::TooMuch { what, limit } => (what, limit),
        other => panic!("{other:?}"),
    };
    let nested = |depth: usize| {
        let inside = r#"<prosody rate="medium">"#.repeat(depth);
        format!("<speak>{inside}好{}</speak>", "</prosody>".repeat(depth))
    };
    assert!(plan(&nested(15)).is_ok());
    assert_eq!(much(&nested(16)), ("elements in each other", 16));
    assert_eq!(much(&nested(100_000)), ("elements in each other", 16));
    let many = format!("<speak>{}好</speak>", "<break/>".repeat(100_000));
    assert_eq!(much(&many), ("elements", 2000));
    let silence = |seconds: usize| {
        format!(
            "<speak>好{}</speak>",
            r#"<break time="10s"/>"#.repeat(seconds / 10)
        )
    };
    assert!(plan(&silence(60)).is_ok());
    assert_eq!(much(&silence(70)), ("seconds of silence", 60));
    let readings = format!(
        r#"<speak><phoneme ph="{}"/></speak>"#,
        "ma1 ".repeat(70_000)
    );
    assert_eq!(much(&readings), ("readings in one stretch", 65_534));
}

#[test]
fn huge_attributes_and_names_take_time_and_errors_no_longer_than_themselves() {
    let huge = "x".repeat(1_000_000);
    for document in [
        format!("<speak><break time='{huge}'/></speak>"),
        format!("<speak><break {huge}='1s'/></speak>"),
        format!("<speak><{huge}/></speak>"),
        format!("<speak>&{huge};</speak>"),
        format!("<speak><phoneme ph='{huge}'>好</phoneme></speak>"),
        format!("<speak><say-as interpret-as='digits'>{huge}</say-as></speak>"),
        format!("<speak></{huge}></speak>"),
        format!("<speak {}>好</speak>", "version='1.0' ".repeat(50_000)),
    ] {
        let error = plan(&document).unwrap_err().to_string();
        assert!(error.len() < 1000, "{}", error.len());
    }
}

#[test]
fn errors_hold_no_control_characters_of_the_document() {
    for document in [
        "<speak><a\u{1b}[31m/></speak>",
        "<speak></a\u{1b}\n></speak>",
        "<speak>&a\u{1b};</speak>",
    ] {
        let told = plan(document).unwrap_err().to_string();
        assert!(!told.contains(char::is_control), "{told:?}");
    }
}

#[test]
fn a_reading_that_a_plan_shows_is_planned_alike() {
    for text in [
        "今天天气很好，我们去公园玩吧。你要不要一起来？",
        "银行行长长得很高。他花了3.5亿元买下了那座小房儿。",
        "请拨打110或者13812345678，验证码是8046。",
        "中国社会科学院研究生院的老师们正在讨论关于人工智能技术发展的问题而且非常认真地记录每一个人的意见",
        "NASA的APP在iPhone上用不了。",
    ] {
        let plan = voice().plan(text, &Style::default()).unwrap();
        let again = spoken(&format!(r#"<phoneme ph="{}"/>"#, plan.reading()));
        assert_eq!(again.pinyin(), plan.pinyin());
        assert_eq!(again.reading(), plan.reading());
        assert_eq!(again.stretches(), plan.stretches());
        assert_eq!(again.seconds_estimate(), plan.seconds_estimate());
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' | '\n' | '\r' | '\t' => {
                escaped.push_str(&format!("&#{};", c as u32))
            }
            c => escaped.push(c),
        }
    }
    escaped
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = plan(&text);
        let _ = plan(&format!("<speak>{text}</speak>"));
    }

    #[test]
    fn no_markup_makes_the_reader_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<speak>", "</speak>", "<p>", "</p>", "<s>", "</s>", "<break/>", "<break time='", "300ms", "9s", "'/>", "'>",
            "<emotion category='", "happy", "</emotion>", "<prosody rate='", "+20%", "</prosody>", "<phoneme ph='", "ni3 ",
            "hao3", "</phoneme>", "<say-as interpret-as='", "digits", "date", "</say-as>", "<sub alias='", "</sub>", "长",
            "你好", "儿", "，", "。", "12", "2024-01-01", " ", "\n", "&amp;", "&#20320;", "&", "<", ">", "<!--", "-->", "<?", "?>",
            "<!DOCTYPE x>", "<![CDATA[", "]]>", "\u{f0000}", "A", "/",
        ]), 0..30)
    ) {
        let inside = parts.concat();
        let _ = plan(&inside);
        let _ = plan(&format!("<speak>{inside}</speak>"));
    }

    #[test]
    fn escaped_text_is_planned_like_plain_text(
        text in "[\\PC\n&&[^\u{fffe}\u{ffff}]]{0,30}|[你好银行长大了三一不儿，。0-9.:%年月日 a-z&<>'\"\n-]{0,40}"
    ) {
        let plain = voice().plan(&text, &Style::default());
        let marked = plan(&format!("<speak>{}</speak>", escaped(&text)));
        match (plain, marked) {
            (Ok(plain), Ok(marked)) => {
                prop_assert_eq!(plain.pinyin(), marked.pinyin());
                prop_assert_eq!(plain.seconds_estimate(), marked.seconds_estimate());
            }
            (Err(error), Err(marked)) => prop_assert_eq!(&SsmlProblem::Text(error), marked.problem()),
            (plain, marked) => prop_assert!(false, "{:?} {:?}", plain, marked),
        }
    }
}
