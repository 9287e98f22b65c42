//! Words near a number that say what it is.
//!
//! "手机13800138000" is a phone number, and "订单号13800138000" is not. The nearest word before the
//! number decides; a word after it can confirm, and `words_behind` knows what contradicts there.
//!
//! | Text | Word | Score of 0.8 becomes |
//! |---|---|---|
//! | 手机13800138000 | confirms | 1.0 |
//! | 13800138000是我的手机 | confirms, after the number | 1.0 |
//! | 订单号13800138000 | contradicts | 0.35 |
//! | 订单12，13800138000 | of another number | 0.8 |
//!
//! An amount or the number of a thing, as in 13800138000元 and 13800138000号订单, contradicts whatever
//! stands before it, and so does a sign of a currency before the number. A count, as in 13800138000次,
//! contradicts if no word before confirms.
//!
//! Words are compared in lower case. A word in ASCII letters must stand alone: `ip` is not in `ship`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::kind::PersonalDataKind;
use super::words_behind::{Behind, read};

/// How many characters before a number are looked at.
const BEFORE: usize = 24;
/// How many characters after a number are looked at.
const AFTER: usize = 10;

/// What a word nearby adds to the score, in percent, and what a word for another kind of number
/// takes away.
const CONFIRMED: u8 = 45;
/// What a word for another kind of number takes away from the score, in percent.
const CONTRADICTED: u8 = 45;

/// Characters that end what a word for another number speaks of.
const CLAUSE_ENDS: [char; 9] = ['，', '。', '；', '！', '？', ',', ';', '!', '\n'];

/// How many characters after a number are read for what it counts.
pub(crate) const BEHIND: usize = 24;

/// Signs of currencies. Directly before a number they make it an amount.
const CURRENCIES: [char; 8] = ['¥', '￥', '$', '＄', '€', '£', '₩', '₹'];

/// Signs that make a number one of a series, if no word before confirms.
const SERIES: [char; 4] = ['第', '#', '＃', '№'];

/// A line for each kind: its name, and its words.
const DATA: &str = include_str!("context_words.tsv");

/// The name of the line with words that say that a number is something else.
const OTHER: &str = "other";

/// The words by kind. Parsed once in a process.
static WORDS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let lines = DATA.lines().filter(|line| !line.starts_with('#'));
    let split = lines.filter_map(|line| line.split_once('\t'));
    split
        .map(|(name, words)| (name, words.split('\t').collect()))
        .collect()
});

/// Returns the words of a line. `Secret` and `Custom` have none.
fn words(name: &str) -> &'static [&'static str] {
    WORDS.get(name).map_or(&[], Vec::as_slice)
}

/// Changes a score by the words near `start..end`. Above 100 it only orders findings that overlap.
///
/// A word of the kind adds 45 percent points, and a word for another number takes 45 away unless
/// `checked`: the number has a check digit that fits.
pub(super) fn adjusted(
    text: &str,
    start: usize,
    end: usize,
    kind: PersonalDataKind,
    score: u8,
    checked: bool,
) -> u8 {
    let before = last_characters(text.get(..start).unwrap_or_default(), BEFORE).to_lowercase();
    let after = first_characters(text.get(end..).unwrap_or_default(), AFTER).to_lowercase();
    // In 合计68225276元，台胞证71833950 the word behind the comma speaks of the next number.
    let after = match after.split_once(CLAUSE_ENDS) {
        Some((clause, _)) if text.get(end..).is_some_and(has_more_digits) => clause,
        _ => &after,
    };
    let around = match is_number(kind) {
        true => around(text, start, end),
        false => Behind::Nothing,
    };
    if around == Behind::Other {
        return contradicted(score, checked);
    }
    let confirming = words(kind.name());
    let ours = nearest(&before, confirming);
    let others = nearest(&before, words(OTHER)).filter(|end| {
        // In 订单12，13800138000 the word speaks of the 12.
        let between = before.get(*end..).unwrap_or_default();
        !between.contains(CLAUSE_ENDS) && !between.contains(|c: char| c.is_ascii_digit())
    });
    match (ours, others) {
        (Some(ours), Some(others)) if others > ours => contradicted(score, checked),
        (Some(_), _) => confirmed(score),
        (None, Some(_)) => contradicted(score, checked),
        (None, None) if around == Behind::LikelyOther => contradicted(score, checked),
        (None, None) if nearest(after, confirming).is_some() => confirmed(score),
        (None, None) => score,
    }
}

/// Reads what stands directly before and behind a number.
fn around(text: &str, start: usize, end: usize) -> Behind {
    let before = text.get(..start).unwrap_or_default().trim_end();
    if before.ends_with(CURRENCIES) {
        return Behind::Other;
    }
    let after = first_characters(text.get(end..).unwrap_or_default(), BEHIND).to_lowercase();
    let clause = after.split(CLAUSE_ENDS).next().unwrap_or_default();
    match read(clause, words(OTHER)) {
        Behind::Nothing if before.ends_with(SERIES) => Behind::LikelyOther,
        behind => behind,
    }
}

/// Tells whether data of this kind is a number, which could also count something.
const fn is_number(kind: PersonalDataKind) -> bool {
    !matches!(
        kind,
        PersonalDataKind::Email
            | PersonalDataKind::Iban
            | PersonalDataKind::Ipv4
            | PersonalDataKind::Ipv6
            | PersonalDataKind::Secret
    )
}

/// Returns whether a digit comes soon after the words behind a number.
fn has_more_digits(after: &str) -> bool {
    let soon = first_characters(after, AFTER + AFTER);
    soon.contains(|c: char| c.is_ascii_digit())
}

/// Adds what a confirming word is worth.
fn confirmed(score: u8) -> u8 {
    score.saturating_add(CONFIRMED)
}

/// Takes away what a word for another number is worth. A number with a check digit that fits keeps
/// its score.
const fn contradicted(score: u8, checked: bool) -> u8 {
    if checked {
        score
    } else {
        score.saturating_sub(CONTRADICTED)
    }
}

/// Returns where the last of these words ends. A word in ASCII letters must stand alone.
fn nearest(text: &str, words: &[&str]) -> Option<usize> {
    let ends = words.iter().filter_map(|word| {
        let mut found = text.rmatch_indices(word);
        let alone = found.find(|&(at, word)| !word.is_ascii() || stands_alone(text, at, word));
        alone.map(|(at, word)| at + word.len())
    });
    ends.max()
}

/// Returns whether no ASCII letter is directly before or after a word: `ip` is not in `ship`.
fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic();
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text
        .get(at + word.len()..)
        .and_then(|after| after.chars().next());
    // A plural is the same word.
    !before.is_some_and(letter) && !after.is_some_and(|c| letter(c) && c != 's')
}

/// Returns at most so many characters of the end.
fn last_characters(text: &str, count: usize) -> &str {
    let start = text.char_indices().rev().take(count).last();
    start.and_then(|(at, _)| text.get(at..)).unwrap_or_default()
}

/// Returns at most so many characters of the beginning.
fn first_characters(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: u8) {
        let start = text.find("13").unwrap();
        let end = text.rfind('0').unwrap() + 1;
        let kind = PersonalDataKind::Phone;
        assert_eq!(
            adjusted(text, start, end, kind, 50, false),
            expected,
            "{text}"
        );
    }

    #[test]
    fn every_line_names_a_kind_and_its_words_are_in_lower_case() {
        for (name, words) in &*WORDS {
            assert!(
                *name == OTHER || name.parse::<PersonalDataKind>().is_ok(),
                "{name}"
            );
            assert!(
                words.iter().all(|word| word.to_lowercase() == *word),
                "{name}"
            );
        }
        assert_eq!(WORDS.len(), DATA.lines().count() - 1);
    }

    #[test]
    fn the_nearest_word_before_a_number_decides() {
        check("手机13800138000", 95);
        check("订单号13800138000", 5);
        check("手机下的订单号13800138000", 5);
        check("订单12，手机 13800138000", 95);
        check("13800138000是我手机", 95);
        check("13800138000", 50);
        check("Call me: 13800138000", 95);
        check("recall 13800138000", 50);
        check("订单12，给 13800138000", 50);
    }
}
