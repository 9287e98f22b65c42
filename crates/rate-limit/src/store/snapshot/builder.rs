//! The builder of the store with a snapshot: its settings, their checks, and the first reading.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::log_limit::LogLimit;

use super::{SnapshotState, SnapshotStore, file::SnapshotFile, save_regularly};
use crate::store::memory::{DEFAULT_CAPACITY, MemoryStore};

/// The default time between two files. A crash loses what was counted since the last one.
const INTERVAL: Duration = Duration::from_secs(60);
/// The file is written and synced as a whole, so more often than this would only keep the disk
/// busy.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// A snapshot that is older than a day tells little about who is over a limit.
const LONGEST_INTERVAL: Duration = Duration::from_secs(86_400);

/// Configures a [`SnapshotStore`]. [`SnapshotStore::builder`] returns it.
///
/// | Setting | Default |
/// |---|---|
/// | [`buckets`](Self::buckets) | 65,536 |
/// | [`interval`](Self::interval) | 60 seconds |
/// | [`clock`](Self::clock) | the system clock |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::SnapshotStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("limits.snapshot");
/// let store = SnapshotStore::builder(&file)
///     .buckets(200_000)
///     .interval(Duration::from_secs(10))
///     .build()?;
/// # let _ = store;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SnapshotStoreBuilder {
    /// The file of the snapshots.
    file: PathBuf,
    /// The buckets of the memory. Default: as in [`MemoryStore`].
    buckets: usize,
    /// The time between two files.
    interval: Duration,
    /// Gives the moments in the file. Default: the system clock.
    clock: SharedClock,
}

/// Why a [`SnapshotStore`] cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SnapshotStoreBuildError {
    /// The file belongs neither to the user of this process nor to the owner of its folder: who made it could lift
    /// refusals.
    ForeignOwner {
        /// The file.
        file: PathBuf,
    },
    /// The interval is shorter than a second or longer than a day.
    IntervalOutOfRange,
    /// The system gives no thread that saves.
    NoThread,
    /// The path is that of a folder, a pipe or a device, or of a file with a second name (a hard link).
    NotAFile {
        /// The path.
        file: PathBuf,
    },
    /// Others than its owner may read or write the file: they could look for clients in it, or lift refusals.
    NotPrivate {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The file cannot be written.
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl fmt::Display for SnapshotStoreBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOwner { file } => write!(
                f,
                "{} belongs to another user; give it to the owner of its folder, or remove it",
                file.display()
            ),
            Self::IntervalOutOfRange => {
                f.write_str("the interval of snapshots is out of range; use 1 second to a day")
            }
            Self::NoThread => f.write_str("no thread can be started that saves the limits"),
            Self::NotAFile { file } => {
                write!(
                    f,
                    "{} is no regular file of its own; name another path",
                    file.display()
                )
            }
            Self::NotPrivate { file } => write!(
                f,
                "{} may be read or written by others; set its mode to 0600, or remove it",
                file.display()
            ),
            Self::Unreadable { file, kind } => {
                write!(
                    f,
                    "{} cannot be read: {kind}; check its owner",
                    file.display()
                )
            }
            Self::Unwritable { file, kind } => write!(
                f,
                "{} cannot be written: {kind}; name a path in a folder of this user",
                file.display()
            ),
        }
    }
}

impl std::error::Error for SnapshotStoreBuildError {}

impl SnapshotStoreBuilder {
    /// Starts with the defaults of the table above.
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            buckets: DEFAULT_CAPACITY,
            interval: INTERVAL,
            clock: SystemClock::shared(),
        }
    }

    /// Sets the number of buckets, as [`MemoryStore::with_capacity`]. Default: 65,536.
    ///
    /// If the file has more than fit, the others begin full, and one warning says how many.
    pub fn buckets(mut self, buckets: usize) -> Self {
        self.buckets = buckets;
        self
    }

    /// Sets after which time the file is written again: a second to a day. Default: 60 seconds.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the clock. Default: the system clock. It must be that of the layers over this store.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads the file, writes it for the first time, and starts the thread that saves.
    ///
    /// # Errors
    ///
    /// [`SnapshotStoreBuildError`] if the interval is out of range, or the file may not be used. A damaged file is no
    /// error.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_rate_limit::{SnapshotStore, SnapshotStoreBuildError};
    ///
    /// let often = SnapshotStore::builder("limits.snapshot").interval(Duration::from_millis(5));
    /// assert_eq!(often.build().unwrap_err(), SnapshotStoreBuildError::IntervalOutOfRange);
    /// ```
    pub fn build(self) -> Result<SnapshotStore, SnapshotStoreBuildError> {
        if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&self.interval) {
            return Err(SnapshotStoreBuildError::IntervalOutOfRange);
        }
        let (file, content) = SnapshotFile::open(&self.file)?;
        let (memory, restored) = self.restore(&file, content.as_deref());
        let (alive, ended) = mpsc::channel();
        let store = SnapshotStore(Arc::new(SnapshotState {
            memory,
            file: Mutex::new(file),
            clock: self.clock,
            failures: LogLimit::per_minute(),
            interval: self.interval,
            restored,
            _alive: alive,
        }));
        store
            .save()
            .map_err(|error| SnapshotStoreBuildError::Unwritable {
                file: self.file,
                kind: error.kind(),
            })?;
        save_regularly(&store.0, ended).map_err(|_| SnapshotStoreBuildError::NoThread)?;
        Ok(store)
    }

    /// Returns the store with the buckets of a file, and how many there are.
    fn restore(&self, file: &SnapshotFile, content: Option<&[u8]>) -> (MemoryStore, usize) {
        let begin = || (MemoryStore::with_capacity(self.buckets), 0);
        let Some(content) = content else {
            return begin();
        };
        let (now, unix_time) = (self.clock.monotonic(), self.clock.unix_time());
        match MemoryStore::from_snapshot(content, self.buckets, now, unix_time) {
            Ok((memory, restored)) => {
                self.tell_restored(restored.buckets, restored.left_out, restored.age);
                (memory, restored.buckets)
            }
            Err(problem) => {
                file.keep_unusable(content);
                tracing::warn!(
                    target: "palisade",
                    file = %self.file.display(),
                    %problem,
                    "the snapshot of the limits cannot be used and is kept as `.unusable`: every client begins with a full bucket, and overrides must be set again"
                );
                begin()
            }
        }
    }

    /// Logs how many buckets are in use again, and warns if some had no space.
    fn tell_restored(&self, buckets: usize, left_out: usize, age: Duration) {
        let age_seconds = age.as_secs();
        if left_out > 0 {
            tracing::warn!(
                target: "palisade",
                buckets,
                left_out,
                age_seconds,
                "some buckets of the snapshot begin full, since the table has no space for them; raise its capacity"
            );
        } else {
            tracing::info!(target: "palisade", buckets, age_seconds, "the limits go on from their snapshot");
        }
    }
}
