//! Text of a header field, written without the machinery of `std::fmt`.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderValue;
use palisade_internal::{decimal::with_digits, short_bytes};

/// Adds a number in decimal digits.
pub(super) fn push_number(text: &mut BytesMut, number: u64) {
    with_digits(number, |digits| text.put_slice(digits));
}

/// Returns a text as the value of a field. `None` for an empty text, and for one that no field can hold.
pub(super) fn field_value(text: Bytes) -> Option<HeaderValue> {
    match text.is_empty() {
        true => None,
        false => HeaderValue::from_maybe_shared(text).ok(),
    }
}

/// Returns a number as the value of a field.
pub(super) fn decimal_value(number: u64) -> HeaderValue {
    let text = with_digits(number, short_bytes::copy_of);
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_and_the_largest_number_are_whole() {
        assert_eq!(decimal_value(0), "0");
        assert_eq!(decimal_value(u64::MAX), "18446744073709551615");
    }

    #[test]
    fn a_long_text_is_whole() {
        let mut text = BytesMut::new();
        (0..100).for_each(|_| text.put_slice(b"abc"));
        push_number(&mut text, 7);
        let value = field_value(text.freeze()).unwrap();
        assert_eq!(value, format!("{}7", "abc".repeat(100)));
    }

    #[test]
    fn an_empty_text_is_no_value() {
        assert_eq!(field_value(Bytes::new()), None);
    }
}
