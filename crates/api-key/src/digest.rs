//! What is stored of a key: a digest under a pepper that is stored elsewhere.
//!
//! The digest is HMAC-SHA-256 (RFC 2104, FIPS 180-4). A key has 256 random bits, so a slow password
//! hash would add cost for each request and no security.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use palisade_internal::secret_strength;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{NoEntropy, ParsedKey};

/// Names the purpose of the digest, so that the same pepper used elsewhere never makes the same
/// bytes.
///
/// The bytes never change: they are part of every stored digest.
const PURPOSE: &[u8] = b"palisade api key, version 1\0";

/// Names the purpose of a scheme's public name, for the same reason.
const NAME: &[u8] = b"palisade api key scheme, version 1\0";

/// The secret of the server that keys the digests. Without it a stolen store cannot be used to test
/// keys.
///
/// Make one with [`Pepper::create_file`] and back it up. Every key must be minted anew when it is
/// lost or replaced. `Debug` never shows it. Clones share the same secret.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

/// The public name of a pair of pepper and prefix. With it a wrong pepper is not taken for a wrong
/// key.
pub(crate) type SchemeName = [u8; 4];

impl Pepper {
    /// The number of bytes of a generated pepper, and the minimum of [`Pepper::new`].
    pub const LENGTH: usize = 32;

    /// Creates a pepper from configured bytes, such as a secret of the environment.
    ///
    /// # Errors
    ///
    /// [`WeakPepper`] when it has fewer than 32 bytes, or fewer than eight different ones.
    pub fn new(secret: &[u8]) -> Result<Self, WeakPepper> {
        if secret.len() < Self::LENGTH || secret_strength::is_repetitive(secret) {
            return Err(WeakPepper);
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| WeakPepper)
    }

    /// Makes a random pepper and does not keep its bytes.
    ///
    /// For tests, and for keys that are valid as long as the process runs. For a pepper that
    /// survives a restart use [`Pepper::read_or_create_file`].
    ///
    /// # Errors
    ///
    /// [`NoEntropy`] when the operating system returns no random bytes.
    pub fn generate() -> Result<Self, NoEntropy> {
        let bytes = Self::random_bytes()?;
        Self::new(&*bytes).map_err(|_| NoEntropy)
    }

    /// Random bytes that are wiped from memory when they are dropped.
    pub(crate) fn random_bytes() -> Result<Zeroizing<[u8; Self::LENGTH]>, NoEntropy> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        getrandom::fill(&mut *bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// Computes the public name of this pepper together with a prefix of keys.
    pub(crate) fn name(&self, prefix: &str) -> SchemeName {
        let [a, b, c, d, ..] = self.mac(NAME, prefix.as_bytes());
        [a, b, c, d]
    }

    /// Computes the digest of a key.
    ///
    /// It covers prefix, environment, id and secret, so a digest moved to another record never
    /// matches.
    pub(crate) fn digest(&self, key: &ParsedKey<'_>, scheme: SchemeName) -> KeyDigest {
        let bytes = self.mac(PURPOSE, key.signed());
        KeyDigest { bytes, scheme }
    }

    /// HMAC over the purpose and the text. The purpose ends with a zero byte, so the two cannot run
    /// together.
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
    const LENGTH: usize = 32;

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes)
    }

    /// Returns the name of the scheme that made the digest. Digests of different schemes never
    /// match.
    pub(crate) const fn scheme(&self) -> SchemeName {
        self.scheme
    }

    /// Makes a digest that belongs to no key. The layer compares with it when there is no record.
    pub(crate) fn decoy() -> Result<Self, NoEntropy> {
        Ok(Self {
            bytes: *Pepper::random_bytes()?,
            scheme: SchemeName::default(),
        })
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

/// The pepper could be guessed: fewer than 32 bytes, or too few different ones.
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
