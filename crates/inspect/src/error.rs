//! Errors of the configuration.

use std::fmt;
use std::path::PathBuf;

/// Why rules or a layer cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InspectBuildError {
    /// An exclusion has a character that is syntax of rules.
    Exclusion(String),
    /// The name of a field is empty, or a pointer with a wrong escape.
    Field(String),
    /// A folder or a file of rules cannot be used.
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Rules of the layer do not load.
    NotLoaded {
        /// The first of them, with file, line and reason.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// The paranoia level is not 1 to 4.
    Paranoia(u8),
    /// The rules cannot be prepared.
    Rules(String),
}

impl fmt::Display for InspectBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclusion(exclusion) => {
                write!(
                    f,
                    "{exclusion}: quotes, commas and line ends cannot stand in an exclusion"
                )
            }
            Self::Field(field) => {
                write!(
                    f,
                    "`{field}` is no field; use a name or a JSON pointer (RFC 6901)"
                )
            }
            Self::NotLoaded { first, count } => {
                write!(f, "{count} directives do not load; the first is {first}")
            }
            Self::Folder { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Paranoia(level) => write!(f, "paranoia: {level} is out of range; use 1 to 4"),
            Self::Rules(reason) => write!(f, "the rules cannot be prepared: {reason}"),
        }
    }
}

impl std::error::Error for InspectBuildError {}
