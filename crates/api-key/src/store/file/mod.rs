//! Records in a TOML file that people can read, watched while the server runs.

mod document;
mod error;
pub(crate) mod private;
mod stamp;
mod watch;

use std::{
    fmt,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::Soon;

pub use self::error::FileError;
use self::{stamp::Stamp, watch::Watch};
use super::{KeyStore, KeyTable, StoreUnavailable};
use crate::{KeyId, KeyRecord};

const LARGEST: u64 = 64 * 1024 * 1024;
const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps records in a TOML file. Clones share them.
///
/// A changed file counts within a second. A broken one is reported and the keys before it stay in force,
/// until it is mended; so does a file that went away. Changes made through the store count at once.
#[derive(Clone)]
pub struct FileKeyStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    table: ArcSwap<KeyTable>,
    broken: AtomicBool,
    /// Held by whoever reads or writes the file, never by a request.
    seen: Mutex<Seen>,
    report: Box<dyn Fn(Report<'_>) + Send + Sync>,
    watch: OnceLock<Watch>,
}

#[derive(Default)]
struct Seen {
    stamp: Option<Stamp>,
    /// A second look after each change: the first may have met a writer between two writes of one tick.
    settled: bool,
}

/// What happened to the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// A new state could not be read; the one before stays in force.
    Kept(&'a FileError),
    /// A new state is in force, with so many keys.
    Loaded(usize),
}

impl FileKeyStore {
    /// Reads the file and watches it from now on. What happens to it is logged.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, others may write it, or no thread can be started.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let store = Self::open_unwatched(path, log)?;
        store.watch(INTERVAL)?;
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
        report: impl Fn(Report<'_>) + Send + Sync + 'static,
    ) -> Result<Self, FileError> {
        let store = Self::open_unwatched(path, report)?;
        store.watch(interval)?;
        Ok(store)
    }

    /// Reads the file and does not watch it: for programs that end soon, or call [`refresh`](Self::refresh).
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is broken, or others may write it.
    pub fn open_unwatched(
        path: impl Into<PathBuf>,
        report: impl Fn(Report<'_>) + Send + Sync + 'static,
    ) -> Result<Self, FileError> {
        let inner = Inner {
            path: path.into(),
            table: ArcSwap::default(),
            broken: AtomicBool::new(false),
            seen: Mutex::default(),
            report: Box::new(report),
            watch: OnceLock::new(),
        };
        let (table, stamp) = inner.load()?;
        inner.table.store(Arc::new(table));
        inner.seen().stamp = Some(stamp);
        Ok(Self(Arc::new(inner)))
    }

    /// Makes a file without keys that only its owner may read. One that is there is left alone.
    ///
    /// # Errors
    ///
    /// When there is one already, or it cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        let text = document::write(path, &KeyTable::default())?;
        private::write_new(path, &text).map_err(|problem| FileError::io(path, "create", problem))
    }

    /// Looks at the file now, instead of within the interval. Reads from a disk: not for a request's way.
    /// Tells whether another state came into force.
    ///
    /// # Errors
    ///
    /// When a new state cannot be read; the one before stays in force.
    pub fn refresh(&self) -> Result<bool, FileError> {
        self.0.refresh()
    }

    /// Changes the file: reads it anew, applies the change, and replaces it in one step, on the disk
    /// before this returns. Several processes may do so at once; none loses the other's change.
    ///
    /// # Errors
    ///
    /// That of the change, or when the file cannot be read or written; nothing is changed then.
    pub fn update<T, E: Into<FileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, FileError> {
        self.0.update(|table| change(table).map_err(Into::into))
    }

    /// Returns the records as they are now.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        self.0.table.load_full()
    }

    fn watch(&self, interval: Duration) -> Result<(), FileError> {
        let watch = Watch::start(Arc::downgrade(&self.0), interval);
        let watch = watch.map_err(|problem| FileError::io(&self.0.path, "watch", problem))?;
        let _ = self.0.watch.set(watch);
        Ok(())
    }
}

impl Inner {
    fn refresh(&self) -> Result<bool, FileError> {
        let mut seen = self.seen();
        let outcome = self.look(&mut seen);
        drop(seen);
        match &outcome {
            Ok(true) => (self.report)(Report::Loaded(self.table.load().len())),
            Ok(false) => {}
            // Said once, not every second.
            Err(problem) if !self.broken.swap(true, Ordering::Relaxed) => (self.report)(Report::Kept(problem)),
            Err(_) => {}
        }
        outcome
    }

    fn look(&self, seen: &mut Seen) -> Result<bool, FileError> {
        let metadata = std::fs::metadata(&self.path).map_err(|problem| FileError::io(&self.path, "read", problem))?;
        let same = seen.stamp == Some(Stamp::of(&metadata));
        let broken = self.broken.load(Ordering::Relaxed);
        if same && seen.settled && !broken {
            return Ok(false);
        }
        let (table, stamp) = self.load()?;
        *seen = Seen { stamp: Some(stamp), settled: same };
        self.table.store(Arc::new(table));
        let mended = self.broken.swap(false, Ordering::Relaxed);
        Ok(!same || mended)
    }

    fn load(&self) -> Result<(KeyTable, Stamp), FileError> {
        let failed = |problem| FileError::io(&self.path, "read", problem);
        let file = File::open(&self.path).map_err(failed)?;
        if private::others_may(&file, 0o022).map_err(failed)? {
            let problem = "others may write this file, and so let themselves in; set its mode to 0600";
            return Err(FileError::invalid(&self.path, None, problem));
        }
        // The stamp is taken first: what changes while we read is noticed at the next look.
        let stamp = Stamp::of(&file.metadata().map_err(failed)?);
        let text = private::read(&file, LARGEST).map_err(failed)?;
        Ok((document::read(&self.path, &text)?, stamp))
    }

    fn update<T>(&self, change: impl FnOnce(&mut KeyTable) -> Result<T, FileError>) -> Result<T, FileError> {
        let failed = |problem| FileError::io(&self.path, "write", problem);
        // A link is followed, so that the file behind it is replaced and not the link.
        let path = self.path.canonicalize().map_err(failed)?;
        let mut seen = self.seen();
        let _until_dropped = lock(&path).map_err(failed)?;
        let (mut table, _) = self.load()?;
        let outcome = change(&mut table)?;
        private::replace(&path, &document::write(&path, &table)?).map_err(failed)?;
        let stamp = std::fs::metadata(&self.path).ok().as_ref().map(Stamp::of);
        *seen = Seen { stamp, settled: false };
        self.table.store(Arc::new(table));
        self.broken.store(false, Ordering::Relaxed);
        Ok(outcome)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until no other process changes the file. A file of its own, since the other one is replaced.
fn lock(path: &Path) -> std::io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path.with_file_name(name))?;
    file.lock()?;
    Ok(file)
}

fn log(report: Report<'_>) {
    match report {
        Report::Kept(problem) => {
            tracing::error!(target: "palisade", %problem, "the key file is broken; the keys before it stay in force");
        }
        Report::Loaded(keys) => tracing::info!(target: "palisade", keys, "the key file was read"),
    }
}

impl KeyStore for FileKeyStore {
    fn find(&self, id: KeyId) -> Soon<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        Soon::Now(Ok(self.0.table.load().get(id).cloned()))
    }

    fn degraded(&self) -> Option<&'static str> {
        self.0.broken.load(Ordering::Relaxed).then_some("key file broken, older keys in force")
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKeyStore({}, {} keys)", self.0.path.display(), self.0.table.load().len())
    }
}
