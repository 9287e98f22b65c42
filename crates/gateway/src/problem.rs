//! Mistakes in the gateway's own sections, with line, key and remedy.

use std::fmt;

use palisade::config::{Config, ConfigFileError};
use toml::Spanned;

/// Makes errors about values of a configuration file.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a>(&'a Config);

impl<'a> Place<'a> {
    /// Makes errors about a file.
    pub(crate) const fn of(config: &'a Config) -> Self {
        Self(config)
    }

    /// Returns the file.
    pub(crate) const fn config(self) -> &'a Config {
        self.0
    }

    /// Says that a key is missing in a section.
    pub(crate) fn missing(
        self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        self.0.complain(section, key, problem, remedy)
    }

    /// Says what is wrong with a value, and what to write instead.
    pub(crate) fn at<T>(
        self,
        value: &Spanned<T>,
        problem: impl fmt::Display,
        remedy: &str,
    ) -> ConfigFileError {
        self.0
            .complain_at(value.span(), &problem.to_string(), remedy)
    }
}
