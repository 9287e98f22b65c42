//! Records by id, and the changes that operators make to them.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
};

/// A set of records by id. Both stores have one and replace it as a whole, so readers never wait.
///
/// Change it inside [`MemoryKeyStore::update`](crate::MemoryKeyStore::update) or
/// [`FileKeyStore::update`](crate::FileKeyStore::update): several changes then take effect
/// together.
#[derive(Clone, Debug, Default)]
pub struct KeyTable(HashMap<KeyId, Arc<KeyRecord>>);

impl KeyTable {
    /// Returns the record of an id; `None` if there is none. Revoked records are returned too.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&Arc<KeyRecord>> {
        self.0.get(&id)
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Duplicate`] when there is a record of the same id.
    pub fn insert(&mut self, record: KeyRecord) -> Result<(), TableError> {
        let id = record.id();
        if self.0.contains_key(&id) {
            return Err(TableError::Duplicate(id));
        }
        self.0.insert(id, Arc::new(record));
        Ok(())
    }

    /// Replaces a record, after a rotation. The time of last use is kept, and a disabled key stays disabled: the new
    /// record may be made of one from before.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`] when there is no record of this id. [`TableError::Revoked`] when it
    /// was revoked and the new one is not: a revoked key stays revoked.
    pub fn replace(&mut self, mut record: KeyRecord) -> Result<(), TableError> {
        self.change(record.id(), |before| {
            record.disabled = record.disabled.or(before.disabled);
            Ok(record)
        })
    }

    /// Changes a record by a function of the one that is there. The time of last use is kept.
    ///
    /// # Errors
    ///
    /// That of the function. [`TableError::Unknown`] when there is no record of this id, or the function returns one of
    /// another id. [`TableError::Revoked`] when it would revive a revoked key.
    ///
    /// ```
    /// use palisade_api_key::{KeyId, KeyTable, TableError};
    ///
    /// fn enable(table: &mut KeyTable, id: KeyId) -> Result<(), TableError> {
    ///     table.change(id, |record| Ok(record.clone().enabled()))
    /// }
    /// ```
    pub fn change<E: From<TableError>>(
        &mut self,
        id: KeyId,
        change: impl FnOnce(&KeyRecord) -> Result<KeyRecord, E>,
    ) -> Result<(), E> {
        let place = self.0.get_mut(&id).ok_or(TableError::Unknown(id))?;
        let mut record = change(place)?;
        if record.id() != id {
            return Err(TableError::Unknown(record.id()).into());
        }
        if place.revoked_at().is_some() && record.revoked_at().is_none() {
            return Err(TableError::Revoked(id).into());
        }
        record.used = place.used.clone();
        *place = Arc::new(record);
        Ok(())
    }

    /// Replaces a digest under another pepper. Returns whether it was there: a key that was rotated or
    /// removed meanwhile is not changed.
    pub fn renew_digest(&mut self, renewal: &DigestRenewal) -> bool {
        let Some(place) = self.0.get_mut(&renewal.id()) else {
            return false;
        };
        let renewed = place.with_renewed_digest(renewal);
        let is_renewed = renewed.is_some();
        if let Some(record) = renewed {
            *place = Arc::new(record);
        }
        is_renewed
    }

    /// Revokes a key at a time since the Unix epoch. Revoking it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`] when there is no record of this id.
    pub fn revoke(&mut self, id: KeyId, now: Duration) -> Result<(), TableError> {
        self.change(id, |record| Ok(record.clone().revoked(now)))
    }

    /// Disables a key at a time since the Unix epoch: it is refused until [`enable`](Self::enable). Disabling it again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`] when there is no record of this id.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let minted = scheme.mint(Grant::new(Environment::Live), now)?;
    /// let (id, store) = (minted.record().id(), MemoryKeyStore::new());
    /// store.insert(minted.record().clone())?;
    ///
    /// store.update(|table| table.disable(id, now))?;
    /// assert_eq!(store.table().get(id).map(|record| record.status(now)), Some("disabled"));
    /// store.update(|table| table.enable(id))?;
    /// assert_eq!(store.table().get(id).map(|record| record.status(now)), Some("active"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn disable(&mut self, id: KeyId, now: Duration) -> Result<(), TableError> {
        self.change(id, |record| Ok(record.clone().disabled(now)))
    }

    /// Enables a key that was disabled. Enabling it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`] when there is no record of this id. [`TableError::Revoked`] when it was revoked: it
    /// stays so.
    pub fn enable(&mut self, id: KeyId) -> Result<(), TableError> {
        self.change(id, |record| match record.revoked_at() {
            Some(_) => Err(TableError::Revoked(id)),
            None => Ok(record.clone().enabled()),
        })
    }

    /// Revokes all keys of an owner and returns their ids, oldest first.
    ///
    /// An empty list if the owner has no key. Keys that were revoked before are in the list too.
    pub fn revoke_owner(&mut self, owner: &str, now: Duration) -> Vec<KeyId> {
        let all = self.records().into_iter();
        let theirs = all.filter(|record| record.principal().owner() == Some(owner));
        let theirs: Vec<_> = theirs.map(|record| record.id()).collect();
        for id in &theirs {
            let _ = self.revoke(*id, now); // They are there: their ids come from here.
        }
        theirs
    }

    /// Takes over from an older state when its keys were last used.
    pub(crate) fn inherit_last_used(&mut self, older: &Self) {
        for (id, record) in &mut self.0 {
            if let Some(older) = older.get(*id) {
                Arc::make_mut(record).used = older.used.clone();
            }
        }
    }

    /// Removes a record and returns it; `None` if there is none.
    ///
    /// Prefer [`revoke`](Self::revoke): a removed key is unknown, and the audit trail cannot name
    /// its owner.
    pub fn remove(&mut self, id: KeyId) -> Option<Arc<KeyRecord>> {
        self.0.remove(&id)
    }

    /// Returns the records, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<KeyRecord>> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_key(|record| (record.created(), record.id()));
        all
    }

    /// Returns the number of records, revoked and expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a table was not changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TableError {
    /// There is already a record of this id.
    Duplicate(KeyId),
    /// The key is revoked, and the replacement is not.
    Revoked(KeyId),
    /// There is no record of this id.
    Unknown(KeyId),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(id) => write!(f, "there is already a key {id}"),
            Self::Revoked(id) => write!(f, "key {id} is revoked and stays so"),
            Self::Unknown(id) => write!(f, "there is no key {id}"),
        }
    }
}

impl std::error::Error for TableError {}
