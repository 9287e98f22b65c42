//! Minting, rotating and reading keys: everything that needs the pepper.
//!
//! The layer uses [`KeyScheme::present`] for each request. Programs that manage keys use
//! [`KeyScheme::mint`] and [`KeyScheme::rotate`]. All three do no input or output and never block.
//! `accepted` has the other peppers and the keys of other systems, `minted` what minting returns.

mod accepted;
mod minted;

use std::{sync::Arc, time::Duration};

use palisade_core::Secret;

pub use self::{
    accepted::PepperRingError,
    minted::{MintError, MintedKey},
};
use crate::{
    error::{MalformedKey, NoEntropy},
    key::{
        Environment, ImportedKey, KeyDigest, KeyFormat, KeyId, Pepper, PresentedKey, SchemeName,
    },
    record::{Grant, KeyRecord},
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
    /// Peppers whose digests are accepted too, with the names of their schemes.
    others: Arc<[(Pepper, SchemeName)]>,
    /// Whether keys of other systems are accepted.
    accepts_imported: bool,
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
            others: Arc::default(),
            accepts_imported: false,
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

    /// Gives a key a new secret. The id, scopes and dates stay, and a disabled key stays disabled.
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
            imported: false,
            ..record.clone().retire_secrets(overlap_until, now)
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
        let malformed = match self.format.parse(text) {
            Ok(key) => {
                let digest = |pepper: &Pepper, name| pepper.digest_key(&key, name);
                return Ok(self.presented(key.id(), Some(key.environment()), digest));
            }
            Err(malformed) => malformed,
        };
        // A mistyped key of the format is not looked up.
        let is_other = self.accepts_imported && !self.format.claims(text);
        let key = is_other.then(|| ImportedKey::of_text(text)).flatten();
        let key = key.ok_or(malformed)?;
        let digest = |pepper: &Pepper, name| pepper.digest_imported(&key, name);
        Ok(self.presented(key.id(), None, digest))
    }

    /// Computes the digests of a key under all peppers, whichever the record needs: the time does not tell.
    fn presented(
        &self,
        id: KeyId,
        environment: Option<Environment>,
        digest: impl Fn(&Pepper, SchemeName) -> KeyDigest,
    ) -> PresentedKey {
        let others = self.others.iter();
        PresentedKey {
            digest: digest(&self.pepper, self.name),
            others: others.map(|(pepper, name)| digest(pepper, *name)).collect(),
            environment,
            id,
        }
    }

    /// Returns whether a record was made with one of the accepted peppers and this prefix.
    ///
    /// A server refuses the keys of all other records. Check the records at start to find a wrong
    /// pepper before the first request.
    #[must_use]
    pub fn made(&self, record: &KeyRecord) -> bool {
        self.knows(record.digest().scheme())
    }

    /// Returns whether this is the name of the current scheme, or of one under another pepper.
    fn knows(&self, name: SchemeName) -> bool {
        let mut others = self.others.iter();
        self.name == name || others.any(|(_, other)| *other == name)
    }

    /// Returns whether a record, its former secret included, depends on no other pepper than the current one.
    ///
    /// When it is so for all records of a store, the other peppers are not needed any more.
    #[must_use]
    pub fn made_with_current_pepper(&self, record: &KeyRecord) -> bool {
        let former = record.previous().map(|(digest, _)| digest);
        let mut digests = [Some(record.digest()), former].into_iter().flatten();
        digests.all(|digest| digest.scheme() == self.name)
    }

    /// Returns whether keys of other systems are accepted.
    pub(crate) const fn accepts_imported(&self) -> bool {
        self.accepts_imported
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
