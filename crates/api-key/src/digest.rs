//! What is kept of a key: a digest under a pepper that is kept elsewhere.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use palisade_internal::secret_strength;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{NoEntropy, ParsedKey};

/// What the digest is of, so that the same pepper used elsewhere never makes the same bytes.
const PURPOSE: &[u8] = b"palisade api key, version 1\0";

/// What the public name of a scheme is made of.
const NAME: &[u8] = b"palisade api key scheme, version 1\0";

/// The secret of the server without which a stolen store is worth nothing.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

/// Tells pairs of pepper and prefix apart, so that the wrong one is noticed and not taken for a wrong key. Public.
pub(crate) type SchemeName = [u8; 4];

impl Pepper {
    /// Counts the bytes of a generated pepper, and the least that one may have.
    pub const LENGTH: usize = 32;

    /// Takes a pepper from configuration.
    ///
    /// # Errors
    ///
    /// When it has fewer than 32 bytes, or repeats fewer than eight different ones.
    pub fn new(secret: &[u8]) -> Result<Self, WeakPepper> {
        if secret.len() < Self::LENGTH || secret_strength::is_repetitive(secret) {
            return Err(WeakPepper);
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| WeakPepper)
    }

    /// Draws a pepper and forgets its bytes: for tests, and for keys that live as long as the process.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoEntropy> {
        let bytes = Self::random_bytes()?;
        Self::new(&*bytes).map_err(|_| NoEntropy)
    }

    pub(crate) fn random_bytes() -> Result<Zeroizing<[u8; Self::LENGTH]>, NoEntropy> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        getrandom::fill(&mut *bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// Names this pepper together with a prefix of keys.
    pub(crate) fn name(&self, prefix: &str) -> SchemeName {
        let [a, b, c, d, ..] = self.mac(NAME, prefix.as_bytes());
        [a, b, c, d]
    }

    /// Digests a key: prefix, environment, id and secret, so that a digest counts under no other name.
    pub(crate) fn digest(&self, key: &ParsedKey<'_>, scheme: SchemeName) -> KeyDigest {
        let bytes = self.mac(PURPOSE, key.signed());
        KeyDigest { bytes, scheme }
    }

    fn mac(&self, purpose: &[u8], text: &[u8]) -> [u8; KeyDigest::LENGTH] {
        let mut mac = self.0.clone();
        mac.update(purpose);
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// The keyed digest of a key. Only minting and reading a store make one: a raw key cannot become it by mistake.
#[derive(Clone)]
pub struct KeyDigest {
    bytes: [u8; Self::LENGTH],
    scheme: SchemeName,
}

impl KeyDigest {
    const LENGTH: usize = 32;

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes)
    }

    /// Returns the name of the scheme that made it: digests of another can only differ.
    pub(crate) const fn scheme(&self) -> SchemeName {
        self.scheme
    }

    /// Makes a digest that no key has, to compare with where there is no record.
    pub(crate) fn decoy() -> Result<Self, NoEntropy> {
        Ok(Self {
            bytes: *Pepper::random_bytes()?,
            scheme: SchemeName::default(),
        })
    }

    /// Reads a digest as [`to_text`](Self::to_text) wrote it.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (name, digits) = text.split_once(':')?;
        let (mut scheme, mut bytes) = (SchemeName::default(), [0; Self::LENGTH]);
        let read = decode_hex(name, &mut scheme) && decode_hex(digits, &mut bytes);
        read.then_some(Self { bytes, scheme })
    }

    /// Writes the digest for a store: the public name of its scheme, a colon, and the digest, in hexadecimal digits.
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

/// Reads exactly as many bytes as the buffer holds.
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

/// Says that a pepper could be guessed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WeakPepper;

impl fmt::Display for WeakPepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pepper needs at least 32 random bytes")
    }
}

impl std::error::Error for WeakPepper {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_peppers_are_refused() {
        assert!(Pepper::new(b"short").is_err());
        assert!(Pepper::new(&[7; 64]).is_err());
        assert!(Pepper::new(b"0123456789abcdef0123456789abcdef").is_ok());
    }

    #[test]
    fn hexadecimal_goes_there_and_back() {
        let digest = KeyDigest::decoy().unwrap();
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
