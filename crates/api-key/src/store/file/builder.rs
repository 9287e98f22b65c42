//! How a key file is watched: interval, age limit, clock and reports.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::watched_file::{Options, WatchedFile};

use super::{FileKeyStore, KeyFileError, KeyFileReport, file_format::KeyFile, log_report};
use crate::store::KeyEvent;

/// In bytes. A larger file is refused; it would have some hundred thousand keys.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Configures how a [`FileKeyStore`] watches its file. Made by [`FileKeyStore::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`interval`](Self::interval) | checked once a second |
/// | [`max_stale_age`](Self::max_stale_age) | older keys for 15 minutes |
/// | [`unwatched`](Self::unwatched) | a thread checks the file |
/// | [`clock`](Self::clock) | the system clock |
/// | [`on_report`](Self::on_report) | reports to the log |
/// | [`on_change`](Self::on_change) | changes of keys are not told |
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use palisade_api_key::FileKeyStore;
///
/// let store = FileKeyStore::builder("/etc/tts/keys.toml")
///     .interval(Duration::from_millis(250)) // a revoked key is refused after a quarter of a second
///     .max_stale_age(Duration::from_secs(60)) // a file that cannot be read: 503 after a minute
///     .on_report(|report| eprintln!("{report:?}"))
///     .open()?;
/// # let _ = store;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// A command that runs once needs no thread, and reads the file again when it likes:
///
/// ```
/// use palisade_api_key::FileKeyStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("keys.toml");
/// # use std::os::unix::fs::OpenOptionsExt;
/// # std::fs::OpenOptions::new().write(true).create(true).mode(0o600).open(&path)?;
/// std::fs::write(&path, "version = 1\n")?; // a file without keys
/// let store = FileKeyStore::builder(&path).unwatched().open()?;
/// store.refresh()?;
///
/// // A file that is not there is an error at start, and never an empty store.
/// assert!(FileKeyStore::builder(path.with_extension("missing")).open().is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct FileKeyStoreBuilder {
    /// The file to read.
    path: PathBuf,
    /// How often it is checked, and how long older keys stay in force.
    options: Options,
    /// Whether a thread checks it.
    watched: bool,
    /// Called after each change and each failure.
    report: Box<dyn Fn(KeyFileReport<'_>) + Send + Sync>,
    /// Called with each key that changed.
    changed: Option<Box<dyn Fn(&KeyEvent) + Send + Sync>>,
}

impl FileKeyStoreBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            options: Options::new(LARGEST, clock_of(SystemClock::shared())),
            watched: true,
            report: Box::new(log_report),
            changed: None,
        }
    }

    /// Starts no thread that checks the file: for programs that end soon, or call
    /// [`FileKeyStore::refresh`]. Default: the file is checked every [`interval`](Self::interval).
    ///
    /// The age of older keys is then counted from the first look that failed.
    pub fn unwatched(mut self) -> Self {
        self.watched = false;
        self
    }

    /// Sets how often the file is checked for changes. Default: once a second.
    ///
    /// A change takes effect after this time at most.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.options.interval = interval;
        self
    }

    /// Sets how long older keys stay in force while the file cannot be read. Default: 15 minutes.
    ///
    /// This bounds how long a key stays valid that was revoked in a file which the service cannot
    /// read. After that every request with a key is refused with 503 until the file can be read. A
    /// value under two intervals counts as two intervals.
    pub fn max_stale_age(mut self, age: Duration) -> Self {
        self.options.max_stale_age = age;
        self
    }

    /// Sets the clock that measures the age of older keys. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.options.set_clock(clock_of(clock));
        self
    }

    /// Sets a function that is called with what happens to the file. Default: it is logged.
    ///
    /// It replaces the log and runs on the thread that reads the file. See [`KeyFileReport`].
    pub fn on_report(mut self, report: impl Fn(KeyFileReport<'_>) + Send + Sync + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Sets a function that is called with each key that is made, changed, revoked or removed, by whichever process.
    /// Default: none. For the audit trail: the facade's `record_key_changes` makes one.
    ///
    /// It is called for changes after [`open`](Self::open), on the thread that reads or writes the file, a moment
    /// before they are in force. It must not block, and must not use the store.
    pub fn on_change(mut self, changed: impl Fn(&KeyEvent) + Send + Sync + 'static) -> Self {
        self.changed = Some(Box::new(changed));
        self
    }

    /// Reads the file and starts a thread that checks it for changes, unless it is
    /// [`unwatched`](Self::unwatched).
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Invalid`] when the content is wrong. [`KeyFileError::Io`] when the file
    /// cannot be read, others may write it, or no thread can be started.
    pub fn open(self) -> Result<FileKeyStore, KeyFileError> {
        let format = KeyFile {
            report: self.report,
            changed: self.changed,
        };
        let file = Arc::new(WatchedFile::open(format, self.path, self.options)?);
        if self.watched {
            file.watch("palisade-keys")?;
        }
        Ok(FileKeyStore {
            file,
            renewals: Arc::default(),
        })
    }
}

impl fmt::Debug for FileKeyStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeyStoreBuilder")
            .field("path", &self.path)
            .field("options", &self.options)
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}

/// The file helper knows no [`SharedClock`]; it is below the core.
fn clock_of(clock: SharedClock) -> impl Fn() -> Duration + Send + Sync + 'static {
    move || clock.monotonic()
}
