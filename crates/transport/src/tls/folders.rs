//! Creates folders for certificates and keys.
//!
//! If root creates a folder, it belongs to the owner of the folder that it is in. Otherwise a command of
//! root would take the folder away from the service.
//!
//! The service may put a link in the place of a new folder. So each folder is created and opened in the
//! one above it, which is open already, and no link is followed.

use std::{fs, io, path::Path};

use crate::tls::error::CertificateError;

/// Creates a folder that only its owner can read, and the missing ones above it.
///
/// The folder may be reached by links, if they belong to root or to the owner of what they lead to.
///
/// # Errors
///
/// It cannot be created, is no folder, or is reached by a link of another user.
pub(super) fn make_folder(path: &Path) -> Result<(), CertificateError> {
    make_with_parents(path).map_err(|source| CertificateError::file(path, source))
}

/// Creates a folder in one that exists. A link in its place is refused.
///
/// # Errors
///
/// It cannot be created, or is a link or no folder.
#[cfg(feature = "acme")]
pub(super) fn make_last_folder(path: &Path) -> Result<(), CertificateError> {
    let parent = open_folder(path.parent().unwrap_or(path));
    let made = parent.and_then(|parent| make_in(&parent, path.file_name().unwrap_or_default()));
    made.map(drop)
        .map_err(|source| CertificateError::file(path, source))
}

/// Refuses what is no folder, such as a link to one.
///
/// # Errors
///
/// It is missing, or is a link or no folder.
#[cfg(feature = "acme")]
pub(super) fn demand_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => Ok(()),
        false => Err(not_a_folder()),
    }
}

/// Creates what is missing, from the last folder that exists.
#[cfg(unix)]
fn make_with_parents(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let is_there = |folder: &&Path| fs::symlink_metadata(folder).is_ok();
    let existing = path.ancestors().find(is_there).unwrap_or(&path);
    let existing_real = palisade_internal::private_file::follow_links(existing)?;
    let mut folder = open_folder(&existing_real)?;
    for part in path.strip_prefix(existing).into_iter().flatten() {
        folder = make_in(&folder, part)?;
    }
    Ok(())
}

/// An open folder.
#[cfg(unix)]
type Folder = fs::File;

/// Opens a folder.
#[cfg(unix)]
fn open_folder(path: &Path) -> io::Result<Folder> {
    use rustix::fs::{Mode, OFlags, open};

    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// Creates a folder in an open one, and opens it.
#[cfg(unix)]
fn make_in(parent: &Folder, name: &std::ffi::OsStr) -> io::Result<Folder> {
    use rustix::{
        fs::{Mode, OFlags, mkdirat, openat},
        io::Errno,
    };

    let is_new = match mkdirat(parent, name, Mode::RWXU) {
        Err(Errno::EXIST) => false,
        made => made.map(|()| true)?,
    };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(not_a_folder()),
        opened => Folder::from(opened?),
    };
    if is_new && is_as_created(&folder)? {
        // Only root may, and only root needs it.
        let _ = palisade_internal::private_file::give_to_owner_of(&parent.metadata()?, &folder);
    }
    Ok(folder)
}

/// Returns whether a folder is empty and belongs to this process. Another user could have put another one
/// in its place since.
#[cfg(unix)]
fn is_as_created(folder: &Folder) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    if Some(folder.metadata()?.uid()) != super::files::own_user() {
        return Ok(false);
    }
    for entry in rustix::fs::Dir::read_from(folder)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The error for a link, or for a file in place of a folder.
fn not_a_folder() -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, "it is a link, or no folder")
}

/// On other systems the permissions of the folder must suffice.
#[cfg(not(unix))]
fn make_with_parents(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The path of a folder.
#[cfg(not(unix))]
type Folder = std::path::PathBuf;

#[cfg(all(not(unix), feature = "acme"))]
fn open_folder(path: &Path) -> io::Result<Folder> {
    Ok(path.to_owned())
}

#[cfg(all(not(unix), feature = "acme"))]
fn make_in(parent: &Folder, name: &std::ffi::OsStr) -> io::Result<Folder> {
    let path = parent.join(name);
    fs::create_dir_all(&path)?;
    demand_folder(&path)?;
    Ok(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};

    use super::*;

    #[test]
    fn new_folders_belong_to_the_owner_of_the_first_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        if chown(folder.path(), Some(65534), Some(65534)).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
        let path = folder.path().join("a/b");
        make_folder(&path).unwrap();
        make_folder(&path).unwrap();
        for folder in [&path, &folder.path().join("a")] {
            let metadata = fs::metadata(folder).unwrap();
            assert_eq!((metadata.uid(), metadata.mode() & 0o777), (65534, 0o700));
        }
    }

    #[test]
    fn a_link_of_the_service_in_place_of_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("etc"), folder.path().join("acme"));
        fs::create_dir(&target).unwrap();
        symlink(&target, &link).unwrap();
        make_folder(&link).unwrap(); // of the user of this test
        assert!(make_last_folder(&link).is_err());
        assert!(demand_folder(&link).is_err());
        assert!(demand_folder(&target).is_ok());
        if lchown(&link, Some(65534), None).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
        assert!(make_folder(&link).is_err());
        assert!(make_folder(&link.join("new")).is_err());
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    }
}
