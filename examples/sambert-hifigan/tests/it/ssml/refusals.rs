//! Documents that are refused, and where.

use sambert_hifigan::{SsmlProblem, TextError};

use super::{plan, problem};

#[test]
fn what_is_not_on_the_list_is_refused_with_its_place() {
    let error = plan("<speak>你好\n  <audio src='x'/></speak>").unwrap_err();
    assert_eq!(
        (
            error.position().line,
            error.position().column,
            error.position().offset
        ),
        (2, 3, 16)
    );
    let SsmlProblem::Element { name, allowed } = error.problem() else {
        panic!("{error}");
    };
    assert_eq!(name, "audio");
    assert!(allowed.contains(&"break") && !allowed.contains(&"audio"));
    for (inside, message) in [
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
        assert!(error.contains(message), "{inside}: {error}");
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
fn what_cannot_be_spoken_is_named_with_its_place() {
    let error = plan("<speak>你好<s>世界こ</s></speak>").unwrap_err();
    assert_eq!(error.position().column, 15);
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
fn errors_hold_no_control_characters_of_the_document() {
    for document in [
        "<speak><a\u{1b}[31m/></speak>",
        "<speak></a\u{1b}\n></speak>",
        "<speak>&a\u{1b};</speak>",
    ] {
        let message = plan(document).unwrap_err().to_string();
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}
