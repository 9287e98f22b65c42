//! Parameters of queries and forms.

use std::borrow::Cow;

use super::Text;
use crate::transformation::Transformation;

/// Splits `a=1&b=2` into names and values, not yet decoded. Empty pairs are left out.
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
