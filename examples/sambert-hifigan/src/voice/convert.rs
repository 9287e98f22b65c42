//! Converts a package of a voice to one file.

use std::{io::Write, path::Path};

use crate::{
    load::{ConvertError, LoadError, Parts, find_voices, write_bundle},
    model::Model,
};

/// Writes the (default) voice of a package as one file, which [`Voice::load`](crate::voice::Voice::load) reads.
///
/// Weights keep their precision, but for double precision, which is computed in single; with `half` all are
/// written in half precision. No more than one tensor is in memory while it is written.
///
/// # Errors
///
/// When the voice does not load, a weight does not fit, or the writer fails.
pub fn convert(from: &Path, to: impl Write, half: bool) -> Result<(), ConvertError> {
    let found = find_voices(from)?;
    let none = || LoadError::new(from.display().to_string(), "no voice");
    let first = found.first().ok_or_else(none)?;
    // What would not load is not worth converting.
    Model::assemble(Parts::open(first)?)?;
    write_bundle(Parts::open(first)?, half, to)
}
