//! What is stored of a key: a digest under a pepper that is stored elsewhere.
//!
//! The digest is HMAC-SHA-256 (RFC 2104, FIPS 180-4). A key has 256 random bits, so a slow password
//! hash would add cost for each request and no security.

use std::fmt;

use palisade_internal::hex;
use subtle::{Choice, ConstantTimeEq};

/// The public name of a pair of pepper and prefix. With it a wrong pepper is not taken for a wrong
/// key.
pub(crate) type SchemeName = [u8; 4];

/// The keyed digest of a key: what a store keeps.
///
/// Minting makes one, and [`KeyDigest::from_text`] reads one. There is no conversion from a key, so
/// a key cannot be stored by mistake. `Debug` does not show the digest.
///
/// A store of the application writes the text and reads it back:
///
/// ```
/// use palisade_api_key::KeyDigest;
///
/// let stored = format!("0a1b2c3d:{}", "5e".repeat(32));
/// let digest = KeyDigest::from_text(&stored).expect("a digest as `to_text` writes it");
/// assert_eq!(digest.to_text(), stored);
/// assert_eq!(format!("{digest:?}"), "KeyDigest([redacted])");
///
/// // An API key is no digest, so it is not stored in place of one by mistake.
/// assert!(KeyDigest::from_text("psk_live_a_key_and_no_digest").is_none());
/// ```
#[derive(Clone)]
pub struct KeyDigest {
    bytes: [u8; Self::LENGTH],
    scheme: SchemeName,
}

impl KeyDigest {
    pub(super) const LENGTH: usize = 32;

    /// Compares in constant time: four words in place of 32 bytes, and always all four.
    pub(crate) fn matches(&self, other: &Self) -> Choice {
        let same = |(ours, theirs): (&[u8; 8], &[u8; 8])| {
            u64::from_ne_bytes(*ours).ct_eq(&u64::from_ne_bytes(*theirs))
        };
        // No byte is left over: 32 is four times eight.
        let [(ours, []), (theirs, [])] = [&self.bytes, &other.bytes].map(|bytes| bytes.as_chunks())
        else {
            return Choice::from(0);
        };
        let words = ours.iter().zip(theirs);
        words.map(same).fold(Choice::from(1), |all, one| all & one)
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
        let read =
            hex::decode_any_case(name, &mut scheme) && hex::decode_any_case(digits, &mut bytes);
        read.then_some(Self { bytes, scheme })
    }

    /// Writes the digest for a store: the public name of its scheme, a colon, and the digest, in
    /// hexadecimal.
    ///
    /// The text has 73 ASCII characters. It is not a credential, but keep it private.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}:{}", hex::encode(&self.scheme), hex::encode(&self.bytes))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest([redacted])")
    }
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
