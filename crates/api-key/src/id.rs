//! The public name of a key.

use std::{fmt, str::FromStr};

use crate::{NoEntropy, base62};

/// Names a key. It stands in the key itself, may be logged, and never changes while the key lives.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// Counts the characters of an id: 71 bits, so that two never meet.
    pub const LENGTH: usize = 12;

    /// Draws a new id.
    pub(crate) fn random() -> Result<Self, NoEntropy> {
        let mut digits = [0; Self::LENGTH];
        base62::fill_random(&mut digits)?;
        Ok(Self(digits))
    }

    /// Takes an id out of a key.
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let digits = text.try_into().ok()?;
        base62::all_digits(text).then_some(Self(digits))
    }

    /// Returns the id as text.
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

/// Says that a text is no key id. Does not repeat it: someone may have pasted a whole key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidKeyId;

impl fmt::Display for InvalidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key id has {} letters and digits", KeyId::LENGTH)
    }
}

impl std::error::Error for InvalidKeyId {}
