//! What a process has seen of the records of a server, over several stores.

use std::{fmt, sync::Arc};

use super::{RedisKeyStore, cache::SeenReplies};

/// What a process has seen of the records in a server: their revisions, and the replies of the last moment.
///
/// A store refuses records that are older than those that it has seen. A store that takes the place of another one, such as
/// after a reload of a configuration file, takes it over by
/// [`RedisKeyStoreBuilder::seen_records`](super::RedisKeyStoreBuilder::seen_records).
///
/// ```no_run
/// use palisade_api_key::{RedisKeyStore, RedisKeyStoreBuildError};
/// use palisade_core::Secret;
///
/// # fn reload(running: RedisKeyStore, key: Secret) -> Result<(), RedisKeyStoreBuildError> {
/// let next = RedisKeyStore::builder("redis://127.0.0.1:6379/4", key)
///     .seen_records(running.seen_records())
///     .build()?;
/// # let _ = next; Ok(()) }
/// ```
#[derive(Clone)]
pub struct SeenRecords {
    pub(super) replies: Arc<SeenReplies>,
    /// A digest under the key that records are sealed with.
    pub(super) sealed_by: [u8; 32],
    pub(super) prefix: Box<str>,
}

impl SeenRecords {
    /// Tells whether both are about the records of one fleet: with one seal key and one prefix.
    #[must_use]
    pub fn is_same_fleet(&self, other: &Self) -> bool {
        self.sealed_by == other.sealed_by && self.prefix == other.prefix
    }
}

impl fmt::Debug for SeenRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenRecords")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisKeyStore {
    /// Returns what this store has seen, for the store that takes its place. Both go on with it.
    #[must_use]
    pub fn seen_records(&self) -> SeenRecords {
        SeenRecords {
            replies: self.0.cache.replies(),
            sealed_by: self.0.sealer.fingerprint(),
            prefix: self.0.prefix.clone(),
        }
    }
}
