//! Files that hold a secret: made for their owner alone, and not read if others may read them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use palisade_core::Secret;
use palisade_internal::private_file;

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
    if private_file::others_may(&file, 0o077).map_err(failed)? {
        let problem = "others may read this secret; set its mode to 0600";
        return Err(Failure::new(format_args!("{}: {problem}", path.display())));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let whole = Secret::new(bytes);
    if whole.expose().len() as u64 > LARGEST {
        let problem = format!("the file is larger than {LARGEST} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, problem)));
    }
    Ok(Some(Secret::new(whole.expose().trim_ascii_end())))
}

/// Makes a file that must not exist yet. Root makes it for the owner of its folder.
pub(crate) fn create(path: &Path, secret: &Secret) -> Result<(), Failure> {
    private_file::write_new(path, secret.expose()).map_err(|problem| {
        Failure::new(format_args!("cannot create {}: {problem}", path.display()))
    })
}
