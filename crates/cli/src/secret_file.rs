//! Files that hold a secret: made for their owner alone, and not read if others may read them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use palisade_core::Secret;

use crate::Failure;

const LARGEST: u64 = 64 * 1024;

/// Reads a secret, without line ends after it. `None` if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Secret>, Failure> {
    let failed = |problem: io::Error| {
        Failure::new(format_args!("cannot read {}: {problem}", path.display()))
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(failed(problem)),
    };
    if others_may_read(&file).map_err(failed)? {
        let problem = "others may read this secret; set its mode to 0600";
        return Err(Failure::new(format_args!("{}: {problem}", path.display())));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    let whole = Secret::new(bytes);
    Ok(Some(Secret::new(whole.expose().trim_ascii_end())))
}

/// Makes a file that must not be there yet.
pub(crate) fn create(path: &Path, secret: &Secret) -> Result<(), Failure> {
    let failed =
        |problem| Failure::new(format_args!("cannot create {}: {problem}", path.display()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    let written = file
        .write_all(secret.expose())
        .and_then(|()| file.sync_all());
    written.map_err(failed)
}

#[cfg(unix)]
fn others_may_read(file: &File) -> io::Result<bool> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
    Ok(mode & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &File) -> io::Result<bool> {
    Ok(false)
}
