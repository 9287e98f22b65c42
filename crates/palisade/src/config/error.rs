//! The error of a configuration file.
//!
//! It is made by the functions of `source.rs` alone, so that every error has the same form.

use std::{
    fmt::{self, Write as _},
    io,
};

/// A mistake in a configuration file: where it is, what is wrong, and what to write instead.
///
/// `Display` writes one line, `FILE:LINE: KEY: PROBLEM; REMEDY`, with control characters escaped.
/// Parts that are not known are left out. The line may quote a value of the file.
///
/// # Examples
///
/// ```
/// use palisade::config::Config;
///
/// let error = Config::parse("[server]\nhost = ['a.example']").unwrap_err();
/// assert_eq!(error.line(), Some(2));
/// assert_eq!(error.key(), Some("server.host"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigFileError {
    /// What the mistake is about.
    pub(in crate::config) kind: ConfigFileErrorKind,
    /// The path of the file, or `configuration`.
    pub(in crate::config) file: String,
    /// The line, counted from 1.
    pub(in crate::config) line: Option<usize>,
    /// The path of the key.
    pub(in crate::config) key: Option<String>,
    /// What is wrong.
    pub(in crate::config) problem: String,
    /// What to write instead.
    pub(in crate::config) remedy: String,
}

/// What a [`ConfigFileError`] is about, for programs that decide by it.
///
/// ```
/// use palisade::config::{Config, ConfigFileErrorKind};
///
/// let kind = |text: &str| Config::parse(text).unwrap_err().kind();
/// assert_eq!(kind("[sever]"), ConfigFileErrorKind::UnknownSection);
/// assert_eq!(kind("[server]\nhost = 1"), ConfigFileErrorKind::Syntax);
///
/// let missing = Config::read("/nowhere/palisade.toml").unwrap_err();
/// assert_eq!(missing.kind(), ConfigFileErrorKind::Unreadable);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigFileErrorKind {
    /// A new file differs where a running service cannot change.
    Changed,
    /// The text is not TOML, has an unknown key, or a value of another type.
    Syntax,
    /// A section is unknown.
    UnknownSection,
    /// The file cannot be read.
    Unreadable,
    /// A value cannot be used, or a file that it names; or a key is missing.
    Value,
}

impl ConfigFileError {
    /// Returns what the mistake is about.
    #[must_use]
    pub fn kind(&self) -> ConfigFileErrorKind {
        self.kind
    }

    /// Sets what it is about.
    pub(in crate::config) fn about(self, kind: ConfigFileErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Makes the error about a file that cannot be read.
    pub(in crate::config) fn unreadable(file: &str, problem: &io::Error) -> Self {
        Self {
            kind: ConfigFileErrorKind::Unreadable,
            file: file.to_owned(),
            line: None,
            key: None,
            problem: format!("cannot be read: {problem}"),
            remedy: "name a file that this user may read".to_owned(),
        }
    }

    /// Returns the line of the mistake, counted from 1. `None` if the whole file is meant, or a key
    /// that is missing together with its section.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the path of the key, such as `limits.rate`. `None` if the whole file is meant.
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

/// Writes a text that may quote the file on one line: control characters are escaped.
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
