//! A store in a TOML file that people can read, and that is watched while the server runs.

mod builder;
mod renewals;
mod toml_document;
mod error;
mod file_format;
mod problem;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::MaybeReady;
use palisade_internal::{
    private_file,
    watched_file::{Freshness, WatchedFile},
};

#[cfg(feature = "redis")]
pub(in crate::store) use self::toml_document::{read_record, write_record};
pub use self::{builder::FileKeyStoreBuilder, error::KeyFileError, problem::KeyFileProblem};
use self::{file_format::KeyFile, renewals::Renewals};
use super::{KeyStore, KeyTable, StoreUnavailable};
use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
};

/// The identifier in the audit trail and the metrics while the file cannot be read.
const STALE: &str = "keys_stale";

/// A store of records in a TOML file. Clones share the records.
///
/// A change of the file takes effect within a second. While the file is invalid, missing or
/// unreadable, the older keys stay in force for [15 minutes](FileKeyStoreBuilder::max_stale_age);
/// then every request with a key is refused with 503, since one of the keys may have been revoked.
/// Both are reported: in the log, and as `keys_stale` in the audit trail and the metrics. Changes
/// made with [`update`](Self::update) take effect immediately.
///
/// A file that is replaced keeps its owner, group and mode, also when root replaces it.
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_api_key::FileKeyStore;
///
/// let store = FileKeyStore::open("/etc/tts/keys.toml")?;
/// // An outage of the disk must not stop the service for an hour:
/// let patient = FileKeyStore::builder("/etc/tts/keys.toml")
///     .max_stale_age(Duration::from_secs(3600))
///     .open()?;
/// # Ok::<_, palisade_api_key::KeyFileError>(())
/// ```
#[derive(Clone)]
pub struct FileKeyStore {
    file: Arc<WatchedFile<KeyFile>>,
    /// Digests under the current pepper that wait to be written.
    renewals: Arc<Renewals>,
}

/// What happened to the file. The argument of [`FileKeyStoreBuilder::on_report`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyFileReport<'a> {
    /// The file could not be read for too long: every key is refused with 503 until it can be read.
    ///
    /// Reported once for each outage.
    Expired(&'a KeyFileError),
    /// A changed file could not be read; the older keys stay in force. Reported once for each
    /// problem.
    Kept(&'a KeyFileError),
    /// A changed file is in force. It has this number of keys.
    Loaded(usize),
}

impl FileKeyStore {
    /// Reads the file and checks it for changes from now on. Reports are logged.
    ///
    /// Returns once the file was read, so a server does not start with an invalid file.
    ///
    /// # Errors
    ///
    /// See [`FileKeyStoreBuilder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyFileError> {
        Self::builder(path).open()
    }

    /// Starts to configure how the file is watched.
    pub fn builder(path: impl Into<PathBuf>) -> FileKeyStoreBuilder {
        FileKeyStoreBuilder::new(path.into())
    }

    /// Creates a file without keys that only its owner may read. An existing file is not changed.
    ///
    /// If root runs this, the file belongs to the owner of the folder.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] when the file exists or cannot be written.
    ///
    /// ```
    /// use palisade_api_key::FileKeyStore;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("keys.toml");
    /// FileKeyStore::create(&path)?;
    /// assert!(FileKeyStore::create(&path).is_err()); // an existing file is not changed
    ///
    /// let store = FileKeyStore::builder(&path).unwatched().open()?;
    /// assert!(!store.refresh()?); // nothing has changed
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let text = toml_document::write(path, &KeyTable::default())?;
        private_file::write_new(path, text.as_bytes())
            .map_err(|problem| KeyFileError::from_io(path, "create", problem))
    }

    /// Checks the file now, instead of within the interval. Reads from a disk: do not call it in
    /// the path of a request. Returns whether another state came into force.
    ///
    /// # Errors
    ///
    /// When a new state cannot be read; the one before stays in force.
    pub fn refresh(&self) -> Result<bool, KeyFileError> {
        self.file.refresh()
    }

    /// Changes the file: reads it again, applies the change, and replaces it in one step, on the
    /// disk before this returns. Several processes may do so at once; none loses the other's
    /// change. The file keeps its owner, group and mode.
    ///
    /// # Errors
    ///
    /// The error of `change`, or when the file cannot be read or written, or would change its
    /// owner; nothing is changed then.
    pub fn update<T, E: Into<KeyFileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, KeyFileError> {
        self.try_update(|table| change(table).map_err(Into::into))
    }

    /// Changes the file as [`update`](Self::update) does, where the change may fail in a way of its
    /// own.
    ///
    /// # Errors
    ///
    /// That of the change, or when the file cannot be read or written; nothing is changed then.
    pub fn try_update<T, E: From<KeyFileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, E> {
        self.file.update(|mut table| {
            let outcome = change(&mut table)?;
            let text = toml_document::write(self.file.path(), &table)?;
            Ok((table, text, outcome))
        })
    }

    /// Returns the records as they were last read, for listings.
    ///
    /// Do not decide about requests with it: [`find`](KeyStore::find) also refuses records that are
    /// too old.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        self.file.value().load_full()
    }
}

fn log_report(report: KeyFileReport<'_>) {
    match report {
        KeyFileReport::Expired(problem) => {
            tracing::error!(target: "palisade", number = "PAL0014", %problem, "the key file could not be read for too long; every key is refused with 503 until it can");
        }
        KeyFileReport::Kept(problem) => {
            tracing::error!(target: "palisade", number = "PAL0014", %problem, "the key file cannot be read; the keys before stay in force for a limited time");
        }
        KeyFileReport::Loaded(keys) => {
            tracing::info!(target: "palisade", keys, "the key file was read");
        }
    }
}

impl KeyStore for FileKeyStore {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        MaybeReady::Ready(match self.file.freshness() {
            Freshness::Expired => Err(StoreUnavailable::new(STALE)),
            Freshness::Fresh | Freshness::Stale => Ok(self.file.value().load().get(id).cloned()),
        })
    }

    fn degraded(&self) -> Option<&'static str> {
        (self.file.freshness() != Freshness::Fresh).then_some(STALE)
    }

    /// Written by a thread, several together. A file that this user may not write keeps the older digests:
    /// one line of the log says so.
    fn renew_digest(&self, renewal: DigestRenewal) {
        self.renewals.queue(&self.file, renewal);
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FileKeyStore({}, {} keys)",
            self.file.path().display(),
            self.file.value().load().len()
        )
    }
}
