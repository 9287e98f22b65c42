//! Minting, rotating and reading keys: everything that needs the pepper.

use std::{fmt, time::Duration};

use palisade_core::Secret;

use crate::{
    Environment, Grant, KeyDigest, KeyFormat, KeyId, KeyRecord, MalformedKey, MintError, NoEntropy,
    Pepper, digest::SchemeName,
};

/// A format of keys and the pepper of their digests. Whoever mints and whoever checks share one.
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
    format: KeyFormat,
    name: SchemeName,
    pepper: Pepper,
}

impl KeyScheme {
    /// Uses keys that begin with `psk_`.
    pub fn new(pepper: Pepper) -> Self {
        Self::with_format(KeyFormat::default(), pepper)
    }

    /// Uses keys of another format.
    pub fn with_format(format: KeyFormat, pepper: Pepper) -> Self {
        Self {
            name: pepper.name(format.prefix()),
            format,
            pepper,
        }
    }

    /// Returns the format.
    #[must_use]
    pub const fn format(&self) -> &KeyFormat {
        &self.format
    }

    /// Makes a new key. The key itself is in the answer and nowhere else.
    ///
    /// # Errors
    ///
    /// When the grant is unusable, or the operating system gives no random bytes.
    pub fn mint(&self, grant: Grant, now: Duration) -> Result<MintedKey, MintError> {
        let id = KeyId::random()?;
        let (key, digest) = self.draw(grant.environment, id)?;
        let record = KeyRecord::new(id, digest, grant, now)?;
        Ok(MintedKey { key, record })
    }

    /// Gives a key a new secret. The old one counts until `overlap_until`; one before it does not.
    ///
    /// # Errors
    ///
    /// When the key is revoked or expired, or the operating system gives no random bytes.
    pub fn rotate(
        &self,
        record: &KeyRecord,
        overlap_until: Duration,
        now: Duration,
    ) -> Result<MintedKey, MintError> {
        if record.is_over(now) {
            return Err(MintError::Over);
        }
        let (key, digest) = self.draw(record.environment(), record.id)?;
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

    /// Reads a key and digests it: all the work that does not depend on whether the key exists.
    ///
    /// # Errors
    ///
    /// When the text is no key of the format.
    pub fn present(&self, text: &[u8]) -> Result<PresentedKey, MalformedKey> {
        let key = self.format.parse(text)?;
        Ok(PresentedKey {
            digest: self.pepper.digest(&key, self.name),
            environment: key.environment(),
            id: key.id(),
        })
    }

    /// Tells whether a record was made with this pepper and this prefix. A server refuses the keys of all others,
    /// so it may want to ask this of its records before it starts.
    #[must_use]
    pub fn made(&self, record: &KeyRecord) -> bool {
        self.name == record.digest().scheme()
    }

    fn draw(&self, environment: Environment, id: KeyId) -> Result<(Secret, KeyDigest), NoEntropy> {
        let key = self.format.write(environment, id)?;
        let parsed = self.format.parse(key.as_bytes()).map_err(|_| NoEntropy)?;
        let digest = self.pepper.digest(&parsed, self.name);
        Ok((Secret::new(key.as_bytes()), digest))
    }
}

/// A key that someone showed: its public parts and the digest of all of it, no longer its secret.
#[derive(Clone)]
pub struct PresentedKey {
    pub(crate) digest: KeyDigest,
    pub(crate) environment: Environment,
    pub(crate) id: KeyId,
}

impl PresentedKey {
    /// Returns the environment that the key names.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Returns the public id to look up.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({} {})", self.environment, self.id)
    }
}

/// A new key, to be shown once, and its record, to be stored.
#[derive(Debug)]
#[must_use = "the key is nowhere else"]
pub struct MintedKey {
    key: Secret,
    record: KeyRecord,
}

impl MintedKey {
    /// Hands out the key itself, to be shown once. Stores have no place for it.
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

    /// Returns what is to be stored.
    #[must_use]
    pub const fn record(&self) -> &KeyRecord {
        &self.record
    }
}
