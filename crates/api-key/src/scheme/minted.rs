//! A key that was made now, and why none was made.

use std::fmt;

use palisade_core::Secret;

use crate::{
    error::NoEntropy,
    record::{InvalidGrant, KeyRecord},
};

/// A new key, to be shown once, and its record, to be stored.
///
/// Made by [`KeyScheme::mint`](crate::KeyScheme::mint) and
/// [`KeyScheme::rotate`](crate::KeyScheme::rotate). `Debug` does not show the key. The key's
/// memory is wiped when this value is dropped.
#[derive(Debug)]
#[must_use = "the key is nowhere else"]
pub struct MintedKey {
    pub(super) key: Secret,
    pub(super) record: KeyRecord,
}

impl MintedKey {
    /// Returns the key itself, to be shown to the client once. A store does not accept it:
    ///
    /// ```compile_fail
    /// # use palisade_api_key::{MintedKey, MemoryKeyStore};
    /// # fn wrong(minted: MintedKey, store: MemoryKeyStore) {
    /// store.insert(minted.key()); // expects a `KeyRecord`
    /// # }
    /// ```
    #[must_use]
    pub fn key(&self) -> &str {
        // Digits, letters and underscores are always text.
        str::from_utf8(self.key.expose()).unwrap_or_default()
    }

    /// Returns the record to store. The key cannot be computed from it.
    #[must_use]
    pub const fn record(&self) -> &KeyRecord {
        &self.record
    }
}

/// Why [`KeyScheme::mint`](crate::KeyScheme::mint) or [`KeyScheme::rotate`](crate::KeyScheme::rotate) made no key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MintError {
    /// The grant contradicts itself or holds text that is not allowed.
    Grant(InvalidGrant),
    /// The operating system gave no random bytes.
    NoEntropy,
    /// The key to rotate is revoked or expired. Mint a new key instead.
    Over,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(problem) => problem.fmt(f),
            Self::NoEntropy => NoEntropy.fmt(f),
            Self::Over => f.write_str("the key is revoked or expired; mint a new one"),
        }
    }
}

impl std::error::Error for MintError {}

impl From<NoEntropy> for MintError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

impl From<InvalidGrant> for MintError {
    fn from(problem: InvalidGrant) -> Self {
        Self::Grant(problem)
    }
}
