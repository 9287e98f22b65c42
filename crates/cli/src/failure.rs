//! How a command ends when it does not end well.

use std::{error::Error, fmt, process::ExitCode};

use crate::output;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked could not be done: one line, with the reasons behind it.
    Impossible(String),
    /// There are incidents that somebody must look at. They have been told.
    Incidents,
    /// The answer was given and is no. It has been told.
    No,
}

impl Failure {
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self::Impossible(problem.to_string())
    }

    /// Keeps an error and all that caused it, on one line.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            line = format!("{line}: {inner}");
            cause = inner.source();
        }
        Self::Impossible(line)
    }

    /// Tells what went wrong, once.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::Impossible(problem) => {
                output::note(format_args!("error: {problem}"));
                ExitCode::from(2)
            }
            Self::Incidents => ExitCode::from(3),
            Self::No => ExitCode::FAILURE,
        }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::from_error(&error)
    }
}
