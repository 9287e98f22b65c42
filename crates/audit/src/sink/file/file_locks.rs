//! The locks of a trail: of its lock file and its data file against other processes, and of its older parts between the
//! threads of this one.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use palisade_internal::private_file;

use crate::trail_files;

/// Held while older parts are deleted or replaced. Clones are the same lock.
#[derive(Clone, Debug, Default)]
pub(super) struct PartsLock(Arc<Mutex<()>>);

impl PartsLock {
    /// Waits for the lock.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many clones there are.
    #[cfg(test)]
    pub(super) fn clones(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

/// Takes the lock file of a trail. `None` if another process has it.
///
/// The system releases the lock when the process ends, also after a crash. The file itself stays: removing it
/// would let a third process lock a new one while the second still waits.
///
/// # Errors
///
/// The path is no regular file, or the lock file cannot be opened. That another process has the
/// lock is `Ok(None)`.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    demand_regular(path)?;
    let file = private_file::options()
        .append(true)
        .create(true)
        .open(trail_files::lock(path))?;
    Ok(take_lock(&file)?.then_some(file))
}

/// Locks the data file itself while it is read.
///
/// Unlike the lock file, it cannot be removed in the meantime, and it is the same under every name
/// of the file. `Ok(None)` if there is no file, `Err(())` if another process has it.
///
/// # Errors
///
/// The path is no regular file, or cannot be opened.
pub(super) fn lock_data(path: &Path) -> io::Result<Result<Option<File>, ()>> {
    demand_regular(path)?;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(None)),
        Err(error) => return Err(error),
    };
    Ok(match take_lock(&file)? {
        true => Ok(Some(file)),
        false => Err(()),
    })
}

/// Tries to lock a file without waiting. Returns false if another process has the lock.
///
/// # Errors
///
/// The file system knows no locks.
pub(super) fn take_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Refuses a path that is not a regular file: opening a FIFO would hang, a device keeps nothing.
///
/// # Errors
///
/// The path is there and no regular file, or cannot be looked at.
pub(super) fn demand_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other(
            "it is no regular file (a folder, FIFO or device): name a file",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
