//! The public id of a key.
//!
//! A store finds the record of a key by it. It is not a secret: logs, audit records and listings
//! show it.

use std::{fmt, str::FromStr};

use crate::{error::NoEntropy, key::base62};

/// The public id of a key: 12 letters and digits.
///
/// It is a part of the key itself, may be logged, and does not change when the key is rotated. The
/// [`Principal`](palisade_core::Principal) of a request has it as its id and as its credential.
/// Parsing fails with [`InvalidKeyId`] for any other length or character.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// The number of characters of an id.
    ///
    /// Twelve of 62 characters are 71 bits, so two random ids are practically never equal.
    pub const LENGTH: usize = 12;

    /// Makes a random id. Fails if the operating system returns no random bytes.
    pub(crate) fn random() -> Result<Self, NoEntropy> {
        let mut digits = [0; Self::LENGTH];
        base62::fill_random(&mut digits)?;
        Ok(Self(digits))
    }

    /// Makes the id of a key of another system from a hash.
    pub(crate) fn from_hash(hash: &[u8; 32]) -> Self {
        Self(base62::digits_of_hash(hash))
    }

    /// An id that the layer compares with when there is no record.
    pub(crate) const fn decoy() -> Self {
        Self([b'0'; Self::LENGTH])
    }

    /// Reads the id of a key. `None` for another length, or another character than a letter or
    /// digit.
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let digits = text.try_into().ok()?;
        base62::all_digits(text).then_some(Self(digits))
    }

    /// Returns the id as text, as it is written in the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits and letters are always text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidKeyId)
    }
}

/// The text is not a key id. The error does not repeat the text, which may be a whole key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidKeyId;

impl fmt::Display for InvalidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key id has {} letters and digits", KeyId::LENGTH)
    }
}

impl std::error::Error for InvalidKeyId {}
