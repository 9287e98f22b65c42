//! Hexadecimal digits: digests, key ids and peppers as text.
//!
//! A thin layer over `data_encoding`, whose functions panic when the length of a buffer does not
//! fit. Every function here returns instead. None of them runs in constant time: compare secrets as
//! bytes, after decoding.

use data_encoding::{Encoding, HEXLOWER, HEXLOWER_PERMISSIVE};

/// Writes bytes as lower case digits, two for each byte.
///
/// ```
/// assert_eq!(palisade_internal::hex::encode(&[0, 15, 255]), "000fff");
/// ```
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Returns a number as 32 lower case digits, without an allocation.
///
/// ```
/// let digits = palisade_internal::hex::encode_u128(255);
/// assert_eq!(&digits[28..], b"00ff");
/// ```
#[must_use]
pub fn encode_u128(number: u128) -> [u8; 32] {
    let mut digits = [b'0'; 32];
    // Two digits for each of the 16 bytes: the lengths always fit, so this does not panic.
    HEXLOWER.encode_mut(&number.to_be_bytes(), &mut digits);
    digits
}

/// Reads lower case digits into an array. `None` for any other length, character or case.
///
/// Upper case is refused, so that one value has one spelling: the text can be compared too.
///
/// ```
/// use palisade_internal::hex;
///
/// assert_eq!(hex::decode("000fff"), Some([0, 15, 255]));
/// assert_eq!(hex::decode::<3>("000FFF"), None);
/// assert_eq!(hex::decode::<2>("000fff"), None);
/// ```
#[must_use]
pub fn decode<const LENGTH: usize>(digits: impl AsRef<[u8]>) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    fill(&HEXLOWER, digits.as_ref(), &mut bytes).then_some(bytes)
}

/// Reads digits of either case into a buffer, and returns whether they filled it exactly.
///
/// For secrets: the caller owns the buffer, and can wipe it. When the result is `false` the buffer
/// may hold a part of the bytes.
///
/// ```
/// let mut bytes = [0; 2];
/// assert!(palisade_internal::hex::decode_any_case("0fFF", &mut bytes));
/// assert_eq!(bytes, [15, 255]);
/// assert!(!palisade_internal::hex::decode_any_case("0f", &mut bytes));
/// ```
#[must_use]
pub fn decode_any_case(digits: impl AsRef<[u8]>, bytes: &mut [u8]) -> bool {
    fill(&HEXLOWER_PERMISSIVE, digits.as_ref(), bytes)
}

/// Decodes if the length is right; `decode_mut` panics if it is not.
fn fill(encoding: &Encoding, digits: &[u8], bytes: &mut [u8]) -> bool {
    digits.len().is_multiple_of(2)
        && digits.len() / 2 == bytes.len()
        && encoding.decode_mut(digits, bytes) == Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_it_was_written() {
        let all: [u8; 256] = std::array::from_fn(|byte| u8::try_from(byte).unwrap());
        let text = encode(&all);
        assert_eq!(text.len(), 512);
        assert_eq!(decode(&text), Some(all));
        let mut read = [0; 256];
        assert!(decode_any_case(text.to_uppercase(), &mut read));
        assert_eq!(read, all);
    }

    #[test]
    fn a_number_has_32_digits() {
        for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef << 61] {
            assert_eq!(encode_u128(number), *format!("{number:032x}").as_bytes());
        }
    }

    #[test]
    fn other_texts_are_refused_without_a_panic() {
        for text in ["", "0", "000", "00000", "0g", "+f", "0x", " 00", "好0"] {
            assert_eq!(decode::<1>(text), None, "{text}");
            assert!(!decode_any_case(text, &mut [0]), "{text}");
        }
        assert_eq!(decode("00"), Some([0]));
        assert_eq!(decode(""), Some([]));
    }
}
