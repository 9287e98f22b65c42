//! Passports and travel permits, and the identity card of Hong Kong.
//!
//! Only the card of Hong Kong has a check digit. All others look like codes of goods or orders, so
//! they are reported only with a word nearby.
//!
//! | Document | Form | Alone |
//! |---|---|---|
//! | Chinese passport | `E` or `G` and 8 digits; `E`, a letter and 7 digits | not reported |
//! | passports of other countries | one or two letters and 6 to 8 digits, or 9 digits | not reported |
//! | permit of residents of Hong Kong and Macau | `H` or `M` and 8 or 10 digits | not reported |
//! | permit of residents of Taiwan | 8 digits | not reported |
//! | Hong Kong identity card | one or two letters, 6 digits, check digit in brackets | reported |
//!
//! "Not reported" means: the score is below 0.5 unless a word such as 护照 or "passport" is nearby.

use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::{NumberCandidate, Search, is_all_digits};
use crate::text::Number;

/// Recognizes the eight digits of a permit for residents of Taiwan.
///
/// Nine digits may be a passport. The score is 10, so a word nearby decides.
pub(super) fn recognize_number(number: &Number<'_>) -> Option<NumberCandidate> {
    let kind = match (number.digits.len(), number.groups) {
        (8, [_]) if is_all_digits(number) => PersonalDataKind::TaiwanPermit,
        (9, [_]) if is_all_digits(number) => PersonalDataKind::Passport,
        _ => return None,
    };
    Some(NumberCandidate::new(kind, 10, false))
}

/// Adds a token in the form of a document.
///
/// `token` is a run of ASCII letters and digits.
pub(super) fn find(search: &mut Search<'_>, view: &str, token: &Range<usize>) {
    let code = view.get(token.clone()).unwrap_or_default();
    let letters = code
        .bytes()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let (letters, digits) = code.split_at_checked(letters).unwrap_or((code, ""));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    let letters = letters.to_ascii_uppercase();
    if let ("H" | "M", 8 | 10) = (letters.as_str(), digits.len()) {
        search.add(PersonalDataKind::HomeReturnPermit, token.clone(), 30, false);
    }
    if matches!((letters.len(), digits.len()), (1, 7..=8) | (2, 6..=7)) {
        // Chinese passports begin with E or G; other countries use all letters.
        let score = if letters.starts_with(['E', 'G']) {
            30
        } else {
            10
        };
        search.add(PersonalDataKind::Passport, token.clone(), score, false);
    }
    hong_kong_id(search, view, token, &letters, digits);
}

/// One or two letters, six digits, and the check digit in brackets or directly behind.
///
/// Score 90 with brackets, 40 without.
fn hong_kong_id(
    search: &mut Search<'_>,
    view: &str,
    token: &Range<usize>,
    letters: &str,
    digits: &str,
) {
    if !(1..=2).contains(&letters.len()) {
        return;
    }
    let kind = PersonalDataKind::HongKongId;
    match digits.len() {
        6 => {
            let mut after = view.get(token.end..).unwrap_or_default().chars();
            let (open, check, close) = (after.next(), after.next(), after.next());
            let in_brackets = matches!(
                (open, close),
                (Some('('), Some(')')) | (Some('（'), Some('）'))
            );
            let Some(check) = check.filter(|_| in_brackets) else {
                return;
            };
            if has_check_digit(letters, digits, check.to_ascii_uppercase()) {
                let brackets = open.map_or(0, char::len_utf8) + close.map_or(0, char::len_utf8);
                let end = token.end + brackets + check.len_utf8();
                search.add(kind, token.start..end, 90, true);
            }
        }
        7 => {
            let (digits, check) = digits.split_at_checked(6).unwrap_or((digits, ""));
            let check = check.chars().next().unwrap_or(' ');
            if has_check_digit(letters, digits, check) {
                search.add(kind, token.clone(), 40, false);
            }
        }
        _ => {}
    }
}

/// Weights are 9 to 1 over two letters (A is 10, a missing one is 36), six digits and the check
/// digit, where A is 10. The sum is a multiple of 11.
fn has_check_digit(letters: &str, digits: &str, check: char) -> bool {
    let letter = |c: char| u32::from(c).checked_sub(55);
    let mut letters = letters.chars().rev().map(letter);
    let (last, first) = (letters.next().flatten(), letters.next().unwrap_or(Some(36)));
    let digits = digits.chars().map(|c| c.to_digit(10));
    let check = match check {
        'A' => Some(10),
        c => c.to_digit(10),
    };
    let values = [first, last].into_iter().chain(digits).chain([check]);
    let sum = values
        .zip((1..=9).rev())
        .try_fold(0, |sum, (value, weight)| Some(sum + value? * weight));
    sum.is_some_and(|sum| sum % 11 == 0)
}

#[cfg(test)]
mod tests {
    use super::has_check_digit;

    #[test]
    fn the_check_digit_of_hong_kong_is_computed() {
        assert!(has_check_digit("A", "123456", '3'));
        assert!(has_check_digit("AB", "987654", '3'));
        assert!(!has_check_digit("A", "123456", '4'));
        assert!(!has_check_digit("A", "123456", 'x'));
    }
}
