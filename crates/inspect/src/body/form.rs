//! Parameters of queries and forms.
//!
//! The format is `application/x-www-form-urlencoded` of the URL standard: pairs between `&`, a
//! name before the first `=`, `%41` and `+` decoded. The bytes need not be UTF-8. A pair without
//! `=` is a name with an empty value.

use std::borrow::Cow;

use super::{BodyFields, MOST_VALUES, Text};
use crate::transformation::Transformation;

/// Reads a form.
///
/// Pairs beyond the limit are one value with an empty name, and an error is set.
pub(super) fn read<'r>(body: &'r [u8], fields: &mut BodyFields<'r>) {
    let (start, rest) = split_at_limit(body, b'&');
    fields
        .parameters
        .extend(split_pairs(start, b'&').map(decode_pairs));
    if !rest.is_empty() {
        fields.error = Some("there are too many parameters");
        fields.parameters.push(decode_pairs((b"", rest)));
    }
}

/// All pairs of a text; those beyond the limit are one pair with an empty name.
///
/// As [`split_pairs`], but the number of pairs is bounded.
pub(crate) fn bounded_pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    let (start, rest) = split_at_limit(text, separator);
    let rest = (!rest.is_empty()).then_some((&b""[..], rest));
    split_pairs(start, separator).chain(rest)
}

/// Splits a text behind as many pairs as are read one by one.
fn split_at_limit(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let end = memchr::memchr_iter(separator, text).nth(MOST_VALUES - 1);
    let rest = end.and_then(|end| text.get(end + 1..)).unwrap_or_default();
    let start = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    (start, rest)
}

/// Splits `a=1&b=2` into names and values, not yet decoded. Empty pairs are left out.
///
/// The value is all behind the first `=`. The iterator copies nothing.
pub(crate) fn split_pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(move |byte| *byte == separator)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match memchr::memchr(b'=', pair) {
            Some(at) => (
                pair.get(..at).unwrap_or_default(),
                pair.get(at + 1..).unwrap_or_default(),
            ),
            None => (pair, &b""[..]),
        })
}

/// Decodes a name and a value: `%41` and `+`. Wrong encodings stay as they are.
///
/// What has neither is borrowed. Decoding happens once; rules with `t:urlDecode` find double
/// encodings.
pub(crate) fn decode_pairs<'r>((name, value): (&'r [u8], &'r [u8])) -> (Text<'r>, Text<'r>) {
    (decode(name), decode(value))
}

/// Decodes one text.
fn decode(text: &[u8]) -> Text<'_> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return Cow::Borrowed(text);
    }
    Transformation::UrlDecode
        .apply(text)
        .map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_beyond_the_limit_are_one_value() {
        let body = "a=1&".repeat(MOST_VALUES) + "b=%3Cscript&c=2";
        let mut fields = BodyFields::default();
        read(body.as_bytes(), &mut fields);
        assert_eq!(fields.parameters.len(), MOST_VALUES + 1);
        assert_eq!(&*fields.parameters[MOST_VALUES].1, b"b=<script&c=2");
        assert!(fields.error.is_some());
    }

    #[test]
    fn pairs_are_split_and_decoded() {
        let found: Vec<_> = split_pairs(b"a=1&&b=%41+c&d&=e&f=g=h", b'&')
            .map(decode_pairs)
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let expected: [(&[u8], &[u8]); 5] = [
            (b"a", b"1"),
            (b"b", b"A c"),
            (b"d", b""),
            (b"", b"e"),
            (b"f", b"g=h"),
        ];
        assert_eq!(found, expected);
    }
}
