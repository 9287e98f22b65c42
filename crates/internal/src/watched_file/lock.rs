//! A lock that all processes share: a file beside the one that it protects, since that one is
//! replaced.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::private_file;

/// Waits until no other process changes the file at `path`. The lock is free when the returned
/// file is dropped.
///
/// The lock file belongs to the owner of the file at `path`: a command run as root must not lock
/// the service out.
///
/// # Errors
///
/// Errors of the system. If the lock file may not be opened, the error says what to do.
pub(super) fn acquire(path: &Path) -> io::Result<File> {
    let name = lock_name(path);
    let model = fs::metadata(path)?;
    let file = match private_file::create_new(&name) {
        Ok(file) => {
            // Only root may change the owner; without root the file is the user's own already.
            let _ = private_file::give_to_owner_of(&model, &file);
            file
        }
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {
            open_existing(&name, &model)?
        }
        Err(problem) => return Err(problem),
    };
    file.lock()?;
    Ok(file)
}

/// Opens a lock that another command left, if it is a regular file with one name.
fn open_existing(name: &Path, model: &Metadata) -> io::Result<File> {
    // Asked before it is opened: opening a pipe would wait.
    if !fs::symlink_metadata(name)?.is_file() {
        return Err(not_a_lock(name));
    }
    let opened = private_file::options().write(true).open(name);
    let file = opened.map_err(|problem| match problem.kind() {
        io::ErrorKind::PermissionDenied => io::Error::new(
            problem.kind(),
            format!(
                "the lock {} belongs to another user; give it to the owner of the file (chown), \
                 or remove it while no other command runs",
                name.display()
            ),
        ),
        _ => problem,
    })?;
    if !is_at(&file, name)? {
        return Err(not_a_lock(name));
    }
    // A lock that root left behind goes back to the service.
    let _ = private_file::give_to_owner_of(model, &file);
    Ok(file)
}

/// Returns whether the open file is the one that the name stands for, by that name alone. Root
/// changes its owner, so it must not be a link to another file.
#[cfg(unix)]
fn is_at(file: &File, name: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (open, named) = (file.metadata()?, fs::symlink_metadata(name)?);
    let same = (open.dev(), open.ino()) == (named.dev(), named.ino());
    Ok(same && open.is_file() && open.nlink() <= 1)
}

#[cfg(not(unix))]
fn is_at(file: &File, _: &Path) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// The error for a lock that is a link or has a second name.
fn not_a_lock(name: &Path) -> io::Error {
    let problem = format!(
        "the lock {} is not a regular file of its own; remove it",
        name.display()
    );
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// Returns the name of the file with `.lock` at its end.
fn lock_name(path: &Path) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "one").unwrap();
        let lock = lock_name(&path);
        (folder, path, lock)
    }

    #[test]
    fn a_lock_of_root_belongs_to_the_owner_of_the_file() {
        let (_folder, path, lock) = folder();
        if chown(&path, Some(1000), Some(1000)).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
        drop(acquire(&path).unwrap());
        assert_eq!(fs::metadata(&lock).unwrap().uid(), 1000, "a new one");
        chown(&lock, Some(0), Some(0)).unwrap();
        drop(acquire(&path).unwrap());
        assert_eq!(fs::metadata(&lock).unwrap().uid(), 1000, "one left by root");
    }

    #[test]
    fn a_lock_that_is_a_link_or_has_a_second_name_is_refused() {
        let (folder, path, lock) = folder();
        let other = folder.path().join("other");
        fs::write(&other, "other").unwrap();
        symlink(&other, &lock).unwrap();
        assert!(
            acquire(&path)
                .unwrap_err()
                .to_string()
                .contains("remove it")
        );
        fs::remove_file(&lock).unwrap();
        fs::hard_link(&other, &lock).unwrap();
        assert!(
            acquire(&path)
                .unwrap_err()
                .to_string()
                .contains("remove it")
        );
    }
}
