//! Phone numbers of mainland China: mobile numbers, and landlines with their area code.
//!
//! Mobile numbers have 11 digits. The first three tell the network; prefixes that are not assigned have
//! a lower score. Landlines have an area code of three digits (010 and 02x) or four, and a number of 7 or
//! 8 digits that begins with 2 to 9. Service numbers such as 110, 10086 and 400-… belong to no person.

use super::super::kind::PersonalDataKind;
use super::number_shape::is_one_number;
use super::{NumberCandidate, is_all_digits};
use crate::text::Number;

/// Recognizes a mobile number of a prefix that is assigned.
pub(super) fn recognize_mobile(number: &Number<'_>) -> Option<NumberCandidate> {
    let score = match national_number(number)?.as_bytes() {
        [b'1', b'3' | b'8', ..]
        | [b'1', b'4', b'0' | b'1' | b'4'..=b'9', ..]
        | [b'1', b'5', b'0'..=b'3' | b'5'..=b'9', ..]
        | [b'1', b'6', b'2' | b'5'..=b'7', ..]
        | [b'1', b'7', b'0'..=b'8', ..]
        | [b'1', b'9', ..] => 80,
        _ => 40,
    };
    Some(NumberCandidate::new(PersonalDataKind::Phone, score, false))
}

/// Tells whether a number is a mobile number: after any country code, 11 digits that begin with 13
/// to 19.
pub(in crate::personal_data) fn is_mobile(number: Number<'_>) -> bool {
    national_number(&number).is_some()
}

/// Returns the 11 digits of a mobile number.
fn national_number<'n>(number: &Number<'n>) -> Option<&'n str> {
    let (national, groups) = without_country(*number);
    let is_mobile = national.len() == 11
        && national.starts_with('1')
        && matches!(national.as_bytes().get(1), Some(b'3'..=b'9'))
        && national.bytes().all(|byte| byte.is_ascii_digit())
        && is_one_number(groups, 3)
        // 110105 1949 1231 002X: the end of an identity number.
        && !(number.before_x && groups.len() > 1);
    is_mobile.then_some(national)
}

/// Removes `86` or `0086`, together with the group that it fills.
fn without_country<'n>(number: Number<'n>) -> (&'n str, &'n [usize]) {
    for country in ["0086", "86"] {
        let Some(national) = number.digits.strip_prefix(country) else {
            continue;
        };
        if national.len() < 11 {
            continue;
        }
        let groups = match number.groups {
            [first, rest @ ..] if *first == country.len() => rest,
            all => all,
        };
        return (national, groups);
    }
    (number.digits, number.groups)
}

/// Recognizes an area code and a number of 7 or 8 digits. Written in one group it needs a word
/// nearby.
pub(super) fn recognize_landline(number: &Number<'_>) -> Option<NumberCandidate> {
    let digits = number.digits;
    let area = match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', b'0'..=b'9', ..] => 3,
        [b'0', b'3'..=b'9', b'1'..=b'9', b'0'..=b'9', ..] => 4,
        _ => return None,
    };
    let local = digits.len().checked_sub(area)?;
    let right_length = if area == 3 {
        local == 8
    } else {
        (7..=8).contains(&local)
    };
    // No subscriber's number begins with 0 or 1.
    let first = digits.as_bytes().get(area)?;
    if !right_length || !is_all_digits(number) || !(b'2'..=b'9').contains(first) {
        return None;
    }
    let score = match number.groups {
        [_] => 40,
        [first, ..] if *first == area => 75,
        _ => return None,
    };
    let kind = PersonalDataKind::Landline;
    Some(NumberCandidate::new(kind, score, false))
}
