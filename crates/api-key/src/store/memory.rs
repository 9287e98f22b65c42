//! Records in memory: read without a lock, changed by replacing the table.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::Soon;

use super::{KeyStore, KeyTable, StoreUnavailable, TableError};
use crate::{KeyId, KeyRecord};

/// Keeps records in memory. Clones share them.
///
/// A change copies the table, which suits the thousands of keys that fit in memory and change rarely.
#[derive(Clone, Default)]
pub struct MemoryKeyStore(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: ArcSwap<KeyTable>,
    /// Held by whoever changes the table, never by readers.
    changing: Mutex<()>,
}

impl MemoryKeyStore {
    /// Starts empty: every key is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record. It counts from the next request on.
    ///
    /// # Errors
    ///
    /// When there is one of the same id.
    pub fn insert(&self, record: KeyRecord) -> Result<(), TableError> {
        self.update(|table| table.insert(record))
    }

    /// Revokes a key. The next request that shows it is refused.
    ///
    /// # Errors
    ///
    /// When there is no record of this id.
    pub fn revoke(&self, id: KeyId, now: Duration) -> Result<(), TableError> {
        self.update(|table| table.revoke(id, now))
    }

    /// Replaces a record, after a rotation.
    ///
    /// # Errors
    ///
    /// When there is none of this id, or it was revoked.
    pub fn replace(&self, record: KeyRecord) -> Result<(), TableError> {
        self.update(|table| table.replace(record))
    }

    /// Changes several things at once: readers see all of them or none.
    ///
    /// # Errors
    ///
    /// That of the change; nothing is changed then.
    pub fn update<T, E>(&self, change: impl FnOnce(&mut KeyTable) -> Result<T, E>) -> Result<T, E> {
        let _one_at_a_time = self
            .0
            .changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut table = KeyTable::clone(&self.0.table.load());
        let outcome = change(&mut table)?;
        self.0.table.store(Arc::new(table));
        Ok(outcome)
    }

    /// Returns the records as they are now.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        self.0.table.load_full()
    }
}

impl KeyStore for MemoryKeyStore {
    fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        Soon::Now(Ok(self.0.table.load().get(id).cloned()))
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryKeyStore({} keys)", self.0.table.load().len())
    }
}
