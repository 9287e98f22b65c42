//! The promise that clean text costs no allocation.

use allocation_counter::measure;
use palisade_sanitize::{Sanitizer, TextRule};

fn check(name: &str, sanitizer: &Sanitizer, text: &str) {
    // The first search of a pattern fills a cache that belongs to the pattern.
    drop(sanitizer.clean(text));
    let counted = measure(|| assert!(sanitizer.clean(text).is_ok()));
    assert_eq!(counted.count_total, 0, "{name}");
}

#[test]
fn clean_text_is_not_copied() {
    let texts = [
        ("ASCII", "The quick brown fox.\nIt jumps."),
        ("Chinese", "今天天气很好，我们去公园玩吧。"),
        ("Persian", "می\u{200c}خواهم کتاب\u{200c}هایم را بردارم."),
        ("emoji", "好👩\u{200d}👩\u{200d}👧\u{200d}👦！"),
        ("Vietnamese", "Tiếng Việt có nhiều dấu."),
    ];
    let ruled = Sanitizer::builder().rule(TextRule::new("phone", r"\b1[3-9][0-9]{9}\b").mask('*'));
    let ruled = ruled.build().unwrap();
    let masked = Sanitizer::builder()
        .rule(TextRule::mainland_phone())
        .rule(TextRule::mainland_identity())
        .rule(TextRule::bank_card())
        .rule(TextRule::email())
        .build()
        .unwrap();
    for (name, text) in texts {
        check(name, &Sanitizer::speech(), text);
        check(name, &Sanitizer::prompt(), text);
        check(name, &ruled, text);
        check(name, &masked, text);
    }
    check("numbers", &masked, "一共12个，3.5元，2024-05-01！");
}

#[test]
fn a_refusal_for_length_is_not_copied() {
    let (sanitizer, text) = (Sanitizer::speech(), "今".repeat(600));
    let counted = measure(|| assert!(sanitizer.clean(&text).is_err()));
    assert_eq!(counted.count_total, 0);
}
