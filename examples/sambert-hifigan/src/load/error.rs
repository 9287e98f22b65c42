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

    /// Adds what is wrong with another file.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        if self.file == other.file {
            self.problems.extend(other.problems);
        } else {
            let named = |problem| format!("{}: {problem}", other.file);
            self.problems.extend(other.problems.into_iter().map(named));
        }
        self
    }

    /// Names the file, or the directory when a file is missing.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Lists every problem: one a line for missing and misshapen tensors. One of another file names it.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Returns both values, or everything that is wrong with either.
pub(crate) fn both<A, B>(
    one: Result<A, LoadError>,
    other: Result<B, LoadError>,
) -> Result<(A, B), LoadError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(error), Err(more)) => Err(error.and(more)),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problems.join("; "))
    }
}

impl std::error::Error for LoadError {}
