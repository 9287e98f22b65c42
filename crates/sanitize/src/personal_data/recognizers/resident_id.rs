//! Resident identity numbers of mainland China (GB 11643).
//!
//! | Digits | Meaning |
//! |---|---|
//! | 1–6 | region; the first two are the province |
//! | 7–14 | date of birth |
//! | 15–17 | serial number, odd for men |
//! | 18 | check digit, 0 to 9 or X (ISO 7064, MOD 11-2) |

use super::super::kind::PersonalDataKind;
use super::number_shape::is_one_number;
use super::{NumberCandidate, is_all_digits};
use crate::text::Number;

/// The first two digits: the provinces, Taiwan (71 and 83), Hong Kong (81) and Macau (82).
const REGIONS: [&str; 35] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41",
    "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71",
    "81", "82", "83",
];

/// Recognizes numbers of 18 digits with their check digit, and those of 15 digits that were issued
/// until 1999 and have none.
///
/// Score 95 with a known region, 60 without, and 40 for the old form.
pub(super) fn recognize(number: &Number<'_>) -> Option<NumberCandidate> {
    let digits = number.digits;
    let kind = PersonalDataKind::ResidentId;
    let known = digits.get(..2).is_some_and(|two| REGIONS.contains(&two));
    if is_resident_id(*number) {
        let score = if known { 95 } else { 60 };
        return Some(NumberCandidate::new(kind, score, true));
    }
    let old = digits.len() == 15 && matches!(number.groups, [_]) && is_all_digits(number);
    let born = digits.get(6..12).is_some_and(|date| is_date(1900, date));
    (old && known && born).then_some(NumberCandidate::new(kind, 40, false))
}

/// Tells whether a number is an identity number: region, date of birth, serial number, check digit.
pub(in crate::personal_data) fn is_resident_id(number: Number<'_>) -> bool {
    let digits = number.digits;
    digits.len() == 18
        && matches!(digits.as_bytes().first(), Some(b'1'..=b'8'))
        && is_one_number(number.groups, 3)
        && digits.get(6..14).is_some_and(is_birth_date)
        && has_check_digit(digits)
}

/// Tells whether eight digits are a possible date of birth.
///
/// Years from 1850 to 2199.
fn is_birth_date(date: &str) -> bool {
    let Some((year, day)) = date.split_at_checked(4) else {
        return false;
    };
    let year: u32 = year.parse().unwrap_or(0);
    (1850..=2199).contains(&year) && is_day(year, day)
}

/// Tells whether six digits are a date, with the year of a century.
fn is_date(century: u32, date: &str) -> bool {
    let Some((year, day)) = date.split_at_checked(2) else {
        return false;
    };
    let year = year.parse::<u32>().map_or(0, |year| century + year);
    year > 0 && is_day(year, day)
}

/// Tells whether four digits are a month and a day of this year.
fn is_day(year: u32, day: &str) -> bool {
    let Some((month, day)) = day.split_at_checked(2) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        "01" | "03" | "05" | "07" | "08" | "10" | "12" => 31,
        "04" | "06" | "09" | "11" => 30,
        "02" if leap => 29,
        "02" => 28,
        _ => return false,
    };
    day.parse::<u32>()
        .is_ok_and(|day| (1..=days).contains(&day))
}

/// Checks the last character. Weights are powers of two modulo 11; a remainder of 2 is written X.
///
/// The sum of all 18 products must be 1 modulo 11 (ISO 7064).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_do_not_exist_are_no_dates_of_birth() {
        assert!(is_birth_date("19491231") && is_birth_date("20000229"));
        for date in [
            "19490230", "19000229", "19491301", "19490431", "18491231", "1949",
        ] {
            assert!(!is_birth_date(date), "{date}");
        }
    }
}
