//! Text of a header field, written without the machinery of `std::fmt`.

use arrayvec::ArrayVec;
use http::HeaderValue;
use palisade_internal::decimal::with_digits;

/// Enough for the state of two limits with long names, and of four with ordinary ones.
const INLINE_BYTES: usize = 128;

/// The text of one header field. It grows, so that nothing is ever left out.
#[derive(Debug, Default)]
pub(super) struct FieldText {
    short: ArrayVec<u8, INLINE_BYTES>,
    /// The whole text, if it did not fit into `short`.
    long: Vec<u8>,
}

impl FieldText {
    /// Adds text that needs no escaping.
    pub(super) fn push_str(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    /// Adds a number in decimal digits.
    pub(super) fn push_number(&mut self, number: u64) {
        with_digits(number, |digits| self.push(digits));
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.long.is_empty() {
            if self.short.try_extend_from_slice(bytes).is_ok() {
                return;
            }
            self.long.extend_from_slice(&self.short);
        }
        self.long.extend_from_slice(bytes);
    }

    fn as_bytes(&self) -> &[u8] {
        match self.long.is_empty() {
            true => &self.short,
            false => &self.long,
        }
    }

    /// Returns the value of the field. `None` for an empty text, and for one that no field can hold.
    pub(super) fn into_value(self) -> Option<HeaderValue> {
        match self.is_empty() {
            true => None,
            false => HeaderValue::from_bytes(self.as_bytes()).ok(),
        }
    }

    /// Tells whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

/// Returns a number as the value of a field, with one allocation.
pub(super) fn decimal_value(number: u64) -> HeaderValue {
    let value = with_digits(number, HeaderValue::from_bytes);
    value.unwrap_or(HeaderValue::from_static("1"))
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
    fn a_text_longer_than_the_inline_space_is_whole() {
        let mut text = FieldText::default();
        (0..100).for_each(|_| text.push_str("abc"));
        text.push_number(7);
        assert_eq!(
            text.into_value().unwrap(),
            format!("{}7", "abc".repeat(100))
        );
    }
}
