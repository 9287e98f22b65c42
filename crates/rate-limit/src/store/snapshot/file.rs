//! The file of a snapshot: read at start, and replaced atomically.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use palisade_internal::private_file;

use super::SnapshotStoreBuildError as BuildError;
use crate::store::memory::MOST_BYTES;

/// Group and others may not read or write the file.
const FOR_OTHERS: u32 = 0o077;

/// A snapshot file that may be used.
pub(super) struct SnapshotFile {
    path: PathBuf,
}

impl SnapshotFile {
    /// Reads a file. Returns it with its content, or without if there is none.
    ///
    /// # Errors
    ///
    /// It is no regular file, others may use it, it belongs to somebody else, or it cannot be read.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Vec<u8>>), BuildError> {
        let path = path.to_owned();
        let unreadable = |error: &io::Error| BuildError::Unreadable {
            file: path.clone(),
            kind: error.kind(),
        };
        let content = match private_file::follow_links(&path) {
            Err(error) => return Err(unreadable(&error)),
            Ok(real) => match private_file::open_unlinked(&real) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                // A pipe would block the start.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    return Err(BuildError::NotAFile { file: path });
                }
                Err(error) => return Err(unreadable(&error)),
                Ok(file) => {
                    let others = private_file::others_may(&file, FOR_OTHERS);
                    if others.map_err(|error| unreadable(&error))? {
                        return Err(BuildError::NotPrivate { file: path });
                    }
                    let expected = private_file::has_expected_owner(&file, &real);
                    if !expected.map_err(|error| unreadable(&error))? {
                        return Err(BuildError::ForeignOwner { file: path });
                    }
                    Some(read(&file).map_err(|error| unreadable(&error))?)
                }
            },
        };
        Ok((Self { path }, content))
    }

    /// Keeps what is there under another name, so that an operator can examine it. A former one is replaced.
    pub(super) fn keep_unusable(&self, content: &[u8]) {
        let mut name = self.path.clone().into_os_string();
        name.push(".unusable");
        // Without space for it the service starts nevertheless.
        let _ = private_file::replace(Path::new(&name), content);
    }

    /// Replaces the content.
    ///
    /// # Errors
    ///
    /// Errors of the system. The file is then left as it was.
    pub(super) fn write(&self, content: &[u8]) -> io::Result<()> {
        private_file::replace(&self.path, content)
    }
}

/// Reads at most one byte more than a snapshot can have: a longer file is then damaged.
fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
