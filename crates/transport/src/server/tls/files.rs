//! Files of keys and certificates: whole or not at all, and keys for their owner's eyes only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use super::CertificateError;

/// No chain is longer; a larger file is something else.
const MOST: u64 = 256 * 1024;

/// Reads a file that should be small.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let read = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    read.map_err(|source| CertificateError::file(path, source))
}

/// Reads a file, if it is there.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, CertificateError> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(CertificateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes beside the file and moves it into its place, so that no reader sees half of it.
pub(super) fn write(path: &Path, bytes: &[u8], secret: bool) -> Result<(), CertificateError> {
    let beside = path.with_extension("new");
    let written = (|| {
        let _ = fs::remove_file(&beside);
        let mut file = create(&beside, secret)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|source| CertificateError::file(path, source))
}

#[cfg(unix)]
fn create(path: &Path, secret: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let mode = if secret { 0o600 } else { 0o644 };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _secret: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Makes a folder that only its owner may enter, if it is not there.
pub(super) fn make_folder(path: &Path) -> Result<(), CertificateError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|source| CertificateError::file(path, source))
}

/// Tells whether others than the owner may read a file.
#[cfg(unix)]
pub(super) fn is_open(path: &Path) -> Result<bool, CertificateError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path).map_err(|source| CertificateError::file(path, source))?;
    Ok(metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open(_path: &Path) -> Result<bool, CertificateError> {
    Ok(false)
}
