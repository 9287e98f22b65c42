//! Why the server does not start: one line that says what is wrong and what helps.

use std::{fmt, io, path::Path};

use palisade::config::ConfigFileError;

/// Why the server does not start, or ends.
#[derive(Debug)]
pub struct StartError {
    what: String,
    remedy: Option<String>,
}

impl StartError {
    /// Says what is wrong.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: None,
        }
    }

    /// Says what the system refused.
    #[must_use]
    pub fn from_io(what: &str, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"))
    }

    /// Says what is wrong with a file.
    pub(crate) fn at(path: &Path, what: impl fmt::Display) -> Self {
        Self::new(format!("{}: {what}", path.display()))
    }

    /// Says what helps.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever a library's words hold.
        let what = self.what.trim_end_matches('.').replace(['\n', '\r'], " ");
        f.write_str(&what)?;
        match &self.remedy {
            Some(remedy) => write!(f, ". {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ConfigFileError> for StartError {
    fn from(error: ConfigFileError) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_with_the_remedy_at_its_end() {
        let error = StartError::new("two\nlines.").remedy("Do this.");
        assert_eq!(error.to_string(), "two lines. Do this.");
    }
}
