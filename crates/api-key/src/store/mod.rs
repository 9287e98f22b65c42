//! Where records are kept.

mod file;
mod memory;
mod pepper;
mod table;

use std::{borrow::Cow, fmt, sync::Arc};

use palisade_core::Soon;

pub use self::{
    file::{FileKeyStore, FileKeyStoreBuilder, KeyFileError, KeyFileReport},
    memory::MemoryKeyStore,
    table::{KeyTable, TableError},
};
use crate::{KeyId, KeyRecord};

/// Finds records by their public id. Holds digests only; nothing in it can be shown as a key.
///
/// A store of one's own answers [`Soon::Now`] from memory, or [`Soon::Later`] from a network.
///
/// ```
/// use std::sync::Arc;
/// use palisade_api_key::{KeyId, KeyRecord, KeyStore, StoreUnavailable};
/// use palisade_core::Soon;
///
/// /// Takes keys of two stores, the first of which is asked first.
/// #[derive(Debug)]
/// struct Either<A, B>(A, B);
///
/// impl<A: KeyStore, B: KeyStore> KeyStore for Either<A, B> {
///     fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
///         match self.0.find(id) {
///             Soon::Now(Ok(None)) => self.1.find(id),
///             found => found,
///         }
///     }
/// }
/// ```
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Looks up a record. Must not block: what takes time is answered later, within a deadline of the store's own.
    fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>>;

    /// Tells what is wrong with the store while it still answers (from an older state, say). A stable
    /// word for the audit trail.
    fn degraded(&self) -> Option<&'static str> {
        None
    }
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        (**self).find(id)
    }

    fn degraded(&self) -> Option<&'static str> {
        (**self).degraded()
    }
}

/// Says that a store could not answer. The request is refused with 503; nobody is let in on a guess.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreUnavailable(Cow<'static, str>);

impl StoreUnavailable {
    /// Gives the private reason, for the audit trail.
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
        write!(f, "the key store could not answer: {}", self.0)
    }
}

impl std::error::Error for StoreUnavailable {}
