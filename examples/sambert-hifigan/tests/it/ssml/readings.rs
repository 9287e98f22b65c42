//! Elements that say how their text is read.

use sambert_hifigan::Style;

use super::{check, spoken, voice};

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
