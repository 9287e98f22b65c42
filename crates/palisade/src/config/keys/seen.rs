//! What the stores of `[keys.redis]` have seen, over all reloads of a process.

#[cfg(feature = "redis")]
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(feature = "redis")]
use palisade_api_key::{RedisKeyStore, SeenRecords};

/// How many fleets are remembered: a reload to another seal key or prefix, and back, forgets nothing.
#[cfg(feature = "redis")]
const MOST_FLEETS: usize = 4;

/// What stores in Redis have seen, one entry for each seal key and prefix. Clones share it.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct SeenKeys(#[cfg(feature = "redis")] Arc<Mutex<Vec<SeenRecords>>>);

#[cfg(feature = "redis")]
impl SeenKeys {
    /// Returns what was seen of each fleet.
    pub(super) fn all(&self) -> Vec<SeenRecords> {
        self.lock().clone()
    }

    /// Remembers what a new store sees, unless it took that over.
    pub(in crate::config) fn remember(&self, store: &RedisKeyStore) {
        let own = store.seen_records();
        let mut fleets = self.lock();
        if fleets.iter().any(|seen| seen.is_same_fleet(&own)) {
            return;
        }
        if fleets.len() >= MOST_FLEETS {
            fleets.remove(0);
        }
        fleets.push(own);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SeenRecords>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
