//! What the routes need of a store: to list, add and change records.

use std::{fmt, sync::Arc};

use palisade_api_key::{FileKeyStore, KeyId, KeyRecord, MemoryKeyStore};
use palisade_core::MaybeReady;

use super::KeyAdminError;

/// What a call returns.
pub type KeyReply<T> = MaybeReady<Result<T, KeyAdminError>>;
/// A change of one record. May be called more than once; the last result is what is stored.
pub type KeyChange = Box<dyn Fn(&KeyRecord) -> Result<KeyRecord, KeyAdminError> + Send + Sync>;

/// A store whose records can be changed. Implemented for the stores of [`palisade_api_key`].
///
/// A change is atomic: no other change happens between reading the record and writing it.
pub trait ManagedKeys: fmt::Debug + Send + Sync + 'static {
    /// Returns all records, the oldest first.
    fn list(&self) -> KeyReply<Vec<Arc<KeyRecord>>>;

    /// Adds a record.
    fn insert(&self, record: KeyRecord) -> KeyReply<()>;

    /// Changes a record. [`KeyAdminError::Unknown`] if there is none.
    fn change(&self, id: KeyId, change: KeyChange) -> KeyReply<()>;
}

impl ManagedKeys for MemoryKeyStore {
    fn list(&self) -> KeyReply<Vec<Arc<KeyRecord>>> {
        MaybeReady::Ready(Ok(self.table().records()))
    }

    fn insert(&self, record: KeyRecord) -> KeyReply<()> {
        MaybeReady::Ready(
            self.update(|table| table.insert(record))
                .map_err(Into::into),
        )
    }

    fn change(&self, id: KeyId, change: KeyChange) -> KeyReply<()> {
        MaybeReady::Ready(self.update(|table| table.change(id, change)))
    }
}

/// Changes are written on a thread for blocking work, and are on the disk before the response.
impl ManagedKeys for FileKeyStore {
    fn list(&self) -> KeyReply<Vec<Arc<KeyRecord>>> {
        MaybeReady::Ready(Ok(self.table().records()))
    }

    fn insert(&self, record: KeyRecord) -> KeyReply<()> {
        let store = self.clone();
        blocking(move || store.try_update(|table| table.insert(record).map_err(Into::into)))
    }

    fn change(&self, id: KeyId, change: KeyChange) -> KeyReply<()> {
        let store = self.clone();
        blocking(move || store.try_update(|table| table.change(id, change)))
    }
}

#[cfg(feature = "redis")]
impl ManagedKeys for palisade_api_key::RedisKeyStore {
    fn list(&self) -> KeyReply<Vec<Arc<KeyRecord>>> {
        let store = self.clone();
        MaybeReady::pending(async move {
            let all = Self::list(&store).await?;
            Ok(all.into_iter().map(Arc::new).collect())
        })
    }

    fn insert(&self, record: KeyRecord) -> KeyReply<()> {
        let store = self.clone();
        MaybeReady::pending(async move { Ok(Self::insert(&store, &record).await?) })
    }

    fn change(&self, id: KeyId, change: KeyChange) -> KeyReply<()> {
        let store = self.clone();
        MaybeReady::pending(async move { store.update(id, change).await })
    }
}

/// Runs a change on a thread for blocking work.
fn blocking(change: impl FnOnce() -> Result<(), KeyAdminError> + Send + 'static) -> KeyReply<()> {
    MaybeReady::pending(async move {
        let done = tokio::task::spawn_blocking(change).await;
        done.unwrap_or_else(|_| {
            Err(KeyAdminError::Unavailable(
                "the change was interrupted".into(),
            ))
        })
    })
}
