//! What can be wrong with a file of keys or a pepper.
//!
//! For operators: the messages name the file, the line and the remedy, never the content.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{super::TableError, KeyFileProblem};

/// The remedy for a user who may not read or write the file.
const NO_PERMISSION: &str =
    "; run this as the owner of the file (sudo -u), or give the file to this user (chown)";

/// What is wrong with a file of keys or a pepper. The message may be logged: it never shows
/// content.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The content is wrong: not TOML, an unknown key, or a value that is out of bounds.
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: KeyFileProblem,
    },
    /// The operating system refused to open, read or write the file.
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `read` or `create`, for example.
        attempt: &'static str,
        /// The reason of the operating system.
        source: io::Error,
    },
    /// The change does not fit the records in the file.
    Table(TableError),
}

impl KeyFileError {
    pub(crate) fn from_io(path: &Path, attempt: &'static str, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            attempt,
            source,
        }
    }

    pub(crate) fn invalid_content(
        path: &Path,
        line: Option<usize>,
        problem: impl Into<KeyFileProblem>,
    ) -> Self {
        Self::Invalid {
            path: path.into(),
            line,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid {
                path,
                line: Some(line),
                problem,
            } => {
                write!(f, "{}, line {line}: {problem}", path.display())
            }
            Self::Invalid {
                path,
                line: None,
                problem,
            } => write!(f, "{}: {problem}", path.display()),
            Self::Io {
                path,
                attempt,
                source,
            } => {
                write!(f, "cannot {attempt} {}: {source}", path.display())?;
                // The bare word of the system; our own errors of this kind name their remedy.
                match source.raw_os_error() {
                    Some(_) if source.kind() == io::ErrorKind::PermissionDenied => {
                        f.write_str(NO_PERMISSION)
                    }
                    _ => Ok(()),
                }
            }
            Self::Table(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for KeyFileError {}

impl From<TableError> for KeyFileError {
    fn from(problem: TableError) -> Self {
        Self::Table(problem)
    }
}
