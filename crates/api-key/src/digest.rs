//! What is kept of a key: a digest under a pepper that is kept elsewhere.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{NoEntropy, ParsedKey};

/// What the digest is of, so that the same pepper used elsewhere never makes the same bytes.
const PURPOSE: &[u8] = b"palisade api key, version 1\0";

/// The secret of the server without which a stolen store is worth nothing.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// Counts the bytes of a generated pepper, and the least that one may have.
    pub const LENGTH: usize = 32;

    /// Takes a pepper from configuration.
    ///
    /// # Errors
    ///
    /// When it has fewer than 32 bytes, or repeats fewer than eight different ones.
    pub fn new(secret: &[u8]) -> Result<Self, WeakPepper> {
        let mut seen = [false; 256];
        for byte in secret {
            if let Some(place) = seen.get_mut(usize::from(*byte)) {
                *place = true;
            }
        }
        let different = seen.iter().filter(|seen| **seen).count();
        if secret.len() < Self::LENGTH || different < 8 {
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

    /// Digests a key: prefix, environment, id and secret, so that a digest counts under no other name.
    pub(crate) fn digest(&self, key: &ParsedKey<'_>) -> KeyDigest {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(key.signed());
        KeyDigest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// The keyed digest of a key. Only minting and reading a store make one: a raw key cannot become it by mistake.
#[derive(Clone)]
pub struct KeyDigest([u8; Self::LENGTH]);

impl KeyDigest {
    const LENGTH: usize = 32;

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// Makes a digest that no key has, to compare with where there is no record.
    pub(crate) fn decoy() -> Result<Self, NoEntropy> {
        Pepper::random_bytes().map(|bytes| Self(*bytes))
    }

    /// Reads a digest as [`to_hex`](Self::to_hex) wrote it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH];
        decode_hex(text, &mut bytes).then_some(Self(bytes))
    }

    /// Writes the digest for a store.
    #[must_use]
    pub fn to_hex(&self) -> String {
        encode_hex(&self.0)
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
        let read = KeyDigest::from_hex(&digest.to_hex()).unwrap();
        assert!(bool::from(read.matches(&digest)));
        assert!(KeyDigest::from_hex("00ff").is_none());
        assert!(KeyDigest::from_hex(&"g0".repeat(32)).is_none());
        assert!(KeyDigest::from_hex(&"+f".repeat(32)).is_none());
    }
}
