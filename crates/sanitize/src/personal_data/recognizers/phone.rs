//! Phone numbers of mainland China: mobile numbers, and landlines with their area code.
//!
//! Mobile numbers have 11 digits. The first three tell the network; prefixes that are not assigned have
//! a lower score. Landlines have an area code of three digits (010 and 02x) or four, and a number of 7 or
//! 8 digits that does not begin with 0. Service numbers such as 110, 10086 and 400-… belong to no person.

use super::super::kind::PersonalDataKind;
use super::number_shape::is_one_number;
use super::{NumberCandidate, is_all_digits};
use crate::text::Number;

/// Recognizes a mobile number of a prefix that is assigned.
///
/// Score 80 for an assigned prefix, 40 for another one, in percent.
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
///
/// `None` if it is not one, or if the groups are those of several numbers.
fn national_number<'n>(number: &Number<'n>) -> Option<&'n str> {
    let (national, groups) = without_country(*number);
    let is_mobile = national.len() == 11
        && national.starts_with('1')
        && matches!(national.as_bytes().get(1), Some(b'3'..=b'9'))
        && national.bytes().all(|byte| byte.is_ascii_digit())
        && is_phone_shape(groups)
        // 110105 1949 1231 002X: the end of an identity number.
        && !(number.before_x && groups.len() > 1);
    is_mobile.then_some(national)
}

/// Tells whether groups are those of a phone number: one, all digits apart, or a first group of 3 to
/// 7 digits. In 18942988 025 the groups are two numbers.
fn is_phone_shape(groups: &[usize]) -> bool {
    let longest = groups.iter().max().copied().unwrap_or_default();
    let is_short =
        groups.len() == 1 || longest <= 8 && groups.first().is_some_and(|&size| size < 8);
    is_short && is_one_number(groups, 3)
}

/// Removes `86` or `0086`, together with the group that it fills.
///
/// The number itself if there is no country code, or if too few digits would be left.
fn without_country<'n>(number: Number<'n>) -> (&'n str, &'n [usize]) {
    for country in ["0086", "86"] {
        let Some(national) = number.digits.strip_prefix(country) else {
            continue;
        };
        if national.len() < 9 {
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
    if !is_all_digits(number) {
        return None;
    }
    let kind = PersonalDataKind::Landline;
    if let Some(area) = area_length(number.digits) {
        let is_usual = number.digits.as_bytes().get(area) != Some(&b'1');
        let score = match number.groups {
            [_] if is_usual => 40,
            [_] => 30,
            [first, ..] if *first == area && is_usual => 75,
            [first, ..] if *first == area => 60,
            _ => return None,
        };
        return Some(NumberCandidate::new(kind, score, false));
    }
    // With the country code the area code loses its 0: +86 21 and eight digits.
    let (national, groups) = without_country(*number);
    if national.len() == number.digits.len() {
        return None;
    }
    let with_zero = format!("0{}", national.trim_start_matches('0'));
    let area = area_length(&with_zero)?;
    let written = area - 1 + usize::from(national.starts_with('0'));
    let is_grouped = number.groups.len() > groups.len() && groups.first() == Some(&written);
    is_grouped.then_some(NumberCandidate::new(kind, 75, false))
}

/// Returns the length of the area code, if the digits are a landline number.
///
/// Area codes are those of the national numbering plan of China.
fn area_length(digits: &str) -> Option<usize> {
    let area = match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', b'0'..=b'9', ..] => 3,
        [b'0', b'3'..=b'9', b'1'..=b'9', b'0'..=b'9', ..] => 4,
        _ => return None,
    };
    let local = digits.len().checked_sub(area)?;
    let is_right_length = local == 8 || (area == 4 && local == 7);
    // No subscriber's number begins with 0, and few with 1.
    let first = digits.as_bytes().get(area)?;
    (is_right_length && *first != b'0').then_some(area)
}
