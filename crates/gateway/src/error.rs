//! Why a gateway does not start.

use std::{error::Error, fmt, path::Path};

use palisade::config::ConfigFileError;

/// Why a gateway does not start, or cannot go on. One line, with the remedy.
///
/// Mistakes in a file begin with file, line and key. It never holds a key, a token or a value of the
/// environment.
#[derive(Debug)]
pub struct GatewayError {
    /// What is wrong.
    problem: String,
    /// What helps. Empty if the problem says it.
    remedy: String,
}

impl GatewayError {
    /// Makes an error without a remedy.
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self {
            problem: problem.to_string(),
            remedy: String::new(),
        }
    }

    /// Makes an error about a file or folder.
    pub(crate) fn at(path: &Path, problem: impl fmt::Display) -> Self {
        Self::new(format_args!("{}: {problem}", path.display()))
    }

    /// Says what helps.
    pub(crate) fn remedy(self, remedy: impl fmt::Display) -> Self {
        Self {
            remedy: remedy.to_string(),
            ..self
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remedy.as_str() {
            "" => f.write_str(&self.problem),
            remedy => write!(f, "{}; {remedy}", self.problem),
        }
    }
}

impl Error for GatewayError {}

impl From<ConfigFileError> for GatewayError {
    fn from(error: ConfigFileError) -> Self {
        Self::new(error)
    }
}
