//! A digest under the current pepper, in place of one under another pepper.

use std::fmt;

use super::KeyRecord;
use crate::key::{KeyDigest, KeyId, PresentedKey};

/// The digest of a key under the current pepper, in place of one under another pepper.
///
/// Only a request with the key itself can make one, so the layer hands it to the store when a key is used:
/// [`KeyStore::renew_digest`](crate::KeyStore::renew_digest). `Debug` shows the id alone.
#[derive(Clone)]
pub struct DigestRenewal {
    id: KeyId,
    old: KeyDigest,
    new: KeyDigest,
}

impl DigestRenewal {
    /// Returns whose digest it is.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for DigestRenewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestRenewal({})", self.id)
    }
}

impl KeyRecord {
    /// Returns the renewal that a presented key makes possible, once in this process. The key must have been
    /// accepted.
    pub(crate) fn due_renewal(&self, key: &PresentedKey) -> Option<DigestRenewal> {
        let previous = self.previous.as_ref().map(|previous| &previous.digest);
        let mut stored = [Some(&self.digest), previous].into_iter().flatten();
        let old = stored.find(|stored| key.is_under_another_pepper(stored))?;
        self.used.take_renewal().then(|| DigestRenewal {
            id: self.id,
            old: old.clone(),
            new: key.digest.clone(),
        })
    }

    /// Returns the record with the new digest. `None` if the old one is not in it any more: the key was
    /// rotated or renewed meanwhile.
    ///
    /// ```
    /// use palisade_api_key::{DigestRenewal, KeyRecord};
    ///
    /// /// What a store of the application does, in one transaction.
    /// fn renew(stored: &mut KeyRecord, renewal: &DigestRenewal) {
    ///     if let Some(renewed) = stored.with_renewed_digest(renewal) {
    ///         *stored = renewed;
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn with_renewed_digest(&self, renewal: &DigestRenewal) -> Option<Self> {
        let is_old = |digest: &KeyDigest| {
            digest.scheme() == renewal.old.scheme() && digest.matches(&renewal.old).into()
        };
        let mut record = self.clone();
        let current = is_old(&record.digest);
        if current {
            record.digest = renewal.new.clone();
        }
        let former = record
            .previous
            .as_mut()
            .filter(|former| is_old(&former.digest));
        let has_former = former.is_some();
        if let Some(former) = former {
            former.digest = renewal.new.clone();
        }
        (record.id == renewal.id && (current || has_former)).then_some(record)
    }
}
