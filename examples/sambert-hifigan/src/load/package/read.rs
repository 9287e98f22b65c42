//! Reads the small files of a package.

use std::{fs::File, io::Read, path::Path};

use crate::load::LoadError;

/// No configuration, list or array comes near this; a damaged or foreign file must not fill the memory.
const SIZE_LIMIT: u64 = 64 << 10;

/// A text and the name of its file, for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) file: String,
    pub(crate) content: String,
}

/// Shows a path in an error.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<Text, LoadError> {
    let bytes = read_bytes(path)?;
    let text = String::from_utf8(bytes).map_err(|_| LoadError::new(shown(path), "not UTF-8"))?;
    Ok(Text {
        file: shown(path),
        content: text.trim_start_matches('\u{feff}').to_owned(),
    })
}

/// Reads a text file, if it is there.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Text>, LoadError> {
    path.exists().then(|| read_text(path)).transpose()
}

/// Reads a small binary file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |problem: String| LoadError::new(shown(path), problem);
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
    if !metadata.is_file() || metadata.len() > SIZE_LIMIT {
        return Err(failed(format!(
            "not a file, or one of more than {SIZE_LIMIT} bytes"
        )));
    }
    let mut bytes = Vec::new();
    let read = file.take(SIZE_LIMIT).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}
