//! Reads and writes certificate and key files.
//!
//! Writes are atomic, and only the owner can read keys.
//!
//! A write goes to a new file beside the old one, is flushed, and is renamed over it. A reader sees
//! the old contents or the new, and a crash leaves one of them. Files of keys are created with mode
//! 0600, and never with another one that is changed later.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use palisade_internal::private_file;
use zeroize::Zeroizing;

use crate::tls::error::CertificateError;

/// The largest file that is read, in bytes. No chain is larger.
const MOST: u64 = 256 * 1024;

/// Reads a file that should be small.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    read_at_most(path, MOST)
}

/// Reads the first bytes of a file. What a larger file holds after them is not read.
pub(super) fn read_at_most(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let read = File::open(path).and_then(|file| read_open(file, most));
    read.map_err(|source| CertificateError::file(path, source))
}

/// Reads at most so many bytes.
fn read_open(file: File, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocates once: a vector that grows leaves copies of a key in memory.
    let length = file
        .metadata()
        .map_or(0, |metadata| metadata.len().min(most));
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a small file of the operator. A pipe is refused, since reading it could block for ever.
#[cfg(feature = "acme")]
pub(super) fn read_regular(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if !fs::metadata(path)?.is_file() {
        let problem = "it is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    read_open(File::open(path)?, MOST)
}

/// Reads a file, if it is there.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, CertificateError> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(CertificateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes a temporary file and renames it, so that no reader sees a part of it.
pub(super) fn write(path: &Path, bytes: &[u8], secret: bool) -> Result<(), CertificateError> {
    let written = write_beside(path, bytes, secret).and_then(|beside| {
        fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
    });
    written.map_err(|source| CertificateError::file(path, source))
}

/// Creates a file that must not exist yet.
///
/// If another process created it first, that file is kept and the result is false.
pub(super) fn write_first(
    path: &Path,
    bytes: &[u8],
    secret: bool,
) -> Result<bool, CertificateError> {
    let written = write_beside(path, bytes, secret).and_then(|beside| {
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside)?;
        linked
    });
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(CertificateError::file(path, source)),
    }
}

/// Writes a temporary file in the same folder, and flushes it to the disk.
fn write_beside(path: &Path, bytes: &[u8], secret: bool) -> io::Result<PathBuf> {
    // No one can know the name before, nor put a file in its place.
    let random = getrandom::u64().map_err(|_| io::Error::other("no random bytes"))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{random:016x}.new"));
    let beside = path.with_file_name(name);
    let mut file = create(&beside, secret)?;
    if let Ok(folder) = fs::metadata(folder_of(path)) {
        // Only root may, and only root needs it: the service must be able to read what a command wrote.
        let _ = private_file::give_to_owner_of(&folder, &file);
    }
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&beside)))?;
    Ok(beside)
}

/// Creates a file that must not exist yet. Others may read it unless it is secret.
fn create(path: &Path, secret: bool) -> io::Result<File> {
    if secret {
        return private_file::create_new(path);
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.write(true).create_new(true).open(path)
}

/// Returns the folder that something is in.
fn folder_of(path: &Path) -> &Path {
    let parent = path.parent();
    let named = parent.filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Returns whether others than the owner can access a file.
pub(super) fn is_open(path: &Path) -> Result<bool, CertificateError> {
    let mode = private_file::open_mode(path);
    let mode = mode.map_err(|source| CertificateError::file(path, source))?;
    Ok(mode.is_some())
}

/// Returns the user of this process.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(super) fn own_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Other systems have no numbers of users.
#[cfg(not(unix))]
pub(super) fn own_user() -> Option<u32> {
    None
}
