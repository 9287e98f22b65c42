//! What stands in place of data: a code that correlates, and data of the same form.

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use sha2::Sha256;

use crate::text::folded::Folded;

/// How many bytes of the code are written. Two of a million values have the same one with a probability of
/// one in 30 million.
const CODE_BYTES: usize = 8;

/// Country codes that a stand-in of a phone number keeps.
const COUNTRY_CODES: [&str; 2] = ["86", "0086"];

/// Writes `[PHONE:ngkcpajmbnhfedco]`: the label, and a code of the data by the key.
///
/// The code is HMAC-SHA-256 of the label and of the letters and digits of the data, so separators and width
/// make no difference. It has letters only: digits could be found as a number again.
pub(super) fn write_code(key: &Secret, label: &str, found: &str, out: &mut String) {
    out.push('[');
    out.push_str(label);
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose()) {
        mac.update(label.as_bytes());
        mac.update(b":");
        let folded = Folded::new(found);
        let plain = folded.as_str().chars().filter(|c| c.is_alphanumeric());
        mac.update(
            plain
                .flat_map(char::to_lowercase)
                .collect::<String>()
                .as_bytes(),
        );
        out.push(':');
        let code = mac.finalize().into_bytes();
        for byte in code.iter().take(CODE_BYTES) {
            out.extend([byte >> 4, byte & 0xf].map(|half| char::from(b'a' + half)));
        }
    }
    out.push(']');
}

/// Writes a stand-in with the separators of the data, if both have as many letters and digits.
///
/// A country code before a phone number stays. Otherwise the stand-in is written as it is.
pub(super) fn same_form(found: &str, stand_in: &str) -> String {
    let is_plain = stand_in.chars().all(char::is_alphanumeric);
    let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let Some(more) = count(found)
        .checked_sub(count(stand_in))
        .filter(|_| is_plain)
    else {
        return stand_in.to_owned();
    };
    let folded = Folded::new(found);
    let before: String = folded
        .as_str()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .take(more)
        .collect();
    if more > 0 && !COUNTRY_CODES.contains(&before.as_str()) {
        return stand_in.to_owned();
    }
    let (mut kept, mut letters) = (more, stand_in.chars());
    let written = found.chars().map(|c| match c.is_alphanumeric() {
        true if kept > 0 => {
            kept -= 1;
            c
        }
        true => letters.next().unwrap_or(c),
        false => c,
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_has_the_separators_of_the_data() {
        let phone = "13800138000";
        for (found, expected) in [
            ("13912345678", "13800138000"),
            ("139 1234 5678", "138 0013 8000"),
            ("+86 139-1234-5678", "+86 138-0013-8000"),
            ("００８６１３９１２３４５６７８", "００８６13800138000"),
            // Neither fewer nor more digits than the form has.
            ("1391234567", phone),
            ("99913912345678", phone),
        ] {
            assert_eq!(same_form(found, phone), expected);
        }
        assert_eq!(
            same_form("li@corp.cn", "user@example.com"),
            "user@example.com"
        );
    }
}
