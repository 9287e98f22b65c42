//! The secret that keys the digests of a store.
//!
//! A pepper is kept apart from the digests: a thief of one of the two cannot test a key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use palisade_internal::secret_strength;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    error::NoEntropy,
    key::{ImportedKey, KeyDigest, ParsedKey, SchemeName},
};

/// Names the purpose of the digest, so that the same pepper used elsewhere never makes the same
/// bytes.
///
/// The bytes never change: they are part of every stored digest.
const PURPOSE: &[u8] = b"palisade api key, version 1\0";

/// Names the purpose of the digest of an imported key, for the same reason.
const IMPORTED: &[u8] = b"palisade imported api key, version 1\0";

/// Names the purpose of [`Pepper::decoy_digest`], for the same reason.
const DECOY: &[u8] = b"palisade api key decoy, version 1\0";

/// Names the purpose of a scheme's public name, for the same reason.
const NAME: &[u8] = b"palisade api key scheme, version 1\0";

/// The secret of the server that keys the digests. Without it a stolen store cannot be used to test
/// keys.
///
/// Make one with [`Pepper::create_file`] and back it up. Every key must be minted again when it is
/// lost. It can be replaced while keys are in use: [`KeyScheme::also_accept`](crate::KeyScheme::also_accept). `Debug` never shows it. Clones share the same secret.
///
/// # Examples
///
/// ```no_run
/// use palisade_api_key::Pepper;
///
/// // A server reads the file that `palisade key new` or an earlier start has made.
/// let pepper = Pepper::read_file("/etc/tts/pepper")?;
///
/// // From a secret manager: at least 32 bytes that are not weak.
/// let secret = std::env::var("PEPPER")?;
/// let pepper = Pepper::from_bytes(secret.as_bytes())?;
/// # let _ = pepper;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// The number of bytes of a generated pepper, and the minimum of [`Pepper::from_bytes`].
    pub const LENGTH: usize = 32;

    /// Creates a pepper from configured bytes, such as a secret of the environment.
    ///
    /// # Errors
    ///
    /// [`WeakPepper`] when it has fewer than 32 bytes, or fewer than eight different ones.
    ///
    /// ```
    /// use palisade_api_key::Pepper;
    ///
    /// assert!(Pepper::from_bytes(b"too short").is_err());
    /// assert!(Pepper::from_bytes(&[b'a'; 32]).is_err()); // long enough, and easy to guess
    /// assert!(Pepper::from_bytes(b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8").is_ok());
    /// ```
    pub fn from_bytes(secret: &[u8]) -> Result<Self, WeakPepper> {
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
        Self::from_bytes(&*bytes).map_err(|_| NoEntropy)
    }

    /// Random bytes that are wiped from memory when they are dropped.
    pub(crate) fn random_bytes() -> Result<Zeroizing<[u8; Self::LENGTH]>, NoEntropy> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        getrandom::fill(&mut *bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }

    /// Computes the public name of this pepper together with a prefix of keys.
    pub(crate) fn name(&self, prefix: &str) -> SchemeName {
        let [a, b, c, d, ..] = self.keyed_hash(NAME, prefix.as_bytes());
        [a, b, c, d]
    }

    /// Computes the digest of a key.
    ///
    /// It covers prefix, environment, id and secret, so a digest moved to another record never
    /// matches.
    pub(crate) fn digest_key(&self, key: &ParsedKey<'_>, scheme: SchemeName) -> KeyDigest {
        KeyDigest::new(self.keyed_hash(PURPOSE, key.signed_part()), scheme)
    }

    /// Computes the digest of a key of another system, of its SHA-256.
    pub(crate) fn digest_imported(&self, key: &ImportedKey, scheme: SchemeName) -> KeyDigest {
        KeyDigest::new(self.keyed_hash(IMPORTED, key.sha256()), scheme)
    }

    /// Computes a digest that belongs to no key. The layer compares with it when there is no record.
    pub(crate) fn decoy_digest(&self) -> KeyDigest {
        KeyDigest::new(self.keyed_hash(DECOY, b""), SchemeName::default())
    }

    /// HMAC over the purpose and the text. The purpose ends with a zero byte, so the two cannot run
    /// together.
    fn keyed_hash(&self, purpose: &[u8], text: &[u8]) -> [u8; KeyDigest::LENGTH] {
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
        assert!(Pepper::from_bytes(b"short").is_err());
        assert!(Pepper::from_bytes(&[7; 64]).is_err());
        assert!(Pepper::from_bytes(b"0123456789abcdef0123456789abcdef").is_ok());
    }
}
