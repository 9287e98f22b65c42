//! What is stored of a key: a digest under a pepper that is stored elsewhere.
//!
//! The digest is HMAC-SHA-256 (RFC 2104, FIPS 180-4). A key has 256 random bits, so a slow password
//! hash would add cost for each request and no security.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

/// The public name of a pair of pepper and prefix. With it a wrong pepper is not taken for a wrong
/// key.
pub(crate) type SchemeName = [u8; 4];

/// The keyed digest of a key: what a store keeps.
///
/// Minting makes one, and [`KeyDigest::from_text`] reads one. There is no conversion from a key, so
/// a key cannot be stored by mistake. `Debug` does not show the digest.
#[derive(Clone)]
pub struct KeyDigest {
    bytes: [u8; Self::LENGTH],
    scheme: SchemeName,
}

impl KeyDigest {
    pub(super) const LENGTH: usize = 32;

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes)
    }

    /// Returns the name of the scheme that made the digest. Digests of different schemes never
    /// match.
    pub(crate) const fn scheme(&self) -> SchemeName {
        self.scheme
    }

    /// Made by a [`Pepper`](crate::Pepper) only.
    pub(super) const fn new(bytes: [u8; Self::LENGTH], scheme: SchemeName) -> Self {
        Self { bytes, scheme }
    }

    /// Reads a digest as [`to_text`](Self::to_text) wrote it.
    ///
    /// `None` for any other text, an API key included.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (name, digits) = text.split_once(':')?;
        let (mut scheme, mut bytes) = (SchemeName::default(), [0; Self::LENGTH]);
        let read = decode_hex(name, &mut scheme) && decode_hex(digits, &mut bytes);
        read.then_some(Self { bytes, scheme })
    }

    /// Writes the digest for a store: the public name of its scheme, a colon, and the digest, in
    /// hexadecimal.
    ///
    /// The text has 73 ASCII characters. It is not a credential, but keep it private.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}:{}", encode_hex(&self.scheme), encode_hex(&self.bytes))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest([redacted])")
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect()
}

/// Reads exactly as many bytes as the buffer holds. Returns whether the text had them and nothing
/// else.
pub(crate) fn decode_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != bytes.len() {
        return false;
    }
    bytes.iter_mut().zip(pairs).all(|(byte, [high, low])| {
        let value = |digit: u8| char::from(digit).to_digit(16);
        match (value(*high), value(*low)) {
            (Some(high), Some(low)) => {
                *byte = u8::try_from(high * 16 + low).unwrap_or_default();
                true
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back() {
        let digest = KeyDigest::new([0xa5; 32], [1, 2, 3, 4]);
        let read = KeyDigest::from_text(&digest.to_text()).unwrap();
        assert!(bool::from(read.matches(&digest)));
        let none = |name: &str, digits: &str| {
            assert!(KeyDigest::from_text(&format!("{name}:{digits}")).is_none());
        };
        none("00000000", "00ff");
        none("00000000", &"g0".repeat(32));
        none("00000000", &"+f".repeat(32));
        none("0000", &"00".repeat(32));
        none("", &"00".repeat(32));
    }
}
