//! What a scheme accepts besides its own keys: digests under other peppers, and keys of other systems.

use std::{fmt, time::Duration};

use super::KeyScheme;
use crate::{
    key::{ImportedKey, Pepper},
    record::{Grant, InvalidGrant, KeyRecord},
};

/// How many peppers besides the current one are accepted: each costs every request with a key a hash.
const MOST_OTHERS: usize = 4;

impl KeyScheme {
    /// Also accepts keys whose digest was made with another pepper: one that is being replaced, or one that
    /// will be the next. At most four. Default: none.
    ///
    /// New digests are made with the pepper of [`new`](Self::new). A key under another one gets a new digest
    /// when it is used ([`KeyStore::renew_digest`](crate::KeyStore::renew_digest)), so after some time only
    /// keys that no one uses depend on the other pepper ([`made_with_current_pepper`](Self::made_with_current_pepper)).
    ///
    /// To replace a pepper on several servers: first let all of them accept the new one too, then exchange
    /// the two on each, then remove the old one.
    ///
    /// # Errors
    ///
    /// [`PepperRingError`]: the same pepper is there twice, or there are more than four others.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
    ///
    /// let (old, new) = (Pepper::generate()?, Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let minted = KeyScheme::new(old.clone()).mint(Grant::new(Environment::Live), now)?;
    ///
    /// let scheme = KeyScheme::new(new).also_accept(old)?;
    /// let presented = scheme.present(minted.key().as_bytes())?;
    /// assert!(minted.record().check(&presented, now, None).is_ok());
    /// assert!(!scheme.made_with_current_pepper(minted.record()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn also_accept(mut self, other: Pepper) -> Result<Self, PepperRingError> {
        let name = other.name(self.format.prefix());
        if self.knows(name) {
            return Err(PepperRingError::Repeated);
        }
        if self.others.len() >= MOST_OTHERS {
            return Err(PepperRingError::TooMany);
        }
        self.others = self.others.iter().cloned().chain([(other, name)]).collect();
        Ok(self)
    }

    /// Accepts keys that another system made and whose SHA-256 was imported
    /// ([`dangerously_import_sha256`](Self::dangerously_import_sha256)). Default: a text that is no key of the
    /// format is refused.
    ///
    /// Such a key has 16 to 512 visible characters. It has no checksum, so each text of that form costs a
    /// look-up in the store. Nothing is known about how it was made: with fewer than 128 random bits it can be
    /// guessed from its id, which is in the audit trail.
    pub fn dangerously_accept_imported_keys(mut self) -> Self {
        self.accepts_imported = true;
        self
    }

    /// Makes the record of a key that another system made, from the SHA-256 of its text. Its SHA-256 is not
    /// stored, but a digest of it under the pepper. The record is [marked](KeyRecord::is_imported) as imported.
    ///
    /// Import digests of random keys alone: a plain SHA-256 of a password can be tested by everybody who has
    /// it, and so can the id of the record. Replace such keys by [`rotate`](Self::rotate), which makes a key of
    /// the format. Layers accept them with
    /// [`dangerously_accept_imported_keys`](Self::dangerously_accept_imported_keys).
    ///
    /// # Errors
    ///
    /// [`InvalidGrant`]: the grant contradicts itself or has text that is not allowed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
    ///
    /// // SHA-256 of "sk-example-example-example", as the other system stored it.
    /// let sha256 = [
    ///     0x18, 0x4e, 0x88, 0x27, 0x4e, 0x73, 0x4e, 0x4f, 0x14, 0x21, 0x37, 0x0e, 0x10, 0x30, 0x05, 0x6b,
    ///     0x11, 0x37, 0x2a, 0x38, 0x67, 0x85, 0xa9, 0xf2, 0x34, 0x6c, 0xd6, 0xbe, 0x71, 0x03, 0xe9, 0x8e,
    /// ];
    /// let scheme = KeyScheme::new(Pepper::generate()?).dangerously_accept_imported_keys();
    /// let now = Duration::from_secs(1_800_000_000);
    /// let record = scheme.dangerously_import_sha256(sha256, Grant::new(Environment::Live), now)?;
    /// let presented = scheme.present(b"sk-example-example-example")?;
    /// assert!(record.check(&presented, now, None).is_ok());
    /// let another = scheme.present(b"sk-another-key-of-that-system")?;
    /// assert!(record.check(&another, now, None).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_import_sha256(
        &self,
        sha256: [u8; 32],
        grant: Grant,
        now: Duration,
    ) -> Result<KeyRecord, InvalidGrant> {
        let key = ImportedKey::from_sha256(sha256);
        let digest = self.pepper.digest_imported(&key, self.name);
        KeyRecord::from_grant(key.id(), digest, grant, now).map(KeyRecord::imported)
    }
}

/// Why a pepper cannot be accepted too. Returned by [`KeyScheme::also_accept`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PepperRingError {
    /// The pepper is accepted already.
    Repeated,
    /// Four other peppers are accepted already.
    TooMany,
}

impl fmt::Display for PepperRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "the same pepper is there twice",
            Self::TooMany => {
                "at most four other peppers are accepted; remove those that no key needs"
            }
        })
    }
}

impl std::error::Error for PepperRingError {}
