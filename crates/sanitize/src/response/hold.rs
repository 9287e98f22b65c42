//! How much of a text that is not complete is certain: what comes next cannot change it.
//!
//! A stream of text is cleaned in pieces, and each piece must be cleaned as the whole text would be. So
//! the end of a piece waits until it is known what follows. Three things make an end uncertain:
//!
//! - a character whose class depends on its neighbors, such as a joiner or a combining mark;
//! - a CR, which may be the first half of a line break;
//! - with masking, a run of groups that may become a number, an address, a token or a PEM block;
//! - with masking, a number whose meaning the next words tell, as in 13800138000元.
//!
//! Other text passes at once, so a reader sees a stream word by word.

use crate::characters::{Class, digit, is_mark, is_pictograph, is_skin_tone, suspect};
use crate::personal_data::BEHIND;

/// The most bytes that are held back: a private key of 16,384 bits in PEM fits.
///
/// Above it the text is cut at the last border: memory and delay stay bounded, and a longer secret may
/// be masked only in part.
pub(super) const LONGEST_HELD: usize = 16 * 1024;

/// The start of a private key or certificate, and its end.
///
/// RFC 7468, section 2.
const PEM_START: &str = "-----BEGIN";
const PEM_END: &str = "-----END";

/// The most characters of a group of letters that may be part of a number, as in `GB29 NWBK 6016`.
const SHORT_GROUP: usize = 4;

/// Returns how many bytes from the start are certain. With `masks`, what may become personal data is not.
///
/// The result is 0 if nothing is certain. It is always at the border of a character.
pub(super) fn certain_length(text: &str, masks: bool) -> usize {
    let candidate = match masks {
        true => {
            let open = open_pem(text).unwrap_or(text.len());
            before_open_numbers(text, open.min(start_of_data(text)))
        }
        false => text.len(),
    };
    let certain = last_border(text, candidate);
    match text.len() - certain > LONGEST_HELD {
        true => last_border(text, text.len()),
        false => certain,
    }
}

/// Returns the next place before a length where a text can be cut, some characters to the left.
pub(super) fn earlier_border(text: &str, length: usize) -> usize {
    last_border(text, length.saturating_sub(STEP_BACK))
}

/// How far to the left of a place inside of personal data the next one is tried, in bytes. Most data is
/// shorter.
const STEP_BACK: usize = 128;

/// Returns the last place at or before `end` behind which no number waits for the words that follow it.
fn before_open_numbers(text: &str, mut end: usize) -> usize {
    while let Some(start) = open_number(text, end) {
        end = start;
    }
    end
}

/// Returns where a number begins, before `end`, that has fewer than [`BEHIND`] characters after it.
fn open_number(text: &str, end: usize) -> Option<usize> {
    let (window, _) = text.char_indices().rev().take(BEHIND).last()?;
    let mut before = text.get(..end)?;
    loop {
        let at = before
            .rfind(|c| digit(c).is_some())
            .filter(|at| *at >= window)?;
        let end = before.ceil_char_boundary(at + 1);
        before = before.get(..end)?;
        let start = start_of_data(before);
        if is_number(before.get(start..)?) {
            return Some(start);
        }
        before = before.get(..start.min(at))?;
    }
}

/// Tells whether a run has as many digits as a number with a meaning. An address of version 4 has four.
fn is_number(run: &str) -> bool {
    let digits = run.chars().filter(|&c| digit(c).is_some()).count();
    digits >= 5 || digits == 4 && run.contains(['.', '．'])
}

/// Returns where a PEM block begins that has no end yet.
fn open_pem(text: &str) -> Option<usize> {
    let start = text.rfind(PEM_START)?;
    let rest = text.get(start..)?;
    let end = rest
        .find(PEM_END)
        .and_then(|end| rest.get(end + PEM_END.len()..));
    let is_closed = end.is_some_and(|after| after.contains("-----"));
    (!is_closed).then_some(start)
}

/// Returns the last place at or before `end` where a text can be cut: the characters on both sides have
/// no effect on each other. The last character of the text is always held back.
///
/// 0 if there is no such place.
fn last_border(text: &str, end: usize) -> usize {
    let mut before = text.char_indices().rev().filter(|(at, _)| *at <= end);
    let mut place = before.next();
    for (at, c) in before {
        if let Some((next_at, next)) = place
            && is_free(c)
            && begins_anew(next)
        {
            return next_at;
        }
        place = Some((at, c));
    }
    0
}

/// Tells whether a character means the same whatever comes after it.
fn is_free(c: char) -> bool {
    !is_pictograph(c)
        && !matches!(
            suspect(c),
            Some(Class::Invisible | Class::Joiner | Class::Tag | Class::VariationSelector)
        )
        && c != '\r'
}

/// Tells whether a character means the same whatever was before it.
fn begins_anew(c: char) -> bool {
    let is_plain = suspect(c).is_none()
        || matches!(
            suspect(c),
            Some(Class::LineFeed | Class::Space | Class::Tab)
        );
    is_plain && !is_mark(c) && !is_skin_tone(c)
}

/// Returns where the run of groups begins that may become a number, an address or a token.
///
/// The length of the text if its end cannot belong to personal data.
fn start_of_data(text: &str) -> usize {
    let mut start = text.len();
    let mut rest = text;
    // From the last group to the left, as long as groups can belong to one number.
    loop {
        let group = rest.trim_end_matches(is_part);
        let taken = rest.get(group.len()..).unwrap_or_default();
        let is_last = start == text.len();
        if !is_last && !may_belong(taken) {
            break;
        }
        start = group.len();
        let gap = group.trim_end_matches(is_space);
        if gap.len() == group.len() || taken.is_empty() && !is_last {
            break;
        }
        rest = gap;
    }
    skip_words(text, start)
}

/// Skips words at the start of a run that hold no digit: `call 138` begins with the 138.
fn skip_words(text: &str, mut start: usize) -> usize {
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let word = rest.find(is_space).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(word).unwrap_or((rest, ""));
        let is_word = !after.is_empty() && !has_data(word) && word.contains(char::is_lowercase);
        if !is_word && !word.is_empty() {
            return start;
        }
        if after.is_empty() {
            return start;
        }
        start = text.len() - after.trim_start_matches(is_space).len();
    }
}

/// Tells whether a group may be part of a number in several groups.
fn may_belong(group: &str) -> bool {
    has_data(group) || group.chars().count() <= SHORT_GROUP
}

/// Digits of all scripts count, as they do for the recognizers.
fn has_data(group: &str) -> bool {
    group.contains('@') || group.chars().any(|c| digit(c).is_some())
}

/// A line break ends a run: no number goes over two lines.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t') || suspect(c) == Some(Class::Space)
}

/// Tells whether a character may be part of personal data. Other characters, such as commas and most
/// Chinese characters, end it.
fn is_part(c: char) -> bool {
    match c {
        _ if c.is_ascii() => c.is_ascii_alphanumeric() || "@._%+-:/()'".contains(c),
        '＠' | '．' | '－' | '＿' | '（' | '）' | '·' | '•' | '‹' | '›' => true,
        '\u{2010}'..='\u{2015}' => true,
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => true,
        _ if digit(c).is_some() || is_province(c) => true,
        // Hidden characters are dropped, and what they separate is joined.
        _ if is_mark(c) || (suspect(c).is_some() && !c.is_whitespace()) => true,
        '\u{2e80}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}' => false,
        _ => c.is_alphanumeric(),
    }
}

/// Tells whether a licence plate may begin with a character.
fn is_province(c: char) -> bool {
    crate::personal_data::PROVINCES.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_held_back_for_a_word_and_numbers_until_they_end() {
        for (text, held) in [
            ("Hello wor", "wor"),
            ("Call 138 00", "138 00"),
            ("pay GB29 NWBK", "GB29 NWBK"),
            ("今天天气", "气"),
            ("我的手机138", "138"),
            ("写给li@exa", "li@exa"),
            ("a sentence, ", " "),
            ("车牌京A", "京A"),
            (
                "see -----BEGIN PRIVATE KEY-----\nabc\n",
                "-----BEGIN PRIVATE KEY-----\nabc\n",
            ),
            ("138 0013 8000，谢", "138 0013 8000，谢"),
            ("在2024年5月1日，谢", "谢"),
            (
                "打13800138000找他，今天天气很好我们去公园玩吧今天天气很好我们去",
                "去",
            ),
        ] {
            let certain = certain_length(text, true);
            assert_eq!(text.get(certain..), Some(held), "{text}");
        }
    }

    #[test]
    fn emoji_and_joiners_are_not_cut() {
        for text in [
            "👩\u{200d}",
            "❤",
            "❤\u{fe0f}",
            "🏴\u{e0067}\u{e0062}",
            "e\u{301}",
        ] {
            assert_eq!(certain_length(&format!("ab{text}"), false), 2, "{text:?}");
        }
    }
}
