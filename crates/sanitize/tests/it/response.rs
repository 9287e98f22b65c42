//! Responses that arrive in chunks.

use palisade_sanitize::{PersonalData, Placeholders, ResponseText};
use proptest::prelude::*;

use crate::personal_data::unlabelled;

/// Sends a text in chunks of so many characters.
fn in_chunks(mut response: ResponseText<'_>, text: &str, size: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut shown = String::new();
    for chunk in chars.chunks(size) {
        shown += &response.push(&chunk.iter().collect::<String>());
    }
    shown + &response.finish()
}

fn masking() -> ResponseText<'static> {
    ResponseText::new().mask(PersonalData::new())
}

#[test]
fn personal_data_is_masked_wherever_chunks_are_cut() {
    let lines = include_str!("../vectors/personal_data_hard.txt").lines();
    for line in lines.filter(|line| !line.starts_with("# ")) {
        let (text, labels) = unlabelled(line);
        // Where nothing tells where an address in Chinese characters begins, its start may be sent.
        let whole = in_chunks(masking(), &text, text.len());
        for size in [1, 2, 3, 5, 8, 13] {
            let shown = in_chunks(masking(), &text, size);
            assert_eq!(shown.chars().count(), text.chars().count(), "{text:?}");
            for (kind, place) in &labels {
                let data = &text[place.clone()];
                assert!(
                    !shown.contains(data),
                    "{kind} in {shown:?}, chunks of {size}"
                );
            }
            assert_eq!(shown, whole, "chunks of {size}");
        }
    }
}

#[test]
fn hidden_characters_are_dropped_wherever_chunks_are_cut() {
    let text = "a\u{202e}b\u{1b}[31m 好\u{e0041}\u{200b}吗 👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم\r\nend";
    let whole = in_chunks(ResponseText::new(), text, text.len());
    assert_eq!(
        whole,
        "ab[31m 好吗 👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم\nend"
    );
    for size in 1..12 {
        assert_eq!(
            in_chunks(ResponseText::new(), text, size),
            whole,
            "chunks of {size}"
        );
    }
}

#[test]
fn placeholders_are_restored_and_other_data_is_masked() {
    let finder = PersonalData::new();
    let mut placeholders = Placeholders::new();
    let _ = finder.replace_with_placeholders("13800138000", &mut placeholders);
    let text = "打‹PHONE_1›或13900139000，不是‹PHONE_2›";
    for size in 1..20 {
        let response = ResponseText::new()
            .mask(finder.clone())
            .restore(&placeholders);
        let shown = in_chunks(response, text, size);
        assert_eq!(
            shown, "打13800138000或***********，不是‹PHONE_2›",
            "chunks of {size}"
        );
    }
}

#[test]
fn a_private_key_in_chunks_is_masked_whole_and_little_prose_is_held_back() {
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        "QUJD4567+/xy\n".repeat(100)
    );
    let shown = in_chunks(masking(), &format!("Key: {key} ok"), 7);
    assert!(!shown.contains("QUJD") && shown.ends_with(" ok"), "{shown}");

    let mut response = masking();
    let mut sent = 0;
    let mut received = 0;
    for word in "The quick brown fox jumps over the lazy dog and runs away "
        .repeat(20)
        .split_inclusive(' ')
    {
        sent += word.len();
        received += response.push(word).len();
        assert!(sent - received <= 12, "{sent} {received}");
    }
}

#[test]
fn numbers_close_to_each_other_are_masked_and_do_not_wait_for_the_last() {
    let mut response = masking();
    let mut shown = String::new();
    for count in 1..=2000 {
        shown.push_str(&response.push("13800138000, "));
        assert!(count * 13 - shown.len() <= 64, "{count}");
    }
    shown.push_str(&response.finish());
    assert_eq!(shown, "***********, ".repeat(2000));
}

proptest! {
    #[test]
    fn no_text_panics_and_chunks_make_no_difference(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "a", "好", " ", "1", "138", "\u{200d}", "👩", "\u{fe0f}", "\u{301}", "\u{e0067}", "🏴", "\r", "\n",
                "‹", "›", "\u{202e}", "，", "word", "1️⃣", "\u{200b}", "ก",
            ]),
            0..24,
        ),
        size in 1usize..6,
    ) {
        let text = pieces.concat();
        let whole = in_chunks(ResponseText::new(), &text, text.len().max(1));
        prop_assert_eq!(in_chunks(ResponseText::new(), &text, size), whole);
        let _ = in_chunks(masking(), &text, size);
    }
}
