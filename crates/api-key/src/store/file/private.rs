//! Files that only their owner may read, written so that they are there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{KeyId, NoEntropy};

/// Opens a file for reading without taking more than `limit` bytes of it.
pub(crate) fn read(file: &File, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    file.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        let problem = format!("the file is larger than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}

/// Makes a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a new file; one that is there already is left alone and is an error.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let temporary = write_beside(path, text)?;
    // Unlike a rename, a link does not replace what is there.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Err(problem) if problem.kind() != io::ErrorKind::AlreadyExists => write_out(path, text)?, // no links here
        linked => linked?,
    }
    sync_folder(path)
}

/// Replaces a file: readers see the old text or the new one, also after a crash.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = write_beside(path, text)?;
    if let Err(problem) = fs::rename(&temporary, path) {
        let _ = fs::remove_file(&temporary);
        return Err(problem);
    }
    sync_folder(path)
}

fn write_beside(path: &Path, text: &str) -> io::Result<PathBuf> {
    let temporary = temporary_name(path)?;
    let written = write_out(&temporary, text);
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

fn write_out(path: &Path, text: &str) -> io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes a name that nobody else uses, in the same folder, since a rename does not cross file systems.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let random = KeyId::random().map_err(|NoEntropy| io::Error::other("no random bytes"))?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{random}.new"));
    Ok(path.with_file_name(name))
}

/// Makes the new name last: without this a crash may bring the old file back.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Tells whether anyone but the owner may do what `bits` say (`0o077`: anything, `0o022`: write).
#[cfg(unix)]
pub(crate) fn others_may(file: &File, bits: u32) -> io::Result<bool> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
    Ok(mode & bits != 0)
}

/// Elsewhere the permissions of the folder must do.
#[cfg(not(unix))]
pub(crate) fn others_may(_: &File, _: u32) -> io::Result<bool> {
    Ok(false)
}
