//! The whole stack from a TOML file (feature `config`).
//!
//! Only `hosts` of `[server]` is required; every other key has a default. Paths are relative to
//! the file. An application may have its own sections. All spellings of TOML (headers, inline
//! tables, dotted and quoted keys) mean the same.
//!
//! The steps: [`Config::read`] parses the file, [`Config::assemble`] makes the parts, and
//! [`ShieldBuilder::build`](crate::shield::ShieldBuilder::build) the shield. Each mistake is a
//! [`ConfigFileError`] that names line, key and remedy. Reading starts nothing and opens no other
//! file; assembling opens the files that the configuration names.
//!
//! For a reload without a restart, read the new file, check it with [`Config::refuse_changes`] and
//! pass what is running to [`Config::assemble_with`].
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
mod changes;
#[cfg(feature = "server")]
mod examine;
mod server;
mod browsers;
mod tokens;
mod client_certificates;
mod keys;
mod limits;
mod requests;
mod audit;
mod accessors;
mod read;
mod values;
mod document;
mod source;
mod error;

use std::{fmt, path::PathBuf};

use serde::de::DeserializeOwned;

#[cfg(feature = "acme")]
pub use self::server::AcmeSettings;
pub use self::{
    assemble::{Assembled, Running},
    audit::key_rotation::KeyRotation,
    error::{ConfigFileError, ConfigFileErrorKind},
    limits::LimitLayers,
    server::{CertificateSource, HealthSettings, ListenOn, ServerSettings},
    source::suggest::nearest as nearest_name,
    values::secret_table::secret_table,
};
use self::{document::Document, source::Source};
#[cfg(feature = "server")]
pub use self::{
    examine::{FileContent, FileProblem},
    server::{OpenedCertificate, ServerTls, open_listeners},
};

/// A configuration file that was read. [`assemble`](Self::assemble) makes the parts of the stack.
///
/// Names and types of the keys are checked. Values are checked when they are used, by
/// [`assemble`](Self::assemble) and [`server`](Self::server).
///
/// | to get | call |
/// |---|---|
/// | the stack | [`assemble`](Self::assemble), [`assemble_with`](Self::assemble_with) |
/// | listeners, certificate, health check | [`server`](Self::server) |
/// | the certificate, opened | `open_certificate` |
/// | the certificates of clients | `open_client_auth` |
/// | what decides about tokens, for tools | `token_layer` |
/// | the store of limits of `[redis]` or `[limit_store]` | [`connect_store`](Self::connect_store) |
/// | sections of the application | [`section`](Self::section) |
/// | what a new file changes | [`changes`](Self::changes), [`refuse_changes`](Self::refuse_changes) |
///
/// Its `Debug` output names only the file: values may be secrets, such as the password of a store.
/// Comparing two configurations ignores the spelling; see [`changes`](Self::changes).
pub struct Config {
    /// The sections of Palisade.
    document: Document,
    /// The text, for errors and for the sections of the application.
    source: Source,
    /// The folder of the file, against which paths are resolved.
    folder: PathBuf,
    /// Whether the stack only records what it would refuse.
    only_shadow: bool,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("file", &self.source.name())
            .finish_non_exhaustive()
    }
}

/// Two files are equal if all their values are, in any spelling. The sections of the application
/// count too.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
            && self.folder == other.folder
            && self.changes(other).is_empty()
    }
}

impl Config {
    /// Reads a section of the application, in any spelling. Returns the default of `T` if the file
    /// does not have the section.
    ///
    /// Give `T` the attribute `#[serde(deny_unknown_fields)]`, so that a misspelled key is an
    /// error.
    ///
    /// # Errors
    ///
    /// The section has an unknown key, or a value of another type.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// #[derive(Default, serde::Deserialize)]
    /// #[serde(default, deny_unknown_fields)]
    /// struct Speech {
    ///     voices: u32,
    /// }
    ///
    /// let text = "server.hosts = ['speech.example']\nspeech = { voices = 3 }";
    /// let config = Config::parse_with(text, &["speech"])?;
    /// let speech: Speech = config.section("speech")?;
    /// assert_eq!(speech.voices, 3);
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ConfigFileError> {
        Ok(self.source.section(name)?.unwrap_or_default())
    }

    /// Makes a stack that records what hosts, limits, credentials, rules and text fields would refuse,
    /// and lets it pass. Default: off. Use it only while rolling out.
    ///
    /// No key of a file does this: a file that is copied must not take it along. Requests without TLS
    /// are still refused. See
    /// [`ShieldBuilder::dangerously_only_shadow`](crate::shield::ShieldBuilder::dangerously_only_shadow).
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let text = "server.hosts = ['a.example']\n[[routes]]\npath = '/'\naccess = 'public'";
    /// let shield = Config::parse(text)?.dangerously_only_shadow().assemble()?.shield.build()?;
    /// assert!(shield.warnings().iter().any(|warning| warning.code == "only-shadow"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.only_shadow = true;
        self
    }
}
