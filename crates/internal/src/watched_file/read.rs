//! Reads a file and its stamp, if only its owner may write it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{FileFormat, Options, stamp::Stamp};
use crate::private_file;

/// Reads and parses the file.
pub(super) fn load<F: FileFormat>(
    format: &F,
    path: &Path,
    options: &Options,
) -> Result<(F::Value, Stamp), F::Error> {
    let failed = |problem| format.io_error(path, "read", problem);
    let (text, stamp) = read(path, options.largest).map_err(failed)?;
    Ok((format.read(path, &text)?, stamp))
}

fn read(path: &Path, largest: u64) -> io::Result<(String, Stamp)> {
    // Asked before it is opened: opening a pipe would wait until someone writes into it.
    if !fs::metadata(path)?.is_file() {
        let problem = "this is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let file = File::open(path)?;
    if private_file::others_may(&file, 0o022)? {
        let problem = "others may write this file, and so let themselves in; \
                       set its mode to 0600 (chmod 600)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    // The stamp is taken first: what changes during the read is noticed at the next check.
    let stamp = Stamp::of(&file.metadata()?);
    Ok((private_file::read_to_string(&file, largest)?, stamp))
}
