//! Why a model did not speak.

use std::fmt;

/// Why a model did not speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Cancelled,
    Empty,
    Model(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("synthesis was cancelled"),
            Self::Empty => f.write_str("the model predicted no sound for the sentence"),
            Self::Model(problem) => f.write_str(problem),
        }
    }
}
