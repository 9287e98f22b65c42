//! Parameters of queries and forms (`application/x-www-form-urlencoded`).
//!
//! Stricter than common parsers. An incomplete escape or bytes that are not UTF-8 are refused in
//! every name and in every selected value: one parser would keep them and another would replace
//! them.

use std::borrow::Cow;

use palisade_core::Rejection;
use smallvec::SmallVec;

use super::refusal::{self, Place};
use super::selection::Selection;
use super::splice::{Edit, splice};

const HALF_ESCAPE: &str = "has a percent sign without two hexadecimal digits";
const NOT_UTF8: &str = "is not UTF-8";
const TOO_MANY: &str = "has too many parameters";

/// Cleans the selected parameters. Borrows if nothing had to change.
///
/// Refuses a selected parameter that is given twice, and more than `max_keys` parameters.
pub(crate) fn clean<'t>(
    source: &'t str,
    place: Place,
    max_keys: usize,
    selection: &mut Selection,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    if place == Place::Form && source.trim_ascii_start().starts_with(['{', '[', '"']) {
        return Err(refusal::type_mismatch("JSON"));
    }
    let mut edits = Vec::new();
    let mut seen = SmallVec::<[usize; 4]>::new();
    let mut start = 0usize;
    for (index, pair) in source.split('&').enumerate() {
        let end = start.saturating_add(pair.len());
        if index >= max_keys {
            return Err(refusal::malformed(place, TOO_MANY));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if selection.refuses_near_names() {
            refuse_near_names(pair, selection)?;
        }
        let name = decode(name).map_err(|why| refusal::malformed(place, why))?;
        if let Some(field) = selection.parameter(&name) {
            if seen.contains(&field) {
                return Err(refusal::duplicated(&name));
            }
            seen.push(field);
            let text = decode(value).map_err(|why| refusal::malformed(place, why))?;
            if let Some(text) = selection.clean(&[field], &text)? {
                edits.push(Edit {
                    span: end.saturating_sub(value.len())..end,
                    text: encode(&text),
                });
            }
        }
        start = end.saturating_add(1);
    }
    splice(source, edits).ok_or_else(|| refusal::malformed(place, NOT_UTF8))
}

/// Refuses names that lenient parsers treat as the name of a field, also after a `;`.
fn refuse_near_names(pair: &str, selection: &Selection) -> Result<(), Box<Rejection>> {
    for (index, part) in pair.split(';').enumerate() {
        let (name, _) = part.split_once('=').unwrap_or((part, ""));
        let Ok(name) = decode(name) else { continue };
        // A parser that separates by `;` reads this as the field itself.
        let exact = (index > 0).then(|| selection.parameter(&name)).flatten();
        let exact = exact.map(|field| selection.name(field));
        if let Some(field) = exact.or_else(|| selection.near_parameter(&name)) {
            return Err(refusal::near_name(field));
        }
    }
    Ok(())
}

/// Tells whether a form parser would find a field in a text that is not a form.
pub(crate) fn would_find_field(source: &str, selection: &Selection) -> bool {
    source.split(['&', ';']).any(|pair| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        decode(name).is_ok_and(|name| selection.parameter(&name).is_some())
    })
}

/// Decodes percent-encoding and `+`.
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

/// Returns the value of a hexadecimal digit.
fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Encodes a value so that every parser of queries and forms reads the same text.
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
