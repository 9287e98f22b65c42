//! Errors of the configuration.

use std::fmt;
use std::path::PathBuf;

/// Why rules or a layer cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InspectBuildError {
    /// A folder or a file of rules cannot be used.
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The paranoia level is not 1 to 4.
    Paranoia(u8),
    /// The rules cannot be prepared.
    Rules(String),
}

impl fmt::Display for InspectBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Paranoia(level) => write!(f, "paranoia: {level} is out of range; use 1 to 4"),
            Self::Rules(reason) => write!(f, "the rules cannot be prepared: {reason}"),
        }
    }
}

impl std::error::Error for InspectBuildError {}
