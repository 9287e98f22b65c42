//! The scheme of keys from the options of a command: prefix and peppers.
//!
//! Used by `palisade key` and `palisade try key`.

use std::path::{Path, PathBuf};

use palisade_api_key::{KeyFormat, KeyScheme, Pepper};

use crate::failure::Failure;

/// Makes a scheme that accepts digests under several peppers.
///
/// # Errors
///
/// A pepper cannot be read or is there twice.
pub(crate) fn scheme_of(
    prefix: KeyFormat,
    pepper: &Path,
    others: &[PathBuf],
) -> Result<KeyScheme, Failure> {
    let mut scheme = KeyScheme::with_format(prefix, Pepper::read_file(pepper)?);
    for other in others {
        let problem = |problem| Failure::new(format_args!("{}: {problem}", other.display()));
        scheme = scheme
            .also_accept(Pepper::read_file(other)?)
            .map_err(problem)?;
    }
    Ok(scheme)
}
