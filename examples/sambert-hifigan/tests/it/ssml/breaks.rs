//! Pauses, silence, and what ends a sentence.

use super::{check, samples, spoken};

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
