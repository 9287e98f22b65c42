//! Why a voice could not be loaded.

use std::fmt;

/// A voice that could not be loaded: which file, and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    file: String,
    problems: Vec<String>,
}

impl LoadError {
    pub(crate) fn new(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            problems: vec![problem.into()],
        }
    }

    pub(crate) fn many(file: impl Into<String>, problems: Vec<String>) -> Self {
        Self {
            file: file.into(),
            problems,
        }
    }

    /// Names the file, or the directory when a file is missing.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Lists every problem: one a line for missing and misshapen tensors.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problems.join("; "))
    }
}

impl std::error::Error for LoadError {}
