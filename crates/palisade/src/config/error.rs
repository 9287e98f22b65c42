//! What is wrong with a configuration file.

use std::{
    fmt::{self, Write as _},
    io,
};

/// A mistake in a configuration file: where, what, and what to write instead. One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigFileError {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) key: Option<String>,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl ConfigFileError {
    pub(super) fn unreadable(file: &str, problem: &io::Error) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            key: None,
            problem: format!("cannot be read: {problem}"),
            remedy: "name a file that this user may read".to_owned(),
        }
    }

    /// Returns the line of the mistake, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the key, with its section.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {}", OneLine(key))?;
        }
        write!(f, ": {}; {}", OneLine(&self.problem), self.remedy)
    }
}

/// Writes a text that may quote the file so that it stays on its line: control characters escaped.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() {
                write!(f, "{}", letter.escape_default())
            } else {
                f.write_char(letter)
            }
        })
    }
}

impl std::error::Error for ConfigFileError {}
