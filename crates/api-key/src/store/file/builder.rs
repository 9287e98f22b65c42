//! How a file of keys is watched.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::watched_file::{Options, WatchedFile};

use super::{FileKeyStore, KeyFileError, KeyFileReport, format::KeyFile, log};

const LARGEST: u64 = 64 * 1024 * 1024;

/// Collects how a [`FileKeyStore`] watches its file.
#[must_use]
pub struct FileKeyStoreBuilder {
    path: PathBuf,
    interval: Duration,
    max_stale_age: Duration,
    clock: SharedClock,
    report: Box<dyn Fn(KeyFileReport<'_>) + Send + Sync>,
}

impl FileKeyStoreBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            interval: Options::INTERVAL,
            max_stale_age: Options::MAX_STALE_AGE,
            clock: SystemClock::shared(),
            report: Box::new(log),
        }
    }

    /// Sets how often the file is looked at. Default: once a second.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long older keys stay in force while the file cannot be read. Default: 15 minutes.
    ///
    /// A key that is revoked in a file which the service cannot read counts for so long at most.
    /// After that every key is answered with 503 until the file can be read again. A value under
    /// two intervals counts as two intervals.
    pub fn max_stale_age(mut self, age: Duration) -> Self {
        self.max_stale_age = age;
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who is told what happens to the file. Default: the log.
    pub fn on_report(mut self, report: impl Fn(KeyFileReport<'_>) + Send + Sync + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Reads the file and watches it from now on.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, others may write it, or no thread can be started.
    pub fn open(self) -> Result<FileKeyStore, KeyFileError> {
        let store = self.open_unwatched()?;
        store.0.watch("palisade-keys")?;
        Ok(store)
    }

    /// Reads the file and does not watch it: for programs that end soon, or call
    /// [`FileKeyStore::refresh`]. The age of older keys is then counted from the first look that failed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, or others may write it.
    pub fn open_unwatched(self) -> Result<FileKeyStore, KeyFileError> {
        let clock = self.clock;
        let mut options = Options::new(LARGEST, move || clock.monotonic());
        options.interval = self.interval;
        options.max_stale_age = self.max_stale_age;
        let format = KeyFile {
            report: self.report,
        };
        let file = WatchedFile::open(format, self.path, options)?;
        Ok(FileKeyStore(Arc::new(file)))
    }
}

impl fmt::Debug for FileKeyStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeyStoreBuilder")
            .field("path", &self.path)
            .field("interval", &self.interval)
            .field("max_stale_age", &self.max_stale_age)
            .finish_non_exhaustive()
    }
}
