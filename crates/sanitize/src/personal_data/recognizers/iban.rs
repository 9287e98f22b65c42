//! International bank account numbers (ISO 13616).
//!
//! The registry gives each country one length. Groups of four with single spaces are the written form
//! (ISO 13616-1, annex).

use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::{Search, take_spaced};

/// Countries with the length of their numbers, of the registry of SWIFT.
#[rustfmt::skip] // a table reads better in rows
const LENGTHS: [(&str, usize); 76] = [
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22), ("BR", 29),
    ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29),
    ("ES", 24), ("FI", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27), ("GT", 28),
    ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20),
    ("LB", 28), ("LC", 32), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22),
    ("MK", 19), ("MR", 27), ("MT", 31), ("MU", 30), ("NL", 18), ("NO", 15), ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25),
    ("QA", 29), ("RO", 24), ("RS", 22), ("SA", 24), ("SC", 31), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("ST", 25),
    ("SV", 28), ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VG", 24),
];

/// Adds a number that begins with this token, in one piece or in groups.
pub(super) fn find(search: &mut Search<'_>, view: &str, token: &Range<usize>) {
    let start = view.get(token.clone()).unwrap_or_default();
    let country = start.get(..2).unwrap_or_default().to_ascii_uppercase();
    let Some((_, length)) = LENGTHS.iter().find(|(known, _)| *known == country) else {
        return;
    };
    let digits = start.as_bytes().get(2..4);
    if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)) {
        return;
    }
    if let Some((number, end)) = take_spaced(view, token.start, *length)
        && has_check_digits(&number)
    {
        search.add(PersonalDataKind::Iban, token.start..end, 95, true);
    }
}

/// Tells whether the number, with its first four characters last and letters from 10 on, leaves 1
/// when it is divided by 97 (ISO 7064).
fn has_check_digits(number: &str) -> bool {
    let (head, tail) = number.split_at_checked(4).unwrap_or((number, ""));
    let mut rest = 0;
    for c in tail.chars().chain(head.chars()) {
        let Some(value) = c.to_digit(36) else {
            return false;
        };
        let shift = if value > 9 { 100 } else { 10 };
        rest = (rest * shift + value) % 97;
    }
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::has_check_digits;

    #[test]
    fn the_examples_of_the_registry_pass() {
        for number in [
            "GB29NWBK60161331926819",
            "DE89370400440532013000",
            "NO9386011117947",
        ] {
            assert!(has_check_digits(number), "{number}");
        }
        assert!(!has_check_digits("GB28NWBK60161331926819"));
    }
}
