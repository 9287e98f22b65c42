//! Stores of key records.
//!
//! The layer asks a [`KeyStore`] once for each request that has a well-formed key.

mod file;
#[cfg(feature = "redis")]
mod redis;
mod memory;
mod pepper_file;
mod events;
mod table;

use std::{borrow::Cow, fmt, sync::Arc};

use palisade_core::MaybeReady;

#[cfg(feature = "redis")]
pub use self::redis::{
    RedisKeyError, RedisKeyStore, RedisKeyStoreBuildError, RedisKeyStoreBuilder, SeenRecords,
};
pub use self::{
    events::{KeyEvent, KeyEventKind},
    file::{FileKeyStore, FileKeyStoreBuilder, KeyFileError, KeyFileProblem, KeyFileReport},
    memory::MemoryKeyStore,
    table::{KeyTable, TableError},
};
use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
};

/// Finds records by their public id. A store has digests only, so no key can be read from it.
///
/// This crate has [`MemoryKeyStore`] and [`FileKeyStore`], and with the feature `redis` `RedisKeyStore`.
///
/// A custom store returns [`MaybeReady::Ready`] from memory, or [`MaybeReady::Pending`] from a network.
///
/// ```
/// use std::sync::Arc;
/// use palisade_api_key::{KeyId, KeyRecord, KeyStore, StoreUnavailable};
/// use palisade_core::MaybeReady;
///
/// /// Accepts the keys of two stores and asks the first one first.
/// #[derive(Debug)]
/// struct Either<A, B>(A, B);
///
/// impl<A: KeyStore, B: KeyStore> KeyStore for Either<A, B> {
///     fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
///         match self.0.find(id) {
///             MaybeReady::Ready(Ok(None)) => self.1.find(id),
///             found => found,
///         }
///     }
/// }
/// ```
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Looks up a record by its id.
    ///
    /// `Ok(None)` if there is none: the request is refused with 401. The function must not block.
    /// Return [`MaybeReady::Pending`] for a look-up that takes time, and apply a deadline to it.
    ///
    /// # Errors
    ///
    /// [`StoreUnavailable`] when the store cannot be asked: the request is refused with 503.
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>>;

    /// Returns what is wrong with the store while it still works, such as an older state.
    ///
    /// A fixed identifier for the audit trail, such as `keys_stale`. Default: `None`.
    fn degraded(&self) -> Option<&'static str> {
        None
    }

    /// Takes the digest of a key under the current pepper, in place of one under another pepper
    /// ([`KeyScheme::also_accept`](crate::KeyScheme::also_accept)). Default: it is dropped, and the record
    /// stays valid as long as its pepper is accepted.
    ///
    /// Called inside a request, once for each key and process, so it must not block: keep the renewal and
    /// write it later. Write it only where the old digest still is:
    /// [`KeyRecord::with_renewed_digest`].
    fn renew_digest(&self, renewal: DigestRenewal) {
        let _ = renewal;
    }
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        (**self).find(id)
    }

    fn degraded(&self) -> Option<&'static str> {
        (**self).degraded()
    }

    fn renew_digest(&self, renewal: DigestRenewal) {
        (**self).renew_digest(renewal);
    }
}

/// The store could not look up a key.
///
/// The request is refused with 503 and `Retry-After`. Access is never granted without the store.
///
/// A store on a network gives up after a time of its own:
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use palisade_api_key::{KeyRecord, StoreUnavailable};
/// use palisade_core::MaybeReady;
///
/// type Found = Result<Option<Arc<KeyRecord>>, StoreUnavailable>;
///
/// fn ask(database: impl Future<Output = Found> + Send + 'static) -> MaybeReady<Found> {
///     MaybeReady::pending(async move {
///         let answer = tokio::time::timeout(Duration::from_millis(250), database).await;
///         answer.unwrap_or_else(|_| Err(StoreUnavailable::new("no answer within 250 ms")))
///     })
/// }
/// # let _ = ask(async { Ok(None) });
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreUnavailable(Cow<'static, str>);

impl StoreUnavailable {
    /// Creates the error with a private reason for the audit trail. The client does not see it.
    #[must_use]
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn into_reason(self) -> Cow<'static, str> {
        self.0
    }
}

impl fmt::Display for StoreUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key store is unavailable: {}", self.0)
    }
}

impl std::error::Error for StoreUnavailable {}
