//! Mistakes in the gateway's own sections, with line, key and remedy.
//!
//! The gateway's own sections are `[[upstreams]]` and the tables below it. All other sections are
//! checked by `palisade::config`, which makes errors of the same form:
//!
//! ```text
//! gateway.toml:12: upstreams.url: `localhost:5000` is no address of an upstream; write "http://HOST:PORT", …
//! ```

use std::fmt;

use palisade::config::{Config, ConfigFileError};
use toml::Spanned;

/// Makes errors about values of a configuration file.
///
/// It is a reference to the parsed file, which knows where each value begins. It is passed to every
/// function that checks a value.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a>(&'a Config);

impl<'a> Place<'a> {
    /// Makes errors about a file.
    ///
    /// The errors begin with the name of the file, or with `configuration` for a text that was not read
    /// from a file.
    pub(crate) const fn in_file_of(config: &'a Config) -> Self {
        Self(config)
    }

    /// Returns the file.
    ///
    /// Needed to resolve relative paths, which begin at the folder of the file.
    pub(crate) const fn config(self) -> &'a Config {
        self.0
    }

    /// Says that a key is missing in a section.
    ///
    /// The line is that of the section, since the key has none.
    pub(crate) fn missing_key(
        self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        self.0.key_error(section, key, problem, remedy)
    }

    /// Reads a key whose value is one of some words, or a text of some form. A missing key is the default.
    ///
    /// # Errors
    ///
    /// `parse` returns `None`. `what` says what the value should be, such as `host`.
    pub(crate) fn read_word<T: Default>(
        self,
        key: Option<&Spanned<String>>,
        parse: impl Fn(&str) -> Option<T>,
        what: &str,
        remedy: &str,
    ) -> Result<T, ConfigFileError> {
        let Some(key) = key else {
            return Ok(T::default());
        };
        let written = key.get_ref();
        let problem = format_args!("`{written}` is no {what}");
        parse(written).ok_or_else(|| self.invalid_value(key, problem, remedy))
    }

    /// Says what is wrong with a value, and what to write instead.
    ///
    /// The line is that of the value. `problem` may repeat the value, so use it only for values that
    /// are no secret.
    pub(crate) fn invalid_value<T>(
        self,
        value: &Spanned<T>,
        problem: impl fmt::Display,
        remedy: &str,
    ) -> ConfigFileError {
        self.0
            .value_error(value.span(), &problem.to_string(), remedy)
    }
}
