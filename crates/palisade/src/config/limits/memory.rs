//! `[limit_store]`: the memory of the limits of one process, and the file that keeps it over a restart.

use std::{sync::Arc, time::Duration};

use palisade_rate_limit::{LimitStore, MemoryStore, SnapshotStore};
use toml::Spanned;

use crate::config::{
    Config, ConfigFileError, document::MemorySection, values::numbers::DAY_SECONDS,
};

const FEWEST_BUCKETS: u64 = 1_024;
const MOST_BUCKETS: u64 = 20_000_000;

impl Config {
    /// Opens the store of `[limit_store]`. `None` without the section.
    ///
    /// # Errors
    ///
    /// The section contradicts `[redis]` or itself, or its file may not be used.
    pub(in crate::config) fn memory_store(
        &self,
    ) -> Result<Option<Arc<dyn LimitStore>>, ConfigFileError> {
        let Some(section) = &self.document.limit_store else {
            return Ok(None);
        };
        let buckets = self.memory_buckets(section)?;
        let Some(file) = &section.snapshot else {
            return Ok(Some(Arc::new(memory_of(buckets))));
        };
        let mut store = SnapshotStore::builder(self.path(file.get_ref()));
        if let Some(buckets) = buckets {
            store = store.buckets(buckets);
        }
        if let Some(seconds) = self.number(&section.snapshot_seconds, 1, DAY_SECONDS)? {
            store = store.interval(Duration::from_secs(seconds));
        }
        let store = store.build().map_err(|problem| {
            let remedy =
                "or remove `snapshot`: clients then begin with full quotas after a restart";
            self.source.at(file, problem, remedy)
        })?;
        Ok(Some(Arc::new(store)))
    }

    /// Returns a store as that of `[limit_store]`, for a check: its file is not opened.
    ///
    /// # Errors
    ///
    /// As for [`memory_store`](Self::memory_store), but for the file.
    pub(in crate::config) fn memory_of_check(&self) -> Result<MemoryStore, ConfigFileError> {
        let Some(section) = &self.document.limit_store else {
            return Ok(MemoryStore::default());
        };
        self.number::<u64>(&section.snapshot_seconds, 1, DAY_SECONDS)?;
        Ok(memory_of(self.memory_buckets(section)?))
    }

    /// Returns the number of buckets, and checks that the keys of the section fit together.
    ///
    /// # Errors
    ///
    /// The number is out of range, `[redis]` is there too, or an interval has no file.
    fn memory_buckets(&self, section: &MemorySection) -> Result<Option<usize>, ConfigFileError> {
        if let Some(redis) = &self.document.redis {
            let problem = "limits are counted in `[redis]` or in memory, not in both";
            let remedy = "remove the section `[limit_store]` or the section `[redis]`";
            return Err(self.source.at(&redis.url, problem, remedy));
        }
        if let (Some(seconds), None) = (&section.snapshot_seconds, &section.snapshot) {
            return Err(self.interval_without_file(seconds));
        }
        self.number(&section.buckets, FEWEST_BUCKETS, MOST_BUCKETS)
    }

    fn interval_without_file(&self, seconds: &Spanned<u64>) -> ConfigFileError {
        let problem = "nothing is saved without a file";
        let remedy = "add `snapshot = \"limits.snapshot\"`, or remove the key";
        self.source.at(seconds, problem, remedy)
    }
}

fn memory_of(buckets: Option<usize>) -> MemoryStore {
    buckets.map_or_else(MemoryStore::default, MemoryStore::with_capacity)
}
