//! Files that only their owner may read, written atomically.
//!
//! A file that is replaced keeps its owner, group and mode: a command that runs as root must not
//! take a file away from the service that reads it. Stores of keys and secrets call this module.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Reads a file, refusing one of more than `limit` bytes.
///
/// # Errors
///
/// Errors of the system, [`io::ErrorKind::FileTooLarge`], or [`io::ErrorKind::InvalidData`] if the
/// content is not UTF-8.
///
/// ```
/// use std::{fs::File, io::ErrorKind};
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("pepper");
/// private_file::write_new(&path, b"secret")?;
/// assert_eq!(private_file::read_to_string(&File::open(&path)?, 6)?, "secret");
/// let refused = private_file::read_to_string(&File::open(&path)?, 5).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::FileTooLarge);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_to_string(file: &File, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    file.take(limit.saturating_add(1))
        .read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        let problem = format!("the file is larger than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}

/// Returns options that create files with mode 0600.
///
/// The mode of an existing file does not change. Elsewhere than on Unix the options have no mode:
/// the permissions of the folder must suffice.
#[must_use]
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a file with mode 0600 that must not exist yet, and opens it for writing.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`], or another error of the system.
pub fn create_new(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Writes a new file with mode 0600. An existing file is left unchanged and is an error.
///
/// As root, the file is given to the owner of its folder. The content is flushed to disk before the
/// file appears under its name, except on file systems without hard links.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`], or another error of the system.
///
/// ```
/// use std::io::ErrorKind;
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("pepper");
/// private_file::write_new(&path, b"one")?;
/// let refused = private_file::write_new(&path, b"two").unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = write_beside(path, content, None)?;
    // Unlike a rename, a link does not replace what is there.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Err(problem) if problem.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links.
            let mut file = create_new(path)?;
            if let Ok(folder) = fs::metadata(folder_of(path)) {
                let _ = give_to_owner_of(&folder, &file); // As above: only root may.
            }
            write_out(&mut file, content)?;
        }
        linked => linked?,
    }
    sync_folder(path)
}

/// Replaces a file, or creates it with mode 0600. Readers see the old content or the new one, also
/// after a crash.
///
/// Owner, group and mode of the replaced file stay. A symbolic link stays, and the file that it
/// points to is replaced.
///
/// # Errors
///
/// Errors of the system. [`io::ErrorKind::PermissionDenied`] if the file belongs to another user
/// and this process may not keep its owner: the file is then left unchanged.
///
/// ```
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("keys.toml");
/// private_file::replace(&path, b"one")?;
/// private_file::replace(&path, b"two")?;
/// assert_eq!(std::fs::read(&path)?, b"two");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(problem) => return Err(problem),
    };
    let before = match fs::metadata(&target) {
        Ok(metadata) => Some(metadata),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
        Err(problem) => return Err(problem),
    };
    let temporary = write_beside(&target, content, before.as_ref())?;
    if let Err(problem) = fs::rename(&temporary, &target) {
        let _ = fs::remove_file(&temporary);
        return Err(problem);
    }
    sync_folder(&target)
}

/// Gives a file to the owner and group of another one, its model, if they differ.
///
/// # Errors
///
/// Errors of the system: only root may change the owner of a file.
#[cfg(unix)]
pub fn give_to_owner_of(model: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (model.uid(), model.gid()) {
        return Ok(());
    }
    let owner = (now.uid() != model.uid()).then_some(model.uid());
    fchown(file, owner, Some(model.gid()))
}

/// On other systems the permissions of the folder must suffice.
///
/// # Errors
///
/// None here.
#[cfg(not(unix))]
pub fn give_to_owner_of(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a file's folder durable: without this a crash may bring an old file back.
///
/// # Errors
///
/// Errors of the system.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path))?.sync_all()
    } else {
        Ok(())
    }
}

/// Returns whether anyone but the owner may do what `bits` say (`0o077`: anything, `0o022`: write).
///
/// # Errors
///
/// Errors of the system.
#[cfg(unix)]
pub fn others_may(file: &File, bits: u32) -> io::Result<bool> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
    Ok(mode & bits != 0)
}

/// On other systems the permissions of the folder must suffice.
///
/// # Errors
///
/// None here.
#[cfg(not(unix))]
pub fn others_may(_: &File, _: u32) -> io::Result<bool> {
    Ok(false)
}

/// Returns the mode of a file or folder, such as `0o755`, if anyone but the owner may do something with
/// it. `None` if it is private.
///
/// # Errors
///
/// Errors of the system.
///
/// ```
/// use palisade_internal::private_file;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("pepper");
/// private_file::write_new(&path, b"secret")?;
/// assert_eq!(private_file::open_mode(&path)?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
pub fn open_mode(path: &Path) -> io::Result<Option<u32>> {
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?) & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// On other systems the permissions of the folder must suffice.
///
/// # Errors
///
/// None here.
#[cfg(not(unix))]
pub fn open_mode(_: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Returns the folder of a file; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a temporary file in the folder of `path`, since a rename does not cross file systems.
/// Removes it on failure.
fn write_beside(path: &Path, content: &[u8], before: Option<&Metadata>) -> io::Result<PathBuf> {
    let temporary = temporary_name(path)?;
    let mut file = create_new(&temporary)?;
    let written = match before {
        Some(before) => keep_owner_and_mode(before, &file),
        // A new file of a service's folder is the service's. Only root may do this; others need not.
        None => fs::metadata(folder_of(path)).map(|folder| {
            let _ = give_to_owner_of(&folder, &file);
        }),
    };
    match written.and_then(|()| write_out(&mut file, content)) {
        Ok(()) => Ok(temporary),
        Err(problem) => {
            let _ = fs::remove_file(&temporary);
            Err(problem)
        }
    }
}

/// Gives the new file the owner, group and mode of the old one.
fn keep_owner_and_mode(before: &Metadata, file: &File) -> io::Result<()> {
    give_to_owner_of(before, file).map_err(|problem| match problem.kind() {
        io::ErrorKind::PermissionDenied => io::Error::new(
            problem.kind(),
            "it belongs to another user, who could not read it afterwards; \
             run this as its owner (sudo -u) or as root",
        ),
        _ => problem,
    })?;
    file.set_permissions(before.permissions())
}

/// Writes the content and flushes it to disk.
fn write_out(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a random name in the same folder, with a leading dot.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let random = getrandom::u64().map_err(|_| io::Error::other("no random bytes"))?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{random:016x}.new"));
    Ok(path.with_file_name(name))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write_new(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(open_mode(&path).unwrap(), None);
        let again = write_new(&path, b"two").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(open_mode(&path).unwrap(), Some(0o640));
        replace(&path, b"two").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"two".into(), 0o640)
        );
    }

    /// Only root can show this; another user would be refused by `chown` already.
    #[test]
    fn root_does_not_take_a_file_away_from_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "one").unwrap();
        if chown(&path, Some(1000), Some(1000)).is_err() {
            return;
        }
        replace(&path, b"two").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid()), (1000, 1000));

        chown(folder.path(), Some(1000), Some(1000)).unwrap();
        let new = folder.path().join("new");
        write_new(&new, b"one").unwrap();
        assert_eq!(fs::metadata(&new).unwrap().uid(), 1000);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "one").unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
    }
}
