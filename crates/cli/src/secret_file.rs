//! Files that hold a secret. They are created for their owner alone (mode 0600), and refused if
//! other users may read them.
//!
//! Used for signing keys, checkpoint keys and the key of `palisade check`. Peppers and audit keys
//! have readers of their own in their crates, with the same rules.
//!
//! On systems without modes of Unix the rights of a file are not checked.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use palisade_core::Secret;
use palisade_internal::private_file;

use crate::failure::Failure;

/// The largest file that is read, in bytes. Keys are far shorter.
///
/// A wrong path, such as that of a log, is then refused and not read into memory.
const LARGEST: u64 = 64 * 1024;

/// Reads a secret, without white space at its end. Returns `None` if there is no file.
///
/// White space at the end is removed because editors and `echo` add a line feed. White space at the
/// beginning is kept: it may belong to the secret.
///
/// The rights are those of the open file, not of its path, so that a file cannot be exchanged
/// between the two steps.
///
/// # Errors
///
/// The file cannot be read, other users may read it, or it is longer than [`LARGEST`].
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

/// Creates a file, and fails if it exists. If root runs the command, the file belongs to the owner
/// of its folder.
///
/// An existing file is never replaced: it may be the only copy of a key that is in use. The mode is set
/// when the file is created, not afterwards, so that no other user can open it in between.
///
/// # Errors
///
/// Fails if the file exists, its folder does not, or the disk is full. The message names the file
/// and never the secret.
pub(crate) fn create_secret(path: &Path, secret: &Secret) -> Result<(), Failure> {
    private_file::write_new(path, secret.expose()).map_err(|problem| {
        Failure::new(format_args!("cannot create {}: {problem}", path.display()))
    })
}
