//! Social Security numbers of the United States.
//!
//! Area numbers 000, 666 and 900 to 999 are never assigned. Since 2011 the other digits are random, so
//! there is no further check.

use super::super::kind::PersonalDataKind;
use super::{NumberCandidate, is_all_digits};
use crate::text::Number;

/// Recognizes three, two and four digits, none of which may be zero throughout. Without groups it
/// needs a word nearby.
pub(super) fn recognize(number: &Number<'_>) -> Option<NumberCandidate> {
    let digits = number.digits;
    if digits.len() != 9 || !is_all_digits(number) {
        return None;
    }
    let (area, rest) = digits.split_at_checked(3)?;
    let (group, serial) = rest.split_at_checked(2)?;
    let assigned = area != "000" && area != "666" && !area.starts_with('9');
    if !assigned || group == "00" || serial == "0000" {
        return None;
    }
    let score = match number.groups {
        [3, 2, 4] => 60,
        [_] => 10,
        _ => return None,
    };
    Some(NumberCandidate::new(PersonalDataKind::Ssn, score, false))
}
