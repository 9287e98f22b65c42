//! Percent-encoding.
//!
//! RFC 3986, section 2.1, has `%41`; forms add `+` for a blank; `%u0041` is no standard, but some
//! servers decode it.

use super::{changed, unicode};

/// The value of a hexadecimal digit.
///
/// Both cases. `None` for all other bytes.
pub(super) fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The byte that two hexadecimal digits at the start of `text` write.
///
/// What follows them does not matter.
pub(super) fn hex_pair(text: &[u8]) -> Option<u8> {
    let (high, low) = (hex(*text.first()?)?, hex(*text.get(1)?)?);
    Some(high << 4 | low)
}

/// The number that up to `most` hexadecimal digits at the start of `text` write, and how many there
/// are.
///
/// Both are 0 if there is none. `most` must be at most 8.
pub(super) fn hex_number(text: &[u8], most: usize) -> (u32, usize) {
    let digits = text.iter().take(most).map_while(|byte| hex(*byte));
    digits.fold((0, 0), |(number, count), digit| {
        (number << 4 | u32::from(digit), count + 1)
    })
}

/// Decodes `%41` and `+`. Wrong encodings stay as they are.
pub(super) fn decode(value: &[u8]) -> Option<Vec<u8>> {
    decode_with(value, |_, _| None)
}

/// Decodes also `%u0041`.
///
/// Fewer than four digits after `%u` leave it as it is.
pub(super) fn decode_unicode(value: &[u8]) -> Option<Vec<u8>> {
    decode_with(value, |rest, out| {
        let digits = rest
            .strip_prefix(b"u")
            .or_else(|| rest.strip_prefix(b"U"))?;
        let (code, 4) = hex_number(digits, 4) else {
            return None;
        };
        unicode::push_best_fit(code, out);
        Some(5)
    })
}

/// Decodes, and asks `other` about a `%` that two digits do not follow. It returns how many bytes
/// after the `%` it used.
///
/// `None` from it keeps the `%`.
fn decode_with(
    value: &[u8],
    other: impl Fn(&[u8], &mut Vec<u8>) -> Option<usize>,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let used = match hex_pair(after) {
                    Some(byte) => {
                        out.push(byte);
                        2
                    }
                    None => other(after, &mut out).unwrap_or_else(|| {
                        out.push(b'%');
                        0
                    }),
                };
                rest = after.get(used..).unwrap_or_default();
            }
            _ => out.push(first),
        }
    }
    changed(value, out)
}

/// Encodes everything but letters and digits; a blank becomes `+`.
///
/// `*` stays. Digits of the encoding are in lower case.
pub(super) fn encode(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        match byte {
            b' ' => out.push(b'+'),
            b'*' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => out.extend(format!("%{byte:02x}").into_bytes()),
        }
    }
    changed(value, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &[u8]) {
        assert_eq!(
            decode_unicode(value.as_bytes()).as_deref(),
            Some(expected),
            "{value}"
        );
    }

    #[test]
    fn both_forms_are_decoded() {
        check("a%41%u0042+c", b"aAB c");
        check("%uff1cscript", b"<script");
        check("%zz%4%u12%41", b"%zz%4%u12A");
        assert_eq!(decode(b"%u0041"), None);
        assert_eq!(decode(b"%2527").as_deref(), Some(&b"%27"[..]));
    }

    #[test]
    fn what_cannot_stand_in_a_url_is_encoded() {
        assert_eq!(encode(b"a b/\xff").as_deref(), Some(&b"a+b%2f%ff"[..]));
    }
}
