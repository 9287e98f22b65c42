//! What a text may be.

use proptest::prelude::*;
use sambert_hifigan::{Emotion, Style, TextError, Voice};

fn voice() -> &'static Voice {
    static VOICE: std::sync::OnceLock<Voice> = std::sync::OnceLock::new();
    VOICE.get_or_init(|| Voice::demo().unwrap())
}

#[test]
fn a_text_without_sound_is_refused() {
    for text in ["", "   ", "。。。", "\n\t", "🙂🙃", "——（）", "\u{200b}"] {
        let error = voice().plan(text, &Style::default()).unwrap_err();
        assert_eq!(error, TextError::NothingSpeakable, "{text:?}");
    }
}

#[test]
fn a_foreign_script_is_refused_by_its_character() {
    for (text, unit) in [("你好こんにちは", "こ"), ("привет", "п"), ("你한국", "한")]
    {
        let error = voice().plan(text, &Style::default()).unwrap_err();
        assert_eq!(
            error,
            TextError::Unspeakable {
                unit: unit.to_owned()
            }
        );
    }
}

#[test]
fn an_emotion_the_voice_has_not_learned_is_refused() {
    let style = Style::default().with_emotion(Emotion::Lyrical);
    assert_eq!(
        voice().plan("你好", &style).unwrap_err(),
        TextError::Emotion(Emotion::Lyrical)
    );
}

#[test]
fn traditional_characters_are_read_like_simplified_ones() {
    let read = |text| voice().plan(text, &Style::default()).unwrap().pinyin();
    assert_eq!(
        read("這個銀行的行長長得很高。"),
        read("这个银行的行长长得很高。")
    );
}

#[test]
fn full_width_and_plain_forms_are_read_alike() {
    let read = |text| voice().plan(text, &Style::default()).unwrap().pinyin();
    assert_eq!(read("２０２４年，增长３．５％！"), read("2024年,增长3.5%!"));
}

#[test]
fn pictures_have_no_sound() {
    let read = |text| voice().plan(text, &Style::default()).unwrap().pinyin();
    assert_eq!(read("你好😀👍🏽🇨🇳👨\u{200d}👩\u{200d}👧！"), read("你好！"));
    assert_eq!(read("1\u{fe0f}\u{20e3}号™"), read("1号"));
}

#[test]
fn a_voice_without_english_says_words_in_syllables_it_has() {
    let read = |text| voice().plan(text, &Style::default()).unwrap().pinyin();
    assert_eq!(read("hello"), "he1 lou4.");
    assert_eq!(read("USB"), read("usb"));
    for text in [
        "the quick brown fox jumps over the lazy dog",
        "Straße",
        "rhythm",
        "don't",
        "xkcd",
        "ŒUVRE",
    ] {
        let syllables = read(text);
        assert!(syllables.contains(|c: char| c.is_ascii_digit()), "{text}");
        assert!(
            !syllables.contains(|c: char| c.is_ascii_uppercase() || c == '0'),
            "{text}: {syllables}"
        );
    }
}

#[test]
fn marks_without_sound_do_not_keep_a_sentence_from_ending() {
    let read = |text| voice().plan(text, &Style::default()).unwrap().pinyin();
    assert_eq!(read("你好，<。再见"), "ni2 hao3. zai4 jian4.");
    assert_eq!(read("你好，🙂！再见"), "ni2 hao3. zai4 jian4.");
}

#[test]
fn a_long_text_comes_in_short_stretches() {
    let text = "今天天气很好我们去公园玩吧".repeat(40);
    let plan = voice().plan(&text, &Style::default()).unwrap();
    assert!(plan.stretches() >= 20, "{}", plan.stretches());
    assert!(plan.seconds_estimate() > 60.0);
}

#[test]
fn a_very_long_text_is_planned_in_time_that_grows_with_its_length() {
    // Quadratic work would take minutes here.
    for piece in [
        "为",
        "1",
        "不一",
        "今天天气很好",
        "a",
        "1-",
        "花儿，",
        "aB",
        "@a.",
        "x²",
    ] {
        let text = piece.repeat(12_000 / piece.len());
        let _ = voice().plan(&text, &Style::default());
    }
}

#[test]
fn a_faster_style_is_estimated_shorter() {
    let plan = |speed| {
        voice()
            .plan(
                "今天天气很好。",
                &Style::default().with_speed(speed).unwrap(),
            )
            .unwrap()
    };
    assert!(plan(2.0).seconds_estimate() < plan(1.0).seconds_estimate() * 0.6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_string_makes_the_front_end_panic(text in "\\PC{0,60}") {
        let _ = voice().plan(&text, &Style::default());
    }

    #[test]
    fn no_mixture_of_numbers_signs_and_words_makes_it_panic(
        text in "([0-9]{0,20}|[-~:/.,%¥$°C年月日点个一不儿得地长还 ]|[a-zA-Z]|第|二|公斤|km/h|。){0,30}",
    ) {
        if let Ok(plan) = voice().plan(&text, &Style::default()) {
            prop_assert!(plan.stretches() > 0);
            prop_assert!(!plan.pinyin().is_empty());
        }
    }
}
