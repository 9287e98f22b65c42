//! Any text, any pieces of markup, any document of allowed elements.

use proptest::prelude::*;
use sambert_hifigan::{SsmlProblem, Style, TextError};

use super::{plan, spoken, voice};

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

/// What may stand in any element around text.
fn content() -> impl Strategy<Value = String> {
    let leaves = vec![
        "你好，",
        "一不三老虎",
        "12.5%",
        "2024年",
        "AI",
        "。",
        " ",
        "&lt;",
        "儿",
        "<break/>",
        r#"<break time="300ms"/>"#,
        r#"<break time="0.2s"/>"#,
        r#"<break strength="x-strong"/>"#,
        r#"<phoneme ph="chang2 da4">长大</phoneme>"#,
        r#"<phoneme alphabet="py" ph="huar1">花儿</phoneme>"#,
        r#"<phoneme ph="ni2hao3/ma5, er2."/>"#,
        r#"<sub alias="世界3">x</sub>"#,
        r#"<say-as interpret-as="digits">120</say-as>"#,
        r#"<say-as interpret-as="telephone">400-820</say-as>"#,
        r#"<say-as interpret-as="characters">a.儿</say-as>"#,
    ];
    let leaf = prop::sample::select(leaves).prop_map(str::to_owned);
    leaf.prop_recursive(4, 30, 5, |inner| {
        let around = prop::sample::select(vec![
            ("<emotion category='happy'>", "</emotion>"),
            ("<emotion category='sad'>", "</emotion>"),
            ("<prosody rate='slow'>", "</prosody>"),
            ("<prosody rate='+5%'>", "</prosody>"),
        ]);
        (around, prop::collection::vec(inner, 1..5))
            .prop_map(|((open, close), inner)| format!("{open}{}{close}", inner.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = plan(&text);
        let _ = plan(&format!("<speak>{text}</speak>"));
    }

    #[test]
    fn no_markup_makes_the_reader_panic_or_the_speech_long(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<speak>", "</speak>", "<p>", "</p>", "<s>", "</s>", "<break/>", "<break time='", "300ms", "9s", "'/>", "'>",
            "<emotion category='", "happy", "</emotion>", "<prosody rate='", "+20%", "</prosody>", "<phoneme ph='", "ni3 ",
            "hao3", "</phoneme>", "<say-as interpret-as='", "digits", "date", "</say-as>", "<sub alias='", "</sub>", "长",
            "你好", "儿", "，", "。", "12", "2024-01-01", " ", "\n", "&amp;", "&#20320;", "&", "<", ">", "<!--", "-->", "<?", "?>",
            "<!DOCTYPE x>", "<![CDATA[", "]]>", "\u{f0000}", "A", "/",
        ]), 0..30)
    ) {
        let inside = parts.concat();
        for document in [format!("<speak>{inside}</speak>"), inside] {
            match plan(&document) {
                // A minute of breaks, and what a byte can ask for.
                Ok(plan) => prop_assert!(plan.seconds_estimate() < 61.0 + 5.0 * document.len() as f32),
                Err(error) => prop_assert!(error.position().offset <= document.len()),
            }
        }
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

    #[test]
    fn what_is_allowed_is_planned_and_its_reading_is_planned_alike(
        sentences in prop::collection::vec(prop::collection::vec(content(), 0..6), 0..4)
    ) {
        let sentence = |parts: &Vec<String>| format!("<s>{}</s>", parts.concat());
        let inside: String = sentences.iter().map(sentence).collect();
        let plan = match plan(&format!("<speak><p>{inside}</p></speak>")) {
            Ok(plan) => plan,
            Err(error) => {
                let nothing = SsmlProblem::Text(TextError::NothingSpeakable);
                prop_assert_eq!(error.problem(), &nothing);
                return Ok(());
            }
        };
        let again = spoken(&format!(r#"<phoneme ph="{}"/>"#, plan.reading()));
        prop_assert_eq!(again.reading().replace(['.', '/', ' '], ""), plan.reading().replace(['.', '/', ' '], ""));
    }
}
