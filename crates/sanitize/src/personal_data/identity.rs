//! Identity numbers of mainland China (GB 11643).

use super::number_shape::is_one_number;
use crate::text::Number;

/// Tells whether a number is an identity number: region, date of birth, serial number, check digit.
pub(super) fn is_mainland_identity(number: Number<'_>) -> bool {
    let digits = number.digits;
    digits.len() == 18
        && matches!(digits.as_bytes().first(), Some(b'1'..=b'8'))
        && is_one_number(number.groups, 3)
        && is_birth_date(digits)
        && has_check_digit(digits)
}

/// Tells whether eight digits are a possible date of birth.
fn is_birth_date(digits: &str) -> bool {
    let part = |range| {
        digits
            .get(range)
            .and_then(|part: &str| part.parse::<u32>().ok())
    };
    let (year, month, day) = (part(6..10), part(10..12), part(12..14));
    year.is_some_and(|year| (1850..=2199).contains(&year))
        && month.is_some_and(|month| (1..=12).contains(&month))
        && day.is_some_and(|day| (1..=31).contains(&day))
}

/// Checks the last character. Weights are powers of two modulo 11; a remainder of 2 is written X.
fn has_check_digit(digits: &str) -> bool {
    let values = digits.chars().map(|c| match c {
        'X' => Some(10),
        c => c.to_digit(10),
    });
    let weights = (0..18u32).rev().map(|power| 2u32.pow(power) % 11);
    let products = values
        .zip(weights)
        .map(|(value, weight)| Some(value? * weight));
    products
        .sum::<Option<u32>>()
        .is_some_and(|sum| sum % 11 == 1)
}
