//! Stores of key records.
//!
//! The layer asks a [`KeyStore`] once for each request that has a well-formed key.

mod file;
mod memory;
mod pepper_file;
mod table;

use std::{borrow::Cow, fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::{
    file::{FileKeyStore, FileKeyStoreBuilder, KeyFileError, KeyFileProblem, KeyFileReport},
    memory::MemoryKeyStore,
    table::{KeyTable, TableError},
};
use crate::{key::KeyId, record::KeyRecord};

/// Finds records by their public id. A store has digests only, so no key can be read from it.
///
/// This crate has [`MemoryKeyStore`] and [`FileKeyStore`].
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
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        (**self).find(id)
    }

    fn degraded(&self) -> Option<&'static str> {
        (**self).degraded()
    }
}

/// The store could not look up a key.
///
/// The request is refused with 503 and `Retry-After`. Access is never granted without the store.
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
