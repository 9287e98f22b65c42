//! Records in a TOML file that people can read, watched while the server runs.

mod document;
mod error;
pub(crate) mod private;
mod stamp;
mod state;
mod watch;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::Soon;

pub use self::error::KeyFileError;
use self::state::State;
use super::{KeyStore, KeyTable, StoreUnavailable};
use crate::{KeyId, KeyRecord};

const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps records in a TOML file. Clones share them.
///
/// A changed file counts within a second. A broken one is reported and the keys before it stay in force,
/// until it is mended; so does a file that went away. Changes made through the store count at once.
#[derive(Clone)]
pub struct FileKeyStore(Arc<State>);

/// What happened to the file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyFileReport<'a> {
    /// A new state could not be read; the one before stays in force.
    Kept(&'a KeyFileError),
    /// A new state is in force, with so many keys.
    Loaded(usize),
}

impl FileKeyStore {
    /// Reads the file and watches it from now on. What happens to it is logged.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, others may write it, or no thread can be started.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyFileError> {
        let store = Self::open_unwatched(path, log)?;
        store.0.watch(INTERVAL)?;
        Ok(store)
    }

    /// Reads the file and watches it as often as `interval` says, telling `report` what happens.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(
        path: impl Into<PathBuf>,
        interval: Duration,
        report: impl Fn(KeyFileReport<'_>) + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        let store = Self::open_unwatched(path, report)?;
        store.0.watch(interval)?;
        Ok(store)
    }

    /// Reads the file and does not watch it: for programs that end soon, or call [`refresh`](Self::refresh).
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, or others may write it.
    pub fn open_unwatched(
        path: impl Into<PathBuf>,
        report: impl Fn(KeyFileReport<'_>) + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        State::open(path.into(), report).map(Arc::new).map(Self)
    }

    /// Makes a file without keys that only its owner may read. One that is there is left alone.
    ///
    /// # Errors
    ///
    /// When there is one already, or it cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let text = document::write(path, &KeyTable::default())?;
        private::write_new(path, &text).map_err(|problem| KeyFileError::io(path, "create", problem))
    }

    /// Looks at the file now, instead of within the interval. Reads from a disk: not for a request's way.
    /// Tells whether another state came into force.
    ///
    /// # Errors
    ///
    /// When a new state cannot be read; the one before stays in force.
    pub fn refresh(&self) -> Result<bool, KeyFileError> {
        self.0.refresh()
    }

    /// Changes the file: reads it anew, applies the change, and replaces it in one step, on the disk
    /// before this returns. Several processes may do so at once; none loses the other's change.
    ///
    /// # Errors
    ///
    /// That of the change, or when the file cannot be read or written; nothing is changed then.
    pub fn update<T, E: Into<KeyFileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, KeyFileError> {
        self.try_update(|table| change(table).map_err(Into::into))
    }

    /// Changes the file as [`update`](Self::update) does, where the change may fail in a way of its own.
    ///
    /// # Errors
    ///
    /// That of the change, or when the file cannot be read or written; nothing is changed then.
    pub fn try_update<T, E: From<KeyFileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0.update(change)
    }

    /// Returns the records as they are now.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        self.0.table().load_full()
    }
}

fn log(report: KeyFileReport<'_>) {
    match report {
        KeyFileReport::Kept(problem) => {
            tracing::error!(target: "palisade", %problem, "the key file is broken; the keys before it stay in force");
        }
        KeyFileReport::Loaded(keys) => {
            tracing::info!(target: "palisade", keys, "the key file was read")
        }
    }
}

impl KeyStore for FileKeyStore {
    fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        Soon::Now(Ok(self.0.table().load().get(id).cloned()))
    }

    fn degraded(&self) -> Option<&'static str> {
        self.0
            .is_broken()
            .then_some("key file broken, older keys in force")
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FileKeyStore({}, {} keys)",
            self.0.path().display(),
            self.0.table().load().len()
        )
    }
}
