//! Files that only their owner may read, written atomically.
//!
//! A file that is replaced keeps its owner, group and mode: a command that runs as root must not
//! take a file away from the service that reads it. Stores of keys and secrets call this module.
//!
//! In a folder that another user may write, [`append_to`], [`open_unlinked`] and [`replace_unlinked`]
//! follow no link. [`replace`] follows those of root, and those that lead to a file of their owner.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

pub use self::{
    links::follow_links,
    shared::{append_to, has_expected_owner, open_unlinked},
};

pub(crate) use self::shared::open_or_create;

mod links;
mod shared;

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
/// and this process may not keep its owner, or if [`follow_links`] refuses a link: the file is then left
/// unchanged.
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
    replace_unlinked(&follow_links(path)?, content)
}

/// Replaces a file as [`replace`] does, but follows no link in the last part of the path: a link is
/// replaced by a file of the owner of the folder.
///
/// # Errors
///
/// Errors of the system, as for [`replace`].
///
/// ```
/// # #[cfg(unix)] {
/// use std::{fs, os::unix::fs::symlink};
/// use palisade_internal::private_file;
///
/// let folder = tempfile::tempdir()?;
/// let (file, link) = (folder.path().join("file"), folder.path().join("link"));
/// fs::write(&file, "one")?;
/// symlink(&file, &link)?;
/// private_file::replace_unlinked(&link, b"two")?;
/// assert_eq!((fs::read(&file)?, fs::read(&link)?), (b"one".into(), b"two".into()));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace_unlinked(path: &Path, content: &[u8]) -> io::Result<()> {
    let before = match fs::symlink_metadata(path) {
        Ok(metadata) => Some(metadata).filter(Metadata::is_file),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
        Err(problem) => return Err(problem),
    };
    let temporary = write_beside(path, content, before.as_ref())?;
    if let Err(problem) = fs::rename(&temporary, path) {
        let _ = fs::remove_file(&temporary);
        return Err(problem);
    }
    sync_folder(path)
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
mod tests;
