//! A store in memory: read without a lock, changed by replacing the table.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::MaybeReady;

use super::{KeyStore, KeyTable, StoreUnavailable, TableError};
use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
};

/// A store of records in memory. Clones share the records.
///
/// For tests, and for programs that load their keys themselves. The records are lost when the
/// process ends. A change copies the table, which is cheap for some thousands of keys that change
/// rarely.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use palisade_api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let now = Duration::from_secs(1_800_000_000);
/// let minted = scheme.mint(Grant::new(Environment::Live).scopes(["tts:speak"]), now)?;
///
/// let store = MemoryKeyStore::new();
/// store.insert(minted.record().clone())?;
/// assert!(store.insert(minted.record().clone()).is_err()); // the id is taken
///
/// // Many changes at once: readers see all of them or none.
/// store.update(|table| table.revoke(minted.record().id(), now))?;
/// assert!(store.table().get(minted.record().id()).is_some_and(|record| record.is_over(now)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryKeyStore(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Replaced as a whole by each change.
    table: ArcSwap<KeyTable>,
    /// Locked while the table is changed; readers never lock it.
    changing: Mutex<()>,
}

impl MemoryKeyStore {
    /// Creates an empty store: every key is unknown and refused with 401.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record. It is valid from the next request on.
    ///
    /// # Errors
    ///
    /// [`TableError::Duplicate`] when there is a record of the same id.
    pub fn insert(&self, record: KeyRecord) -> Result<(), TableError> {
        self.update(|table| table.insert(record))
    }

    /// Revokes a key. The next request with it is refused, also on a connection that is open.
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
    /// let store = MemoryKeyStore::new();
    /// assert!(store.revoke(minted.record().id(), now).is_err()); // it is not in this store
    ///
    /// store.insert(minted.record().clone())?;
    /// store.revoke(minted.record().id(), now)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke(&self, id: KeyId, now: Duration) -> Result<(), TableError> {
        self.update(|table| table.revoke(id, now))
    }

    /// Replaces a record, after [`KeyScheme::rotate`](crate::KeyScheme::rotate).
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`] when there is no record of this id, [`TableError::Revoked`] when it
    /// was revoked.
    pub fn replace(&self, record: KeyRecord) -> Result<(), TableError> {
        self.update(|table| table.replace(record))
    }

    /// Makes several changes together: readers see all of them or none.
    ///
    /// Changes of other threads wait meanwhile. Do not call `update` again inside `change`.
    ///
    /// # Errors
    ///
    /// The error of `change`. Nothing is changed then.
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

    /// Returns the records as they are now. Later changes do not show in the returned table.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        self.0.table.load_full()
    }
}

impl KeyStore for MemoryKeyStore {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        MaybeReady::Ready(Ok(self.0.table.load().get(id).cloned()))
    }

    fn renew_digest(&self, renewal: DigestRenewal) {
        let _ = self.update(|table| Ok::<_, TableError>(table.renew_digest(&renewal)));
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryKeyStore({} keys)", self.0.table.load().len())
    }
}
