//! Percent-encoding (RFC 3986, section 2.1) and the decoding of queries and forms
//! (`application/x-www-form-urlencoded`, WHATWG URL Standard, section 5).
//!
//! Queries and forms differ from the rest of a URL in one character: `+` is a space.
//!
//! | Function | Incomplete escape, as `%4` or `%zz` | Bytes that are not UTF-8 |
//! |---|---|---|
//! | [`decode_form`] | stays as it is, as common parsers leave it | returned as bytes |
//! | [`decode_form_strictly`] | an error | an error |
//! | [`decode`] | stays as it is; `+` stays too | returned as bytes |
//!
//! Use the first to find a parameter that another parser might find too, such as a credential that
//! must be removed. Use the second to read a value.

use std::{borrow::Cow, fmt};

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_decode_str, utf8_percent_encode,
};

/// All but the unreserved characters of RFC 3986, section 2.3.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Control characters, and the percent sign itself.
const NOT_PRINTABLE: &AsciiSet = &CONTROLS.add(b'%');

/// Why a name or a value of a query or form is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // Within Palisade.
pub enum InvalidForm {
    /// A percent sign without two hexadecimal digits after it.
    IncompleteEscape,
    /// After decoding, the bytes are not UTF-8.
    NotUtf8,
}

impl fmt::Display for InvalidForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IncompleteEscape => "has a percent sign without two hexadecimal digits",
            Self::NotUtf8 => "is not UTF-8",
        })
    }
}

impl std::error::Error for InvalidForm {}

/// Decodes escapes. An incomplete one stays as it is. Borrows if there is none.
///
/// ```
/// assert_eq!(&*palisade_internal::percent::decode("a%20b+%zz"), b"a b+%zz");
/// ```
#[must_use]
pub fn decode(text: &str) -> Cow<'_, [u8]> {
    percent_decode_str(text).into()
}

/// Decodes a name or a value of a query or form. An incomplete escape stays as it is.
///
/// Borrows if there is nothing to decode.
///
/// ```
/// assert_eq!(&*palisade_internal::percent::decode_form("a+b%2B%4"), b"a b+%4");
/// ```
#[must_use]
pub fn decode_form(text: &str) -> Cow<'_, [u8]> {
    match plus_to_space(text) {
        Cow::Borrowed(text) => percent_decode(text).into(),
        Cow::Owned(text) => Cow::Owned(percent_decode(&text).collect()),
    }
}

/// Decodes a name or a value of a query or form. Borrows if there is nothing to decode.
///
/// # Errors
///
/// [`InvalidForm`]: an incomplete escape, or bytes that are not UTF-8. One parser keeps such
/// text and another replaces it, so no value of it is the right one.
///
/// ```
/// use palisade_internal::percent::{InvalidForm, decode_form_strictly};
///
/// assert_eq!(decode_form_strictly("a+b%E4%BB%8A").unwrap(), "a b今");
/// assert_eq!(decode_form_strictly("100%"), Err(InvalidForm::IncompleteEscape));
/// ```
pub fn decode_form_strictly(text: &str) -> Result<Cow<'_, str>, InvalidForm> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    if has_incomplete_escape(text) {
        return Err(InvalidForm::IncompleteEscape);
    }
    let decoded = decode_form(text).into_owned();
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| InvalidForm::NotUtf8)
}

/// Splits a parameter of a query or form at its first `=`. Both parts are still encoded.
///
/// ```
/// use palisade_internal::percent::split_pair;
///
/// assert_eq!(split_pair("a=b=c"), ("a", "b=c"));
/// assert_eq!(split_pair("a"), ("a", ""));
/// ```
#[must_use]
pub fn split_pair(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Returns whether a parameter of a query or form has this name, in any spelling. Case matters.
///
/// ```
/// use palisade_internal::percent::is_named;
///
/// assert!(is_named("%61pi_key=secret", "api_key"));
/// assert!(!is_named("API_KEY=secret", "api_key"));
/// ```
#[must_use]
pub fn is_named(pair: &str, name: &str) -> bool {
    let written = plus_to_space(split_pair(pair).0);
    percent_decode(&written).eq(name.bytes())
}

/// Encodes a value so that every parser of queries and forms reads the same text: all but letters,
/// digits and `-._~` (RFC 3986, section 2.3).
///
/// ```
/// assert_eq!(palisade_internal::percent::encode("a b+今"), "a%20b%2B%E4%BB%8A");
/// ```
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, NOT_UNRESERVED).to_string()
}

/// Encodes what is not printable ASCII, and the percent sign: the form of gRPC's `grpc-message`.
///
/// ```
/// assert_eq!(palisade_internal::percent::encode_message("100% 好"), "100%25 %E5%A5%BD");
/// ```
#[must_use]
pub fn encode_message(text: &str) -> String {
    utf8_percent_encode(text, NOT_PRINTABLE).to_string()
}

/// Replaces each `+`. Escapes are decoded afterwards: `%2B` is a plus sign.
fn plus_to_space(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        Cow::Owned(text.replace('+', " ").into_bytes())
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

/// Returns whether a percent sign is not followed by two hexadecimal digits.
fn has_incomplete_escape(text: &str) -> bool {
    let mut after = text.split('%').skip(1).map(str::as_bytes);
    after.any(|piece| !matches!(piece, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let all: String = ('\0'..='\u{2ff}').chain("今👍\u{10ffff}".chars()).collect();
        for encoded in [encode(&all), encode_message(&all)] {
            assert_eq!(&*decode(&encoded), all.as_bytes());
        }
        assert_eq!(decode_form_strictly(&encode(&all)).unwrap(), all);
        assert_eq!(encode("aZ09-._~"), "aZ09-._~");
        assert_eq!(encode_message("a\u{7f}\n+~ "), "a%7F%0A+~ ");
    }

    #[test]
    fn a_plus_is_a_space_unless_it_is_escaped() {
        assert_eq!(&*decode_form("+%2b+"), b" + ");
        assert_eq!(decode_form_strictly("+%2b+").unwrap(), " + ");
        assert!(is_named("a+b=1", "a b") && is_named("a%2Bb", "a+b"));
    }

    #[test]
    fn half_escapes_and_other_encodings_are_found() {
        for text in ["%", "%4", "%zz", "%+1", "a%2", "%25%", "%%20", "%4好"] {
            let refused = decode_form_strictly(text);
            assert_eq!(refused, Err(InvalidForm::IncompleteEscape), "{text}");
        }
        for text in ["%ff", "%E4%BD", "%c0%80", "%ed%a0%80"] {
            let refused = decode_form_strictly(text);
            assert_eq!(refused, Err(InvalidForm::NotUtf8), "{text}");
        }
    }

    #[test]
    fn a_name_is_found_in_any_spelling() {
        for pair in ["key", "key=", "key=v=w", "%6bey", "%6B%65%79=v"] {
            assert!(is_named(pair, "key"), "{pair}");
        }
        for pair in ["", "=key", "keys", "ke", "xkey", "Key=v", "key%", "%256bey"] {
            assert!(!is_named(pair, "key"), "{pair}");
        }
    }
}
