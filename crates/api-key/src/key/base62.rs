//! Base 62: letters and digits only.
//!
//! A double click selects the whole key, and neither a shell nor a URL changes it. Ids, secrets and
//! checksums are written in this alphabet.

use zeroize::Zeroize;

use crate::error::NoEntropy;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fills a buffer with random digits of the operating system's generator.
///
/// Fails with [`NoEntropy`] if there are no random bytes; the buffer must then not be used.
pub(crate) fn fill_random(digits: &mut [u8]) -> Result<(), NoEntropy> {
    let mut pool = [0; 64];
    let mut empty = digits.iter_mut();
    let outcome = 'filled: loop {
        if getrandom::fill(&mut pool).is_err() {
            break Err(NoEntropy);
        }
        // Six bits make 64 values. The two that are not a digit are dropped, so every digit is
        // equally likely.
        for digit in pool
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 63)))
        {
            match empty.next() {
                Some(place) => *place = *digit,
                None => break 'filled Ok(()),
            }
        }
    };
    pool.zeroize();
    outcome
}

/// Writes bytes of a hash as digits, one each. The rest of a division is enough: a hash is no secret.
pub(crate) fn digits_of_hash<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut digits = [b'0'; N];
    for (place, byte) in digits.iter_mut().zip(hash) {
        let digit = ALPHABET.get(usize::from(*byte) % ALPHABET.len());
        *place = digit.copied().unwrap_or(b'0');
    }
    digits
}

/// Returns whether all bytes are letters or digits.
pub(crate) fn all_digits(text: &[u8]) -> bool {
    // Without an early end, so that the compiler compares sixteen at once: nearly all keys are well-formed.
    text.iter()
        .fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

/// Writes a number with as many digits as the buffer has, most significant first.
pub(crate) fn encode_digits(mut number: u32, digits: &mut [u8]) {
    for place in digits.iter_mut().rev() {
        *place = ALPHABET
            .get((number % 62) as usize)
            .copied()
            .unwrap_or(b'0');
        number /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: u32, digits: &[u8; 6]) {
        let mut written = [0; 6];
        encode_digits(number, &mut written);
        assert_eq!(&written, digits);
    }

    #[test]
    fn numbers_are_written_with_leading_zeros() {
        check(0, b"000000");
        check(61, b"00000z");
        check(62, b"000010");
        check(u32::MAX, b"4gfFC3");
    }

    #[test]
    fn random_digits_are_digits_and_all_of_them_occur() {
        let mut digits = [0; 4096];
        fill_random(&mut digits).unwrap();
        assert!(all_digits(&digits));
        assert!(ALPHABET.iter().all(|digit| digits.contains(digit)));
    }
}
