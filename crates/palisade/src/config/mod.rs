//! The whole stack from a TOML file. What is wrong with it is said with line, key and remedy.
//!
//! Every section is optional but `hosts`; what is not said keeps its default. Paths are relative to
//! the file. An application may have sections of its own.
//!
//! ```
//! use palisade::config::Config;
//!
//! let config = Config::parse(r#"
//!     [server]
//!     hosts = ["notes.example"]
//!
//!     [[limits]]
//!     name = "client"
//!     rate = "60/minute"
//!
//!     [[limits]]
//!     name = "notes"
//!     rate = "10 per fortnight"
//! "#);
//! let problem = config.and_then(|config| config.assemble()).unwrap_err().to_string();
//! assert!(problem.starts_with("configuration:11: limits.rate: "), "{problem}");
//! ```

mod assemble;
mod audit;
mod document;
mod error;
mod front;
mod keys;
mod limits;
mod place;
mod routes;
mod server;
mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

pub use self::{
    assemble::Assembled,
    error::ConfigFileError,
    server::{CertificateSource, ServerSettings},
};
use self::{document::Document, place::Source};

/// A configuration that was read; [`assemble`](Self::assemble) makes a stack of it.
#[derive(Debug)]
pub struct Config {
    document: Document,
    source: Source,
    folder: PathBuf,
}

/// The sections that are ours. Others are the application's, and it must name them.
const SECTIONS: [&str; 10] = [
    "audit", "client", "headers", "keys", "limits", "redis", "routes", "server", "text", "tokens",
];

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not what [`parse`](Self::parse) takes.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigFileError> {
        Self::read_with(path, &[])
    }

    /// Reads a file that also has sections of the application.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with(path: impl AsRef<Path>, own: &[&str]) -> Result<Self, ConfigFileError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|problem| ConfigFileError::unreadable(&name, &problem))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::new(Source::new(name, text), folder, own)
    }

    /// Reads a text; paths in it are relative to the working directory.
    ///
    /// # Errors
    /// It is no TOML, has a key that nobody knows, or a value of another type.
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        let source = Source::new("configuration".to_owned(), text.to_owned());
        Self::new(source, PathBuf::new(), &[])
    }

    fn new(source: Source, folder: PathBuf, own: &[&str]) -> Result<Self, ConfigFileError> {
        let whole: toml::Table = source.read(source.text())?;
        let known = |key: &&String| SECTIONS.contains(&key.as_str()) || own.contains(&key.as_str());
        if let Some(unknown) = whole.keys().find(|key| !known(key)) {
            return Err(source.unknown_section(unknown, own));
        }
        let document = source.read(source.text())?;
        Ok(Self {
            document,
            source,
            folder,
        })
    }

    /// Reads a section of the application, a plain table; its default where the file has none.
    ///
    /// # Errors
    /// The section has a key that nobody knows, or a value of another type.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ConfigFileError> {
        match self.source.only(name) {
            Some(text) => self.source.read(&text),
            None => Ok(T::default()),
        }
    }

    /// Makes an error of the application about one of its own keys.
    #[must_use]
    pub fn complain(
        &self,
        section: &str,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        self.source.complain(section, key, problem, remedy)
    }

    /// Resolves a path of the file.
    #[must_use]
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.folder.join(written)
    }
}
