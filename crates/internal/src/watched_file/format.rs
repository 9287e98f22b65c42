//! What a watched file holds: how it is parsed, and how changes are reported.

use std::{fmt, io, path::Path};

/// How the content of a file is parsed, and how changes are reported.
pub trait FileFormat: Send + Sync + 'static {
    /// The parsed content, as it is kept in memory.
    type Value: Send + Sync + 'static;
    /// What can be wrong with the file. Its `Display` distinguishes problems, for reporting each
    /// once.
    type Error: fmt::Display;

    /// Parses the content.
    ///
    /// # Errors
    ///
    /// What is wrong with the content.
    fn read(&self, path: &Path, text: &str) -> Result<Self::Value, Self::Error>;

    /// Wraps an error of the system. `attempt` is `read`, `write` or `watch`.
    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> Self::Error;

    /// Copies what the file does not contain, such as counters, from the previous value. Default:
    /// copies nothing.
    fn carry_over(&self, value: Self::Value, before: &Self::Value) -> Self::Value {
        let _ = before;
        value
    }

    /// Reports to the operator what happened. Called by whichever thread checks the file, never by
    /// a request.
    fn report(&self, path: &Path, report: Report<'_, Self::Value, Self::Error>);
}

/// What happened to a file.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // Within Palisade: who reports must know every case.
pub enum Report<'a, V, E> {
    /// The previous state is too old and no longer in force. Reported once for each outage.
    Expired(&'a E),
    /// The new state cannot be read; the previous one stays in force. Reported once for each
    /// problem.
    Kept(&'a E),
    /// A new state is in force.
    Loaded(&'a V),
}
