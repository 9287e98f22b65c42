//! Detects secrets that are not random. Called when a configuration with secrets is loaded.

/// The least number of different bytes in a random secret of at least 32 bytes.
///
/// Of 32 random hexadecimal digits, fewer than eight are different in less than one of ten million
/// secrets.
pub const LEAST_DIFFERENT_BYTES: usize = 8;

/// Returns whether a secret has fewer than [`LEAST_DIFFERENT_BYTES`] different bytes, so that it
/// can be guessed.
///
/// The caller checks the length. It finds passwords typed by hand, as `aaaa…` or `12341234…`, and not
/// every weak secret: a dictionary is not consulted.
///
/// ```
/// use palisade_internal::secret_strength::is_repetitive;
///
/// assert!(is_repetitive(&b"changeme".repeat(4)));
/// assert!(!is_repetitive(b"0123456789abcdef0123456789abcdef"));
/// ```
#[must_use]
pub fn is_repetitive(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(place) = seen.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different < LEAST_DIFFERENT_BYTES
}

/// The fewest bytes of a key that seals or hashes: 128 bits.
pub const SHORTEST_KEY: usize = 16;

/// Returns whether a key has at least [`SHORTEST_KEY`] bytes, and is not [repetitive](is_repetitive).
///
/// ```
/// use palisade_internal::secret_strength::is_strong_key;
///
/// assert!(is_strong_key(b"0123456789abcdef"));
/// assert!(!is_strong_key(b"0123456789abcde"));
/// assert!(!is_strong_key(&[7; 32]));
/// ```
#[must_use]
pub fn is_strong_key(key: &[u8]) -> bool {
    key.len() >= SHORTEST_KEY && !is_repetitive(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_different_bytes_are_too_few_and_eight_are_not() {
        assert!(is_repetitive(&[7; 64]));
        assert!(is_repetitive(&b"1234567".repeat(8)));
        assert!(!is_repetitive(&b"12345678".repeat(8)));
    }
}
