//! Emotions and rates.

use sambert_hifigan::{Emotion, StopSignal, Style};

use super::{samples, voice};

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
fn a_change_of_manner_pauses_as_a_sentence_only_where_one_ends() {
    let seconds = |inside: &str| super::spoken(inside).seconds_estimate();
    let inside = seconds(r#"<emotion category="sad">你好</emotion>再见"#);
    for ended in [
        r#"<emotion category="sad">你好。</emotion>再见"#,
        r#"<emotion category="sad">你好</emotion>。再见"#,
        r#"<s><emotion category="sad">你好</emotion></s><s>再见</s>"#,
        r#"<emotion category="sad"><s>你好</s></emotion>再见"#,
    ] {
        let longer = seconds(ended) - inside;
        assert!((longer - 0.18).abs() < 0.001, "{ended}: {longer}");
    }
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
