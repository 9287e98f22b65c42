//! How a list of revoked tokens is watched: interval, age limit and clock.

use std::{path::PathBuf, sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::watched_file::{Options, WatchedFile};

use super::{RevokedTokensFile, list_format::ListFormat};
use crate::error::JwtBuildError;

/// In bytes. A list with the most entries has about 20 MB.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Configures how a [`RevokedTokensFile`] watches its file. Made by [`RevokedTokensFile::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`interval`](Self::interval) | checked once a second |
/// | [`max_stale_age`](Self::max_stale_age) | older entries for 15 minutes |
/// | [`unwatched`](Self::unwatched) | a thread checks the file |
/// | [`clock`](Self::clock) | the system clock |
///
/// ```
/// use palisade_jwt::{JwtBuildError, revocation::RevokedTokensFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("revoked.json");
/// RevokedTokensFile::create(&path)?;
/// // A program that adds an entry and ends needs no thread:
/// let list = RevokedTokensFile::builder(&path).unwatched().open()?;
/// assert!(list.known().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A service that refuses everything sooner while the list cannot be read:
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::revocation::RevokedTokensFile;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("revoked.json");
/// # RevokedTokensFile::create(&path)?;
/// let list = RevokedTokensFile::builder(&path)
///     .interval(Duration::from_millis(250))
///     .max_stale_age(Duration::from_secs(60))
///     .open()?;
/// # let _ = list;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RevokedTokensFileBuilder {
    /// The file to read.
    path: PathBuf,
    /// How often it is checked, and how long older entries stay in force.
    options: Options,
    /// Whether a thread checks it.
    watched: bool,
}

impl RevokedTokensFileBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        let clock = SystemClock::shared();
        Self {
            path,
            options: Options::new(LARGEST, move || clock.monotonic()),
            watched: true,
        }
    }

    /// Sets how often the file is checked for changes. Default: once a second.
    ///
    /// A revocation by another process takes effect after this time at most.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.options.interval = interval;
        self
    }

    /// Sets how long older entries stay in force while the file cannot be read. Default: 15
    /// minutes. Then every token is refused with 503, since one may have been revoked. A value
    /// under two intervals counts as two intervals.
    pub fn max_stale_age(mut self, age: Duration) -> Self {
        self.options.max_stale_age = age;
        self
    }

    /// Starts no thread that checks the file: for programs that end soon, or call
    /// [`RevokedTokensFile::refresh`]. Default: the file is checked every
    /// [`interval`](Self::interval).
    pub fn unwatched(mut self) -> Self {
        self.watched = false;
        self
    }

    /// Sets the clock that measures the age of older entries. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.options.set_clock(move || clock.monotonic());
        self
    }

    /// Reads the file and starts a thread that checks it for changes, unless it is
    /// [`unwatched`](Self::unwatched).
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] if the file cannot be read, others may write it, it has other
    /// content, or no thread can be started.
    pub fn open(self) -> Result<RevokedTokensFile, JwtBuildError> {
        let file = Arc::new(WatchedFile::open(ListFormat, self.path, self.options)?);
        if self.watched {
            file.watch("palisade-revoked")?;
        }
        Ok(RevokedTokensFile(file))
    }
}
