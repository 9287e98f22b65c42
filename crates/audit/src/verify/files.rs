//! A trail in files: the older parts, oldest first, then the one that is written.

use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use super::{VerifyError, VerifyOptions, VerifyReport, Walk};
use crate::names;

/// Verifies the trail that is written at `path`, with the older parts that lie beside it.
///
/// # Errors
///
/// [`VerifyError::Broken`] names file and line of the first bad record, [`VerifyError::Io`] says
/// that a file is not there or cannot be read.
pub fn verify_file(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
) -> Result<VerifyReport, VerifyError> {
    let path = path.as_ref();
    let mut files = names::parts(path)?;
    // The writer may have been killed between renaming the old part and making the new one.
    if path.exists() || files.is_empty() {
        files.push(path.into());
    }
    let mut walk = Walk::new(options.key.clone(), options.anchor);
    for name in &files {
        read(&mut walk, name)?;
    }
    walk.finish(files.last().map(AsRef::as_ref))
}

/// Lets a walk read one file.
pub(crate) fn read(walk: &mut Walk, name: &Path) -> Result<(), VerifyError> {
    let file = File::open(name)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file").into());
    }
    walk.file(&mut BufReader::with_capacity(64 * 1024, file), Some(name))
}
