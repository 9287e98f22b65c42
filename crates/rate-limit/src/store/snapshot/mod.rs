//! A store in memory whose buckets survive a restart, in a file.

mod builder;
mod file;

use std::{
    convert::Infallible,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use palisade_core::{MaybeReady, SharedClock};
use palisade_internal::log_limit::LogLimit;

pub use self::builder::{SnapshotStoreBuildError, SnapshotStoreBuilder};
use self::file::SnapshotFile;
use super::{BucketKey, LimitOverride, LimitStore, OverrideError, forward, memory::MemoryStore};
use crate::policy::Limit;

/// Keeps buckets in memory, as [`MemoryStore`] does, and writes them to a file, so that a restart or a deploy does
/// not give every client a full bucket.
///
/// The file is read when the store is built. It is written then, every [minute](SnapshotStoreBuilder::interval), and
/// by [`finish`](LimitStore::finish) when a service stops. A process that is killed loses what was charged since the
/// last time: at most what a minute grants. Overrides are in the file too, and are saved at once.
///
/// # The file
///
/// It has mode 0600 and is replaced atomically. It holds keyed hashes, times, and the keys of the hashes: no address and
/// no name, but who can read it can look for one. It has 28 bytes for each bucket that is in use: 1.8 MB for the
/// default table.
///
/// | Found at start | Then |
/// |---|---|
/// | no file | all buckets begin full |
/// | a damaged file, or one of another version | one warning in the log; all buckets begin full, overrides are lost, and the file is kept as `….unusable` |
/// | a file that others may read or write, one of another user, no regular file, or one that cannot be read or written | [`build`](SnapshotStoreBuilder::build) fails |
///
/// A file of one process: of two that write the same one, the last one counts. While a new process starts beside the
/// old one, it begins with what the old one wrote last.
///
/// # Clocks
///
/// Times in the file are those of the clock of the machine. If that was set back in between, the time of the file
/// counts: no client waits longer than it would have.
///
/// # Metrics
///
/// With feature `metrics`: `palisade_limit_snapshot_failures_total`.
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{LimitStore as _, Policy, RateLimitLayer, SnapshotStore, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir()?;
/// let file = folder.path().join("limits.snapshot");
/// let store = SnapshotStore::builder(&file).build()?;
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("all").rate("60/minute")?)
///     .store(store.clone())
///     .build()?;
/// // At the end of the process.
/// store.finish().get().await;
/// assert!(file.exists());
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// Cheap to clone; clones share the buckets.
#[derive(Clone)]
pub struct SnapshotStore(Arc<SnapshotState>);

/// What all clones of a store share.
struct SnapshotState {
    /// The buckets.
    memory: MemoryStore,
    /// The file, locked: two threads never write it at the same time.
    file: Mutex<SnapshotFile>,
    /// Gives the moment of each snapshot.
    clock: SharedClock,
    /// Bounds the lines about files that cannot be written.
    failures: LogLimit,
    /// The time between two files.
    interval: Duration,
    /// The buckets that came from the file at start.
    restored: usize,
    /// The thread that saves ends when this is dropped.
    _alive: mpsc::Sender<Infallible>,
}

impl SnapshotStore {
    /// Starts to configure a store that is kept in this file.
    pub fn builder(file: impl AsRef<Path>) -> SnapshotStoreBuilder {
        SnapshotStoreBuilder::new(file.as_ref())
    }

    /// Returns how many buckets were in use when the store was built, from the file.
    #[must_use]
    pub fn restored(&self) -> usize {
        self.0.restored
    }

    /// Writes the file now. Returns its length in bytes.
    ///
    /// It blocks while the file is written and synced to the disk.
    ///
    /// # Errors
    ///
    /// The file cannot be written. The one before is left.
    ///
    /// ```
    /// use palisade_rate_limit::SnapshotStore;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let store = SnapshotStore::builder(folder.path().join("limits.snapshot")).build()?;
    /// assert!(store.save()? > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self) -> io::Result<usize> {
        self.0.save()
    }
}

impl SnapshotState {
    /// Writes all buckets that are in use. Returns the length of the file in bytes.
    fn save(&self) -> io::Result<usize> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = self
            .memory
            .to_snapshot(self.clock.monotonic(), self.clock.unix_time());
        file.write(&bytes)?;
        Ok(bytes.len())
    }

    /// Writes the file, and logs once a minute that it cannot be written.
    ///
    /// # Errors
    ///
    /// That it was not written.
    fn save_or_tell(&self) -> Result<(), io::ErrorKind> {
        let Err(error) = self.save() else {
            return Ok(());
        };
        #[cfg(feature = "metrics")]
        metrics::counter!("palisade_limit_snapshot_failures_total").increment(1);
        if let Some(held_back) = self.failures.admit(self.clock.monotonic()) {
            tracing::warn!(
                target: "palisade",
                %error,
                held_back,
                "the snapshot of the limits cannot be written: after a restart, clients have what they had before; \
                 check the space and the permissions of its folder"
            );
        }
        Err(error.kind())
    }
}

/// Saves after each interval, until the store is dropped.
fn save_regularly(store: &Arc<SnapshotState>, alive: mpsc::Receiver<Infallible>) -> io::Result<()> {
    let (interval, store) = (store.interval, Arc::downgrade(store));
    let save = move || {
        while alive.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
            let Some(store) = store.upgrade() else { return };
            let _ = store.save_or_tell();
        }
    };
    let thread = std::thread::Builder::new().name("palisade-limits".to_owned());
    thread.spawn(save).map(drop)
}

impl fmt::Debug for SnapshotStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotStore")
            .field("memory", &self.0.memory)
            .finish_non_exhaustive()
    }
}

impl LimitStore for SnapshotStore {
    forward!(self => self.0.memory;
        bucket_key charge adjust limit_names overrides rescale permits);

    fn finish(&self) -> MaybeReady<()> {
        let _ = self.0.save_or_tell();
        MaybeReady::Ready(())
    }

    fn change_override(
        &self,
        limit: &Limit,
        bucket: BucketKey,
        value: Option<LimitOverride>,
        unix_time: Duration,
    ) -> MaybeReady<Result<(), OverrideError>> {
        let changed = self
            .0
            .memory
            .change_override(limit, bucket, value, unix_time);
        // What an operator set is not lost with the process.
        match (self.0.save_or_tell(), changed) {
            (Err(kind), MaybeReady::Ready(Ok(()))) => {
                MaybeReady::Ready(Err(OverrideError::NotSaved { kind }))
            }
            (_, changed) => changed,
        }
    }

    fn explain(&self) -> String {
        let seconds = self.0.interval.as_secs();
        format!("{}, saved every {seconds} s", self.0.memory.explain())
    }
}
