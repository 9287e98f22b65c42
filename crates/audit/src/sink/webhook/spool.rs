//! The folder in which batches wait for the server.
//!
//! A batch is a file of mode 0600, `<number>-<identifier>.batch`. It is written under another name, synced, and renamed:
//! a file with that name is whole. The lock file ensures that one sink uses the folder. The sum of all files is bounded.

use std::{
    collections::VecDeque,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::SharedClock;
use palisade_internal::{hex, private_file};
use tokio::sync::Notify;

use crate::error::AuditBuildError;

/// The digits of a number in a name. Names sort by number.
const DIGITS: usize = 20;
/// The length of an identifier.
const ID_DIGITS: usize = 32;
/// The longest batch that is read. None is written that is longer.
const MAX_BATCH: u64 = 2 * 1024 * 1024;
/// How often the clock is read during a pause: it may be a test clock.
const TICK: Duration = Duration::from_millis(50);
/// The bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;

/// The batches that wait. Shared by the collector and the sender.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// The most bytes of all batches.
    limit: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// Ends a try of the sender.
    stopped: Notify,
    // Held as long as a thread uses the folder.
    _lock: File,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first.
    batches: VecDeque<StoredBatch>,
    bytes: u64,
    /// The number of the next batch.
    next: u64,
    /// The sink is gone: nothing waits for space any more.
    ending: bool,
    /// Nothing is sent any more.
    stopping: bool,
}

/// A batch in the folder.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct StoredBatch {
    number: u64,
    /// The identifier, the same in each try.
    pub(super) id: String,
    bytes: u64,
}

/// Why a batch is not stored.
#[derive(Debug)]
pub(super) enum NotStored {
    /// There is no space for it.
    Full,
    /// The disk failed.
    Io(io::Error),
}

impl Spool {
    /// Opens a folder with the batches of an earlier process, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::Locked`] if another sink uses it.
    /// - [`AuditBuildError::Storage`] if it cannot be used, or others may write in it.
    pub(super) fn open(folder: PathBuf, limit: u64) -> Result<Self, AuditBuildError> {
        let path = folder.clone();
        let storage = |error| AuditBuildError::Storage {
            path: path.clone(),
            error,
        };
        make_folder(&folder).map_err(storage)?;
        let lock = private_file::options()
            .append(true)
            .create(true)
            .open(folder.join("lock"))
            .map_err(storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditBuildError::Locked { path: folder }),
            Err(TryLockError::Error(error)) => return Err(storage(error)),
        }
        let batches = stored(&folder).map_err(storage)?;
        let state = State {
            bytes: batches.iter().map(|batch| batch.bytes).sum(),
            next: batches
                .back()
                .map_or(1, |last| last.number.saturating_add(1)),
            batches,
            ..State::default()
        };
        Ok(Self {
            folder,
            limit,
            state: Mutex::new(state),
            changed: Condvar::new(),
            stopped: Notify::new(),
            _lock: lock,
        })
    }

    /// Stores a batch. It is safe on the disk afterwards.
    ///
    /// # Errors
    ///
    /// There is no space for it, or the disk fails. Nothing of it is left then.
    pub(super) fn store(&self, body: &[u8]) -> Result<(), NotStored> {
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let number = {
            let state = self.lock();
            if state.bytes.saturating_add(bytes) > self.limit {
                return Err(NotStored::Full);
            }
            state.next
        };
        let mut random = [0; ID_DIGITS / 2];
        getrandom::fill(&mut random).map_err(|_| NotStored::Io(io::ErrorKind::Other.into()))?;
        let batch = StoredBatch {
            number,
            id: hex::encode(&random),
            bytes,
        };
        self.write(&batch, body).map_err(NotStored::Io)?;
        let mut state = self.lock();
        state.next = number.saturating_add(1);
        state.bytes = state.bytes.saturating_add(bytes);
        state.batches.push_back(batch);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn write(&self, batch: &StoredBatch, body: &[u8]) -> io::Result<()> {
        let begun = self.folder.join("next.part");
        let whole = self.path(batch);
        let written = (|| {
            let _ = fs::remove_file(&begun);
            let mut file = private_file::create_new(&begun)?;
            file.write_all(body)?;
            file.sync_all()?;
            fs::rename(&begun, &whole)?;
            private_file::sync_folder(&whole)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&begun);
            let _ = fs::remove_file(&whole);
        }
        written
    }

    /// Waits until a batch was sent. Returns false if the sink is gone.
    pub(super) fn wait_for_space(&self) -> bool {
        let state = self.lock();
        let (before, ending) = (state.bytes, state.ending);
        if ending {
            return false;
        }
        let same = |state: &mut State| state.bytes >= before && !state.ending && before > 0;
        let state = self.changed.wait_while(state, same);
        !state.unwrap_or_else(PoisonError::into_inner).ending
    }

    /// Waits for the oldest batch. `None`: nothing is to be sent any more.
    pub(super) fn wait_for_batch(&self) -> Option<StoredBatch> {
        let none = |state: &mut State| state.batches.is_empty() && !state.stopping;
        let state = self.changed.wait_while(self.lock(), none);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.batches.front().filter(|_| !state.stopping).cloned()
    }

    /// Waits until this time on the monotonic clock. Returns false if nothing is to be sent any more.
    pub(super) fn wait_until(&self, clock: &SharedClock, until: Duration) -> bool {
        let mut state = self.lock();
        while !state.stopping && clock.monotonic() < until {
            let waited = self.changed.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.stopping
    }

    /// Reads a batch.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is longer than a batch can be.
    pub(super) fn read(&self, batch: &StoredBatch) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        let file = File::open(self.path(batch))?;
        if file.take(MAX_BATCH + 1).read_to_end(&mut body)? as u64 > MAX_BATCH {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(body)
    }

    /// Removes a batch.
    ///
    /// # Errors
    ///
    /// The file cannot be removed: it will be sent again after the next start.
    pub(super) fn remove(&self, batch: &StoredBatch) -> io::Result<()> {
        let mut state = self.lock();
        if state.batches.front() == Some(batch) {
            state.batches.pop_front();
            state.bytes = state.bytes.saturating_sub(batch.bytes);
        }
        drop(state);
        self.changed.notify_all();
        let path = self.path(batch);
        fs::remove_file(&path)?;
        private_file::sync_folder(&path)
    }

    /// Returns how many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Tells that the sink is gone.
    pub(super) fn begin_end(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    /// Ends sending. A try under way is given up.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
        self.stopped.notify_one();
    }

    /// Is ready when sending ends.
    pub(super) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    fn path(&self, batch: &StoredBatch) -> PathBuf {
        let StoredBatch { number, id, .. } = batch;
        self.folder.join(format!("{number:0DIGITS$}-{id}.batch"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the folder for its owner alone, and refuses one in which others may write.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !fs::metadata(folder)?.is_dir() {
        return Err(io::Error::other("it is no folder"));
    }
    match private_file::others_may(&File::open(folder)?, OTHERS_WRITE)? {
        true => Err(io::Error::other("others may write in it: chmod 700 it")),
        false => Ok(()),
    }
}

/// Lists the batches of an earlier process, oldest first. What it did not finish is removed.
fn stored(folder: &Path) -> io::Result<VecDeque<StoredBatch>> {
    let _ = fs::remove_file(folder.join("next.part"));
    let mut batches = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some((number, id)) = entry.file_name().to_str().and_then(parts_of_name) {
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                let bytes = metadata.len();
                batches.push(StoredBatch { number, id, bytes });
            }
        }
    }
    batches.sort();
    Ok(batches.into())
}

/// Reads number and identifier of a name.
fn parts_of_name(name: &str) -> Option<(u64, String)> {
    let (number, id) = name.strip_suffix(".batch")?.split_once('-')?;
    let is_id = id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_id && is_number).then_some(())?;
    Some((number.parse().ok()?, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_survive_and_keep_their_order_and_identifiers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let spool = Spool::open(path.clone(), 1 << 20).unwrap();
        for body in [b"one".as_slice(), b"two", b"three"] {
            spool.store(body).unwrap();
        }
        let first = spool.wait_for_batch().unwrap();
        spool.remove(&first).unwrap();
        let second = spool.wait_for_batch().unwrap();
        assert!(matches!(
            Spool::open(path.clone(), 1 << 20),
            Err(AuditBuildError::Locked { .. })
        ));
        drop(spool);
        fs::write(path.join("next.part"), "begun").unwrap();
        fs::write(path.join("note.txt"), "of somebody").unwrap();
        let spool = Spool::open(path.clone(), 1 << 20).unwrap();
        assert_eq!(spool.bytes(), 8);
        assert_eq!(spool.wait_for_batch(), Some(second.clone()));
        assert_eq!(spool.read(&second).unwrap(), b"two");
        spool.store(b"four").unwrap();
        spool.remove(&second).unwrap();
        let third = spool.wait_for_batch().unwrap();
        assert_eq!(spool.read(&third).unwrap(), b"three");
        assert!(!path.join("next.part").exists() && path.join("note.txt").exists());
    }

    #[test]
    fn a_full_spool_takes_nothing_and_a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let spool = Spool::open(path.clone(), 10).unwrap();
        spool.store(b"123456789").unwrap();
        assert!(matches!(spool.store(b"12"), Err(NotStored::Full)));
        spool.store(b"1").unwrap();
        let first = spool.wait_for_batch().unwrap();
        spool.remove(&first).unwrap();
        fs::create_dir(path.join("next.part")).unwrap();
        assert!(matches!(spool.store(b"12"), Err(NotStored::Io(_))));
        assert_eq!(spool.bytes(), 1);
        fs::remove_dir(path.join("next.part")).unwrap();
        spool.store(b"12").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_and_a_folder_of_others_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let spool = Spool::open(path.clone(), 1 << 20).unwrap();
        spool.store(b"one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for entry in fs::read_dir(&path).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        drop(spool);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        let refused = Spool::open(path, 1 << 20).unwrap_err().to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
    }
}
