//! Parameters as queries and forms have them.
//!
//! Stricter than the readers behind: a half escape or bytes that are not UTF-8, which one reader would keep
//! and the next would mend, are refused in every name and in every watched value.

use std::borrow::Cow;

use palisade_core::Rejection;
use smallvec::SmallVec;

use crate::fault::{self, Place};
use crate::watch::{Edit, Watch, splice};

const HALF_ESCAPE: &str = "has a percent sign without two hexadecimal digits";
const NOT_UTF8: &str = "is not UTF-8";
const TOO_MANY: &str = "has too many parameters";

/// Cleans the watched parameters; borrows if nothing had to change.
pub(crate) fn clean<'t>(
    source: &'t str,
    place: Place,
    max_keys: usize,
    watch: &mut Watch,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    let mut edits = Vec::new();
    let mut seen = SmallVec::<[usize; 4]>::new();
    let mut start = 0usize;
    for (index, pair) in source.split('&').enumerate() {
        let end = start.saturating_add(pair.len());
        if index >= max_keys {
            return Err(fault::malformed(place, TOO_MANY));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).map_err(|why| fault::malformed(place, why))?;
        if let Some(field) = watch.parameter(&name) {
            if seen.contains(&field) {
                return Err(fault::duplicated(&name));
            }
            seen.push(field);
            let text = decode(value).map_err(|why| fault::malformed(place, why))?;
            if let Some(text) = watch.clean(field, &text)? {
                edits.push(Edit {
                    span: end.saturating_sub(value.len())..end,
                    text: encode(&text),
                });
            }
        }
        start = end.saturating_add(1);
    }
    splice(source, edits).ok_or_else(|| fault::malformed(place, NOT_UTF8))
}

/// Undoes percent-encoding and `+`.
fn decode(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if !raw.contains(['%', '+']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (hex(bytes.next()), hex(bytes.next()));
                high.zip(low)
                    .map(|(high, low)| (high << 4) | low)
                    .ok_or(HALF_ESCAPE)?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| NOT_UTF8)
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Encodes so that every reader of queries and forms reads the same text.
fn encode(text: &str) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend(
                [byte >> 4, byte & 15]
                    .iter()
                    .filter_map(|&digit| DIGITS.get(usize::from(digit))),
            );
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let all: String = ('\0'..='\u{2ff}').chain("今👍\u{10ffff}".chars()).collect();
        assert_eq!(decode(&encode(&all)).unwrap(), all);
    }

    #[test]
    fn half_escapes_and_other_encodings_are_found() {
        for (raw, why) in [
            ("%", HALF_ESCAPE),
            ("%4", HALF_ESCAPE),
            ("%zz", HALF_ESCAPE),
            ("%+1", HALF_ESCAPE),
            ("%ff", NOT_UTF8),
        ] {
            assert_eq!(decode(raw), Err(why), "{raw}");
        }
        assert_eq!(decode("a+b%20c%E4%BB%8A").unwrap(), "a b c今");
    }
}
