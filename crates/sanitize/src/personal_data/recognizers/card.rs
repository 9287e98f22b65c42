//! Numbers of payment cards (ISO/IEC 7812): prefix and length of an issuer, and the check digit of
//! Luhn.
//!
//! One number in ten passes the check of Luhn by chance. So the prefix must be that of an issuer, with a
//! length that the issuer uses, and short numbers in one group have a low score.

use super::super::kind::PersonalDataKind;
use super::NumberCandidate;
use super::number_shape::is_one_number;
use crate::text::Number;

/// The prefixes that ISO/IEC 7812 assigns to issuers, as ranges, with the lengths of their numbers.
const ISSUERS: [(u32, u32, &[usize]); 16] = [
    (2200, 2204, &[16, 17, 18, 19]), // Mir
    (2221, 2720, &[16]),             // Mastercard
    (3000, 3059, &[14, 16, 19]),     // Diners Club
    (3095, 3095, &[14, 16, 19]),
    (3400, 3499, &[15]),                         // American Express
    (3528, 3589, &[16, 17, 18, 19]),             // JCB
    (3600, 3699, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    (3700, 3799, &[15]),                         // American Express
    (3800, 3999, &[14, 16, 19]),                 // Diners Club
    (4000, 4999, &[13, 16, 18, 19]),             // Visa
    (5000, 5099, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (5100, 5599, &[16]),                         // Mastercard
    (5600, 5999, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (6000, 6999, &[13, 14, 15, 16, 17, 18, 19]), // UnionPay, Discover, RuPay, Maestro
    (8100, 8199, &[16, 17, 18, 19]),             // UnionPay
    (9558, 9559, &[16, 17, 18, 19]),             // older cards of mainland China
];

/// Recognizes a card. Short numbers in one group are often something else: one in ten has the check
/// digit by chance.
///
/// Scores in percent: 85, 75, 55 or 30.
pub(super) fn recognize(number: &Number<'_>) -> Option<NumberCandidate> {
    if !is_card(*number) {
        return None;
    }
    let in_groups = number.groups.len() > 1;
    let score = match (number.digits.len(), number.digits.as_bytes()) {
        (16.., _) => 85,
        _ if in_groups => 85,
        // American Express and Diners Club; Visa before 2000.
        (15, [b'3', b'4' | b'7', ..]) => 75,
        (14, [b'3', ..]) | (13, [b'4', ..]) => 55,
        // Bar codes of goods begin with 69 in mainland China.
        _ => 30,
    };
    Some(NumberCandidate::new(PersonalDataKind::Card, score, false))
}

/// Tells whether a number has an issuer's prefix and length, and a correct check digit.
pub(in crate::personal_data) fn is_card(number: Number<'_>) -> bool {
    let length = number.digits.len();
    let first = number.digits.get(..4).and_then(|first| first.parse().ok());
    let issued = |first: u32| {
        let mut issuers = ISSUERS.iter();
        issuers
            .any(|(from, to, lengths)| (*from..=*to).contains(&first) && lengths.contains(&length))
    };
    first.is_some_and(issued) && is_card_shape(number.groups) && passes_luhn(number.digits)
}

/// Tells whether groups are those of a card: one, all digits apart, or 4-4-4-4, 4-6-5, 6-13, 8-8 and
/// similar. In 50601205 433-18 the groups are several numbers.
fn is_card_shape(groups: &[usize]) -> bool {
    match groups {
        [8, rest] => *rest == 8,
        [4 | 6, inner @ .., _] => inner.iter().all(|size| *size >= 4),
        _ => is_one_number(groups, 20),
    }
}

/// Computes the Luhn sum: every second digit from the right is doubled, and its digits are added.
///
/// ISO/IEC 7812-1, annex B. False if a character is no digit.
fn passes_luhn(digits: &str) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let mut sum = 0;
    for (index, c) in digits.chars().rev().enumerate() {
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        sum += if index % 2 == 1 { double(digit) } else { digit };
    }
    sum % 10 == 0
}
