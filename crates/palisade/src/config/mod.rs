//! The whole stack from a TOML file. A mistake in it is told with line, key and remedy.
//!
//! Every section is optional but `hosts`; what is not said keeps its default. Paths are relative to
//! the file. An application may have sections of its own. Each spelling that TOML knows (headers,
//! inline tables, dotted and quoted keys) means the same.
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
mod changes;
#[cfg(feature = "server")]
mod consistency;
mod document;
mod error;
mod front;
mod keys;
mod limits;
mod routes;
mod server;
#[cfg(feature = "server")]
mod server_limits;
mod source;
mod suggest;
mod tokens;

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use palisade_internal::private_file;
use serde::de::DeserializeOwned;

pub use self::{
    assemble::{Assembled, Running},
    error::ConfigFileError,
    server::{CertificateSource, HealthSettings, ServerSettings},
};
use self::{document::Document, source::Source};

/// A configuration that was read; [`assemble`](Self::assemble) makes a stack of it.
///
/// Its `Debug` output names the file alone: values may be secrets, such as a store's password.
pub struct Config {
    document: Document,
    source: Source,
    folder: PathBuf,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("file", &self.source.name())
            .finish_non_exhaustive()
    }
}

/// Two files are equal that say the same, however they spell it.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
            && self.folder == other.folder
            && self.changes(other).is_empty()
    }
}

/// No configuration is longer; a larger file is something else.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a regular file: a pipe in its place would be waited for.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    private_file::read_to_string(&File::open(path)?, MOST_BYTES)
}

/// The sections of Palisade. Others are the application's, and it must name them.
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
        let text = read(path).map_err(|problem| ConfigFileError::unreadable(&name, &problem))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::new(name, text, folder, own)
    }

    /// Reads a text; paths in it are relative to the working directory.
    ///
    /// # Errors
    /// It is no TOML, has a key that is not known, or a value of another type.
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        Self::parse_with(text, &[])
    }

    /// Reads a text that also has sections of the application.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(text: &str, own: &[&str]) -> Result<Self, ConfigFileError> {
        Self::new(
            "configuration".to_owned(),
            text.to_owned(),
            PathBuf::new(),
            own,
        )
    }

    fn new(
        name: String,
        text: String,
        folder: PathBuf,
        own: &[&str],
    ) -> Result<Self, ConfigFileError> {
        let source = Source::parse(name, text)?;
        source.check_sections(own)?;
        Ok(Self {
            document: source.document()?,
            source,
            folder,
        })
    }

    /// Reads a section of the application, a table in any spelling; its default where the file has none.
    ///
    /// # Errors
    /// The section has a key that is not known, or a value of another type.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ConfigFileError> {
        Ok(self.source.section(name)?.unwrap_or_default())
    }

    /// Tells whether the file has a section or a key, named with what it stands in: `["limits"]`,
    /// `["server", "redirect_to"]`.
    #[must_use]
    pub fn has(&self, path: &[&str]) -> bool {
        self.source.has(path)
    }

    /// Makes an error of the application about one of its keys.
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

    /// Returns the hosts that are served, as they are written.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let hosts = self.document.server.hosts.iter();
        hosts.map(|host| host.get_ref().as_str())
    }

    /// Returns `[text] max_graphemes`: the longest text, in characters.
    #[must_use]
    pub fn max_graphemes(&self) -> Option<usize> {
        self.document.text.max_graphemes
    }

    /// Returns `[text] max_body_kib`: the longest body in which fields are looked for.
    #[must_use]
    pub fn max_body_kib(&self) -> Option<usize> {
        self.document.text.max_body_kib
    }

    /// Returns `[text] max_unread_body_kib`: the longest other body.
    #[must_use]
    pub fn max_unread_body_kib(&self) -> Option<usize> {
        self.document.text.max_unread_body_kib
    }
}
