//! Minting, rotating and reading keys: everything that needs the pepper.
//!
//! The layer uses [`KeyScheme::present`] for each request. Programs that manage keys use
//! [`KeyScheme::mint`] and [`KeyScheme::rotate`]. All three do no input or output and never block.

use std::{fmt, time::Duration};

use palisade_core::Secret;

use crate::{
    error::{MalformedKey, NoEntropy},
    key::{Environment, KeyDigest, KeyFormat, KeyId, Pepper, PresentedKey, SchemeName},
    record::{Grant, InvalidGrant, KeyRecord},
};

/// A format of keys and the pepper of their digests. Minting and checking must use the same two.
///
/// Every server that shares a store needs the same pepper and prefix. With another one, each key is
/// refused with [`KeyFailure::OtherScheme`](crate::KeyFailure::OtherScheme). Clones share the
/// pepper.
///
/// ```
/// use std::time::Duration;
/// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let now = Duration::from_secs(1_800_000_000);
/// let minted = scheme.mint(Grant::new(Environment::Live).scopes(["tts:speak"]), now)?;
/// assert!(minted.key().starts_with("psk_live_"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeyScheme {
    /// The prefix and the length of keys.
    format: KeyFormat,
    /// Names pepper and prefix in stored digests.
    name: SchemeName,
    pepper: Pepper,
}

impl KeyScheme {
    /// Creates a scheme whose keys begin with `psk_`.
    pub fn new(pepper: Pepper) -> Self {
        Self::with_format(KeyFormat::default(), pepper)
    }

    /// Creates a scheme with another prefix. See [`KeyFormat::with_prefix`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyFormat, KeyScheme, Pepper};
    ///
    /// let scheme = KeyScheme::with_format(KeyFormat::with_prefix("acme")?, Pepper::generate()?);
    /// let minted = scheme.mint(Grant::new(Environment::Test), Duration::from_secs(1_800_000_000))?;
    /// assert!(minted.key().starts_with("acme_test_"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_format(format: KeyFormat, pepper: Pepper) -> Self {
        Self {
            name: pepper.name(format.prefix()),
            format,
            pepper,
        }
    }

    /// Returns the format of the keys.
    #[must_use]
    pub const fn format(&self) -> &KeyFormat {
        &self.format
    }

    /// Makes a new key. The key itself is in the returned value and is stored nowhere.
    ///
    /// Give [`MintedKey::key`] to the client and [`MintedKey::record`] to the store. `now` is the
    /// time since the Unix epoch; it becomes the creation time of the record.
    ///
    /// # Errors
    ///
    /// * [`MintError::Grant`] when the grant contradicts itself or has text that is not allowed.
    /// * [`MintError::NoEntropy`] when the operating system returns no random bytes.
    pub fn mint(&self, grant: Grant, now: Duration) -> Result<MintedKey, MintError> {
        let id = KeyId::random()?;
        let (key, digest) = self.random_key(grant.environment, id)?;
        let record = KeyRecord::from_grant(id, digest, grant, now)?;
        Ok(MintedKey { key, record })
    }

    /// Gives a key a new secret. The id, scopes and dates stay.
    ///
    /// The old secret is accepted until `overlap_until`, so that clients can change over. A secret
    /// before the old one is no longer accepted. An `overlap_until` that is not after `now` ends
    /// the old secret immediately. Both are times since the Unix epoch. Store the new record with
    /// [`KeyTable::replace`](crate::KeyTable::replace).
    ///
    /// # Errors
    ///
    /// * [`MintError::Over`] when the key is revoked or expired.
    /// * [`MintError::NoEntropy`] when the operating system returns no random bytes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let first = scheme.mint(Grant::new(Environment::Live), now)?;
    /// let store = MemoryKeyStore::new();
    /// store.insert(first.record().clone())?;
    ///
    /// // The client has a day to change over.
    /// let second = scheme.rotate(first.record(), now + Duration::from_secs(24 * 3600), now)?;
    /// store.replace(second.record().clone())?;
    /// assert_eq!(first.record().id(), second.record().id());
    /// assert_ne!(first.key(), second.key());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate(
        &self,
        record: &KeyRecord,
        overlap_until: Duration,
        now: Duration,
    ) -> Result<MintedKey, MintError> {
        if record.is_over(now) {
            return Err(MintError::Over);
        }
        let (key, digest) = self.random_key(record.environment(), record.id)?;
        let former = KeyRecord {
            previous: None,
            ..record.clone()
        };
        let mut record = former.clone();
        if overlap_until > now {
            record = record.with_previous(former.digest, overlap_until);
        }
        record.digest = digest;
        Ok(MintedKey { key, record })
    }

    /// Parses a key and computes its digest: all the work that does not depend on whether the key
    /// exists.
    ///
    /// The result is compared with a record by [`KeyRecord::check`].
    ///
    /// # Errors
    ///
    /// [`MalformedKey`] when the text is not a key of the format, or its checksum does not match.
    pub fn present(&self, text: &[u8]) -> Result<PresentedKey, MalformedKey> {
        let key = self.format.parse(text)?;
        Ok(PresentedKey {
            digest: self.pepper.digest_key(&key, self.name),
            environment: key.environment(),
            id: key.id(),
        })
    }

    /// Returns whether a record was made with this pepper and prefix.
    ///
    /// A server refuses the keys of all other records. Check the records at start to find a wrong
    /// pepper before the first request.
    #[must_use]
    pub fn made(&self, record: &KeyRecord) -> bool {
        self.name == record.digest().scheme()
    }

    /// Returns a record that no key of this scheme matches.
    pub(crate) fn decoy_record(&self) -> KeyRecord {
        KeyRecord::decoy_record(self.pepper.decoy_digest())
    }

    /// Makes a random key and its digest.
    fn random_key(
        &self,
        environment: Environment,
        id: KeyId,
    ) -> Result<(Secret, KeyDigest), NoEntropy> {
        let key = self.format.write(environment, id)?;
        let parsed = self.format.parse(key.as_bytes()).map_err(|_| NoEntropy)?;
        let digest = self.pepper.digest_key(&parsed, self.name);
        Ok((Secret::new(key.as_bytes()), digest))
    }
}

/// A new key, to be shown once, and its record, to be stored.
///
/// Made by [`KeyScheme::mint`] and [`KeyScheme::rotate`]. `Debug` does not show the key. The key's
/// memory is wiped when this value is dropped.
#[derive(Debug)]
#[must_use = "the key is nowhere else"]
pub struct MintedKey {
    key: Secret,
    record: KeyRecord,
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

/// Why [`KeyScheme::mint`] or [`KeyScheme::rotate`] made no key.
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
