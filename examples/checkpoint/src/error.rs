//! Why a checkpoint was not read.

use std::fmt;

/// Why a checkpoint or an array was not read: one sentence for the person who keeps the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointError(String);

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CheckpointError {}

impl From<String> for CheckpointError {
    fn from(problem: String) -> Self {
        Self(problem)
    }
}

impl From<CheckpointError> for String {
    fn from(error: CheckpointError) -> Self {
        error.0
    }
}
