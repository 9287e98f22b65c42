//! A lock that all processes share: a file beside the one that it protects, since that one is
//! replaced.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::private_file;

/// Waits until no other process changes the file at `path`. The lock is free when the returned
/// file is dropped.
///
/// A new lock file is given to the owner of the file at `path`: a command run as root must not lock the
/// service out. The owner of an existing one never changes.
///
/// # Errors
///
/// Errors of the system. If the lock file may not be opened, the error says what to do.
pub(super) fn acquire(path: &Path) -> io::Result<File> {
    let name = lock_name(path);
    let opened = private_file::open_or_create(&name, &fs::metadata(path)?);
    let file = opened.map_err(|problem| explain(&name, problem))?;
    file.lock()?;
    Ok(file)
}

/// Says what to do about a lock that may not be used.
fn explain(name: &Path, problem: io::Error) -> io::Error {
    if problem.kind() != io::ErrorKind::PermissionDenied {
        return problem;
    }
    let text = format!(
        "the lock {} belongs to another user; give it to the owner of the file (chown), \
         or remove it while no other command runs",
        name.display()
    );
    io::Error::new(problem.kind(), text)
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
        assert_eq!(fs::metadata(&lock).unwrap().uid(), 0, "one that was there");
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
