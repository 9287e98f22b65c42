//! How a command ends if it does not succeed, and its exit code.
//!
//! | code | variant | for a script |
//! |---|---|---|
//! | 0 | none | done, or the result is "yes" |
//! | 1 | [`No`](Failure::No) | the result is "no" and was printed |
//! | 2 | [`Impossible`](Failure::Impossible) | nothing was decided; the reason is on standard error |
//! | 3 | [`Incidents`](Failure::Incidents) | only `audit verify` and `audit report` |

use std::{error::Error, fmt, process::ExitCode};

use crate::output;

/// Why a command failed. `main` prints it and ends with its exit code.
///
/// Every error type converts into it with `?`, as [`Impossible`](Self::Impossible).
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command could not be carried out. One line with all causes, printed by
    /// [`tell`](Self::print_and_exit_code). Exit code 2.
    Impossible(String),
    /// The audit trail has incidents that somebody must check. They were printed already. Exit code
    /// 3.
    Incidents,
    /// The command was carried out, and its result is "no". It was printed already. Exit code 1.
    No,
}

impl Failure {
    /// Makes a failure of a message for the user.
    ///
    /// The message says what is wrong and what to do. It must not contain a secret: it goes to the terminal
    /// and often to a log.
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self::Impossible(problem.to_string())
    }

    /// Makes a failure of an error and all its causes, on one line.
    ///
    /// The causes are joined by `: `, the outermost first: `cannot read keys.toml: permission denied`.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            line = format!("{line}: {inner}");
            cause = inner.source();
        }
        Self::Impossible(line)
    }

    /// Returns the message; empty if it was printed before.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Impossible(problem) => problem,
            Self::Incidents | Self::No => String::new(),
        }
    }

    /// Prints what went wrong, if that was not printed before, and returns the exit code.
    ///
    /// clap uses 2 for wrong arguments as well: for a script both mean that nothing was decided.
    pub(crate) fn print_and_exit_code(self) -> ExitCode {
        match self {
            Self::Impossible(problem) => {
                output::print_note(format_args!("error: {problem}"));
                ExitCode::from(2)
            }
            Self::Incidents => ExitCode::from(3),
            Self::No => ExitCode::FAILURE,
        }
    }
}

impl<E: Error> From<E> for Failure {
    /// With all causes, as [`from_error`](Self::from_error) does.
    fn from(error: E) -> Self {
        Self::from_error(&error)
    }
}
