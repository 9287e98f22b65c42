//! Opens a file in a folder that another user may write, such as a lock that root and a service share.
//!
//! The other user may put a link, a pipe or a second name of a foreign file in its place. So nothing is
//! followed, and only a file that this process created changes its owner.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::Path,
};

use super::{give_to_owner_of, options};

/// Opens a file for appending, or creates it with mode 0600.
///
/// A new file is given to the owner of `model`, if this process may do that (only root may). The owner of
/// an existing file never changes. `process` is the user of this process, where files of that user are
/// accepted too.
///
/// # Errors
///
/// Errors of the system. [`io::ErrorKind::InvalidInput`] if there is a link, a pipe, a folder, or a file
/// with a second name (a hard link). [`io::ErrorKind::PermissionDenied`] if the file belongs to a user
/// other than root, the owner of `model`, and `process`.
///
/// ```
/// use std::{fs, io::{ErrorKind, Write as _}};
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("lock");
/// let model = fs::metadata(folder.path())?;
/// private_file::append_to(&path, &model, None)?.write_all(b"one")?;
/// fs::hard_link(&path, folder.path().join("second"))?;
/// let refused = private_file::append_to(&path, &model, None).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::InvalidInput);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn append_to(path: &Path, model: &Metadata, process: Option<u32>) -> io::Result<File> {
    let file = open_or_create(path, model)?;
    demand_owner(&file, model, process)?;
    Ok(file)
}

/// As [`append_to`], but of any owner: for a file that is locked, and neither read nor written.
///
/// # Errors
///
/// Errors of the system. [`io::ErrorKind::InvalidInput`] if there is a link, a pipe, a folder, or a file
/// with a second name.
pub(crate) fn open_or_create(path: &Path, model: &Metadata) -> io::Result<File> {
    match options().append(true).create_new(true).open(path) {
        Ok(file) => {
            // Only root may change the owner; without root the file is the user's own already.
            let _ = give_to_owner_of(model, &file);
            Ok(file)
        }
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {
            open_here(path, options().append(true))
        }
        Err(problem) => Err(problem),
    }
}

/// Opens an existing regular file with one name for reading. A link is not followed.
///
/// # Errors
///
/// Errors of the system. [`io::ErrorKind::InvalidInput`] if there is a link, a pipe, a folder, or a file
/// with a second name.
///
/// ```
/// # #[cfg(unix)] {
/// use std::os::unix::fs::symlink;
/// use palisade_internal::private_file;
///
/// let folder = tempfile::tempdir()?;
/// let (file, link) = (folder.path().join("file"), folder.path().join("link"));
/// private_file::write_new(&file, b"text")?;
/// symlink(&file, &link)?;
/// assert!(private_file::open_unlinked(&file).is_ok());
/// assert!(private_file::open_unlinked(&link).is_err());
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open_unlinked(path: &Path) -> io::Result<File> {
    open_here(path, OpenOptions::new().read(true))
}

/// Returns whether an open file belongs to the owner of its folder, or to the user of this process.
///
/// The user is that of a new file in the folder, which is removed again.
///
/// # Errors
///
/// Errors of the system: also if no file can be created in the folder and its owner is another one.
///
/// ```
/// use std::fs::File;
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("state");
/// private_file::write_new(&path, b"text")?;
/// assert!(private_file::has_expected_owner(&File::open(&path)?, &path)?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
pub fn has_expected_owner(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let owner = file.metadata()?.uid();
    if owner == fs::metadata(super::folder_of(path))?.uid() {
        return Ok(true);
    }
    let temporary = super::temporary_name(path)?;
    let own = super::create_new(&temporary)?.metadata();
    fs::remove_file(&temporary)?;
    Ok(owner == own?.uid())
}

/// On other systems the permissions of the folder must suffice.
///
/// # Errors
///
/// None here.
#[cfg(not(unix))]
pub fn has_expected_owner(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Opens what has this name, and refuses everything but a regular file with this name alone.
fn open_here(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Asked before it is opened too: opening a device may do something.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(not_a_file(path));
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    match is_at(&file, path)? {
        true => Ok(file),
        false => Err(not_a_file(path)),
    }
}

/// Returns whether the open file is the one that the name stands for, by that name alone.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (open, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    let same = (open.dev(), open.ino()) == (named.dev(), named.ino());
    // Both counts: a name could have been removed and made again in between.
    Ok(same && open.is_file() && open.nlink() <= 1 && named.nlink() <= 1)
}

#[cfg(not(unix))]
fn is_at(file: &File, _: &Path) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// Refuses a file of a user who has nothing to do with it.
#[cfg(unix)]
fn demand_owner(file: &File, model: &Metadata, process: Option<u32>) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let owner = file.metadata()?.uid();
    if owner == 0 || owner == model.uid() || Some(owner) == process {
        return Ok(());
    }
    let problem = format!("it belongs to user {owner}, who does not own what it is for; remove it");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

#[cfg(not(unix))]
fn demand_owner(_: &File, _: &Metadata, _: Option<u32>) -> io::Result<()> {
    Ok(())
}

/// The error for a link, a pipe, or a file with a second name.
fn not_a_file(path: &Path) -> io::Error {
    let problem = format!(
        "{} is not a regular file of its own (a link, or a file with a second name); remove it",
        path.display()
    );
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        os::unix::fs::{MetadataExt, chown, symlink},
        path::PathBuf,
    };

    use super::*;

    /// The user of a service.
    const SERVICE: u32 = 65534;

    /// A folder of the service, and a file that is not the service's.
    fn folders() -> Option<(tempfile::TempDir, PathBuf, Metadata)> {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("service");
        fs::create_dir(&service).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "root:x").unwrap();
        if chown(&service, Some(SERVICE), Some(SERVICE)).is_err() {
            eprintln!("skipped: only root can show this");
            return None;
        }
        let model = fs::metadata(&service).unwrap();
        Some((folder, secret, model))
    }

    #[test]
    fn root_gives_the_service_what_it_created_and_nothing_else() {
        let Some((folder, _, model)) = folders() else {
            return;
        };
        let path = folder.path().join("service/lock");
        append_to(&path, &model, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), SERVICE);
        chown(&path, Some(0), Some(0)).unwrap();
        append_to(&path, &model, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), 0, "it was there before");
        chown(&path, Some(4242), None).unwrap();
        let refused = append_to(&path, &model, None).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(append_to(&path, &model, Some(4242)).is_ok());
    }

    #[test]
    fn a_file_of_neither_this_user_nor_the_folders_owner_is_found() {
        let Some((folder, _, _)) = folders() else {
            return;
        };
        let path = folder.path().join("service/state");
        fs::write(&path, "text").unwrap();
        let file = File::open(&path).unwrap();
        let expected = || has_expected_owner(&file, &path).unwrap();
        assert!(expected(), "of this user");
        chown(&path, Some(SERVICE), None).unwrap();
        assert!(expected(), "of the folder's owner");
        chown(&path, Some(4242), None).unwrap();
        assert!(!expected());
        assert_eq!(
            fs::read_dir(folder.path().join("service")).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_planted_link_changes_neither_owner_nor_content_of_its_target() {
        let Some((folder, secret, model)) = folders() else {
            return;
        };
        let path = folder.path().join("service/lock");
        let missing = folder.path().join("missing");
        for target in [&secret, &missing] {
            symlink(target, &path).unwrap();
            let refused = append_to(&path, &model, None).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
            assert!(open_unlinked(&path).is_err());
            fs::remove_file(&path).unwrap();
        }
        fs::hard_link(&secret, &path).unwrap();
        assert!(append_to(&path, &model, None).is_err(), "a second name");
        assert!(open_unlinked(&path).is_err());
        assert_eq!(fs::metadata(&secret).unwrap().uid(), 0);
        assert!(!missing.exists());
    }

    #[test]
    fn a_pipe_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let model = fs::metadata(folder.path()).unwrap();
        assert!(append_to(&path, &model, None).is_err());
        assert!(open_unlinked(&path).is_err());
    }
}
