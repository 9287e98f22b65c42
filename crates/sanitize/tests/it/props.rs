//! What holds for every text.

use palisade_sanitize::{
    Action, Class, Normalization, OverLength, Sanitizer, TextRule, Whitespace,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{ask, form, get, json, speech};

/// Any text, with more of what matters than chance would bring.
fn text() -> impl Strategy<Value = String> {
    let special = "\u{0}\u{1b}\t\n\r\u{85}\u{a0}\u{2003}\u{ad}\u{fe00}\u{2800}<|[>\u{34f}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2028}\u{2066}\u{feff}\
        \u{fe00}\u{fe0e}\u{fe0f}\u{e0001}\u{e0067}\u{e007f}\u{e0101}\u{fffe}\u{e000}\u{301}\u{323}\u{307}\u{20e3}\u{115f}\u{1100}\u{1161}\u{11a8}\
        \u{fdfa}\u{3000}\u{1f3f4}\u{1f3fd}👩❤🏳🇨م خ1今ක්රकक्ก้ក្ʼnﬁaA b";
    let special: Vec<char> = special.chars().collect();
    let one = prop_oneof![3 => prop::sample::select(special), 1 => any::<char>()];
    prop::collection::vec(one, 0..60).prop_map(|chars| chars.into_iter().collect())
}

fn sanitizers() -> Vec<Sanitizer> {
    let rules = Sanitizer::builder()
        .rule(TextRule::new("a", "a").drop())
        .rule(TextRule::new("b", "b ").replace("ʼn"))
        .rule(TextRule::new("c", "[0-9]").mask('*'));
    vec![
        Sanitizer::speech(),
        Sanitizer::prompt(),
        Sanitizer::identifier(),
        Sanitizer::display_name(),
        Sanitizer::builder()
            .normalization(Normalization::Nfkc)
            .whitespace(Whitespace::FoldLines)
            .build()
            .unwrap(),
        Sanitizer::builder()
            .max_graphemes(7)
            .over_length(OverLength::Cut)
            .build()
            .unwrap(),
        Sanitizer::builder()
            .max_bytes(20)
            .max_marks(0)
            .over_length(OverLength::Cut)
            .build()
            .unwrap(),
        Sanitizer::builder()
            .class(Class::Control, Action::Replace(' '))
            .class(Class::Joiner, Action::Replace('-'))
            .build()
            .unwrap(),
        rules.build().unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(512) })]

    #[test]
    fn cleaning_twice_is_cleaning_once(text in text()) {
        for sanitizer in sanitizers() {
            let Ok(once) = sanitizer.clean(&text) else { continue };
            let twice = sanitizer.clean(once.text()).unwrap();
            prop_assert_eq!(once.text(), twice.text());
            prop_assert!(!twice.report().is_changed());
        }
    }

    #[test]
    fn nothing_is_longer_than_its_limit(text in text()) {
        let cut = Sanitizer::builder().max_bytes(20).max_chars(9).normalization(Normalization::Nfkc).over_length(OverLength::Cut);
        if let Ok(clean) = cut.build().unwrap().clean(&text) {
            prop_assert!(clean.text().len() <= 20 && clean.text().chars().count() <= 9);
        }
    }

    #[test]
    fn speech_never_lets_a_hidden_character_out(text in text()) {
        let Ok(clean) = Sanitizer::speech().clean(&text) else { return Ok(()) };
        for c in clean.text().chars() {
            prop_assert!(!c.is_control() || c == '\n', "{:?}", c);
            prop_assert!(!matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), "{:?}", c);
            prop_assert!(!matches!(c, '\u{feff}' | '\u{fffe}' | '\u{e0001}' | '\u{e0100}'..='\u{e01ef}' | '\u{e000}'..='\u{f8ff}'), "{:?}", c);
        }
    }

    #[test]
    fn a_report_without_changes_means_the_same_text(text in text()) {
        for sanitizer in sanitizers() {
            let Ok(clean) = sanitizer.clean(&text) else { continue };
            prop_assert_eq!(clean.report().is_changed(), clean.text() != text);
        }
    }
}

/// Parts of queries, forms and JSON texts, good and bad, in any order.
fn parts(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(parts), 1..14).prop_map(|parts| parts.concat())
}

const PARAMETERS: &[&str] = &[
    "text",
    "=",
    "&",
    "te%78t",
    "%74ext",
    "+",
    "%20",
    "a",
    "%00",
    "%E2%80%AE",
    "%E4%BB%8A",
    "%ff",
    "%",
    "%2",
    ";",
    "%26",
    "%3D",
    "text=",
    "&text=b",
    "x=1",
    "Text",
];

/// Objects of a few members, nearly all of them valid.
fn object() -> impl Strategy<Value = String> {
    let names = ["\"text\"", "\"te\\u0078t\"", "\"x\"", "\"y\"", "\"Text\""];
    let values = [
        "\"a\"",
        "\"\\u0000b\"",
        "\"\\u202ec\\n\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\u{200b}d\"",
        "\"\\\"q\\\\\"",
        "null",
        "1.50",
        "[\"\u{200b}\"]",
        "{\"text\":\"\u{200b}\"}",
        "\"e\u{301}\"",
        "\"\"",
        "tru",
    ];
    let member = (
        prop::sample::select(names.to_vec()),
        prop::sample::select(values.to_vec()),
    );
    let member = member.prop_map(|(name, value)| format!("{name} :{value}"));
    prop::collection::vec(member, 1..4).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// What was let through and is a text must be one that the sanitizer lets through as it is.
fn is_clean(text: &str) -> bool {
    Sanitizer::speech()
        .clean(text)
        .is_ok_and(|clean| !clean.report().is_changed())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn a_handler_never_reads_unclean_text_from_a_query_or_a_form(query in parts(PARAMETERS)) {
        let Ok(uri) = format!("/tts?{query}").parse::<http::Uri>() else { return Ok(()) };
        let outcome = run(ask(speech(), get(&uri.to_string())));
        let outcomes = [outcome.query.clone().filter(|_| outcome.status == 200), {
            let outcome = run(ask(speech(), form(query.clone())));
            (outcome.status == 200).then(|| outcome.text().to_owned())
        }];
        for passed in outcomes.into_iter().flatten() {
            let Ok(uri) = format!("/?{passed}").parse() else { continue };
            let read = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap().0;
            let texts: Vec<_> = read.iter().filter(|(name, _)| name == "text").collect();
            prop_assert_eq!(texts.len(), 1, "{}", passed);
            prop_assert!(texts.iter().all(|(_, text)| is_clean(text)), "{}", passed);
        }
    }

    #[test]
    fn a_handler_never_reads_unclean_text_from_json(body in object()) {
        let outcome = run(ask(speech(), json(body)));
        if outcome.status == 200 {
            let read: serde_json::Value = serde_json::from_slice(&outcome.body).unwrap();
            prop_assert!(is_clean(read["text"].as_str().unwrap()), "{}", read);
        }
    }
}
