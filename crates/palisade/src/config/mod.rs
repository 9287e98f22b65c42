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

#[cfg(feature = "acme")]
mod acme;
mod assemble;
mod changes;
#[cfg(feature = "server")]
mod examine;
#[cfg(feature = "server")]
mod certificate;
#[cfg(feature = "server")]
mod client_auth;
#[cfg(feature = "server")]
mod consistency;
mod audit_sinks;
mod audit_connections;
mod audit_records;
mod audit;
mod audit_settings;
mod key_rotation;
mod late_audit;
mod client_certificates;
mod cors;
mod cross_origin;
mod sessions;
mod inspect;
mod keys;
#[cfg(feature = "redis")]
mod keys_redis;
mod exposed_keys;
mod limits;
mod redis;
mod limit_store;
mod routes;
mod server_section;
mod text_section;
mod trace;
mod default_listeners;
mod server;
mod listen;
#[cfg(feature = "server")]
mod server_limits;
mod tokens;
#[cfg(feature = "jwt")]
mod resource_servers;
#[cfg(feature = "jwt")]
mod proofs;
#[cfg(feature = "jwks-url")]
mod introspection;
#[cfg(feature = "jwt")]
mod token_keys;
#[cfg(feature = "jwt")]
mod token_rules;
#[cfg(any(
    feature = "jwt",
    feature = "otlp",
    feature = "redis",
    feature = "syslog-tls",
    feature = "webhook"
))]
mod secret;
mod secret_table;
mod accessors;
mod numbers;
mod document;
mod source;
mod suggest;
mod error;

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use palisade_internal::private_file;
use serde::de::DeserializeOwned;

#[cfg(feature = "acme")]
pub use self::acme::AcmeSettings;
#[cfg(feature = "server")]
pub use self::examine::{FileContent, FileProblem};
pub use self::{
    assemble::{Assembled, Running},
    error::{ConfigFileError, ConfigFileErrorKind},
    key_rotation::KeyRotation,
    limits::LimitLayers,
    listen::ListenOn,
    secret_table::secret_table,
    server::{CertificateSource, HealthSettings, ServerSettings},
    suggest::nearest as nearest_name,
};
#[cfg(feature = "server")]
pub use self::{
    certificate::{OpenedCertificate, ServerTls},
    listen::open_listeners,
};
use self::{document::Document, source::Source};

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

/// The longest file, in bytes. A larger one is probably not a configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a regular file. A pipe is refused, since reading it could block forever.
///
/// # Errors
///
/// It cannot be read, or is not a regular file.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    private_file::read_to_string(&File::open(path)?, MOST_BYTES)
}

/// Returns the folder of a file, against which paths in it are resolved.
fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// The sections of Palisade. The application must name all others, so that a typo is an error.
const SECTIONS: [&str; 21] = [
    "audit",
    "client",
    "client_certificates",
    "cors",
    "cross_origin",
    "dpop",
    "headers",
    "inspect",
    "introspection",
    "keys",
    "limit_store",
    "limits",
    "redis",
    "resource_servers",
    "revoked_tokens",
    "routes",
    "server",
    "session",
    "text",
    "tokens",
    "trace",
];

impl Config {
    /// Reads a file of at most 1 MiB. It may have the sections of Palisade alone.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not a regular file, or [`parse`](Self::parse) refuses its
    /// text.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigFileError> {
        Self::read_with(path, &[])
    }

    /// Reads a file that also has sections of the application, named in `own`.
    ///
    /// Their content is checked by [`section`](Self::section).
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let file = folder.path().join("palisade.toml");
    /// std::fs::write(&file, "server.hosts = ['speech.example']\nspeech.voices = 3")?;
    ///
    /// let config = Config::read_with(&file, &["speech"])?;
    /// assert!(config.has(&["speech", "voices"]));
    /// assert_eq!(config.path("keys.toml"), folder.path().join("keys.toml"));
    ///
    /// let error = Config::read(&file).unwrap_err();
    /// assert_eq!((error.line(), error.key()), (Some(2), Some("speech")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_with(path: impl AsRef<Path>, own: &[&str]) -> Result<Self, ConfigFileError> {
        let path = path.as_ref();
        let source = Source::read(path)?;
        source.check_sections(own)?;
        Self::new(source, folder_of(path))
    }

    /// Reads a file for a tool that does not know the application of the file.
    ///
    /// Sections that are none of Palisade are accepted and not checked;
    /// [`other_sections`](Self::other_sections) names them. A section whose name is nearly that of a
    /// section of Palisade is an error, since it is probably a misspelled one.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), for the sections of Palisade.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let file = folder.path().join("palisade.toml");
    /// std::fs::write(&file, "server.hosts = ['speech.example']\nspeech.voices = 3")?;
    /// assert_eq!(Config::read_any(&file)?.other_sections(), ["speech"]);
    ///
    /// std::fs::write(&file, "sever.hosts = ['speech.example']")?;
    /// let error = Config::read_any(&file).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `server`?"), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_any(path: impl AsRef<Path>) -> Result<Self, ConfigFileError> {
        let path = path.as_ref();
        let source = Source::read(path)?;
        source.check_misspelled_sections()?;
        Self::new(source, folder_of(path))
    }

    /// Returns the names of the sections that are none of Palisade, in alphabetical order. Those of
    /// the application are among them.
    #[must_use]
    pub fn other_sections(&self) -> Vec<&str> {
        self.source.other_section_names()
    }

    /// Reads a text. Paths in it are relative to the working directory.
    ///
    /// Errors name `configuration` in place of a file.
    ///
    /// # Errors
    ///
    /// The text is not TOML, has an unknown section or key, or a value of another type.
    pub fn parse(text: &str) -> Result<Self, ConfigFileError> {
        Self::parse_with(text, &[])
    }

    /// Reads a text that also has sections of the application, named in `own`.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_with(text: &str, own: &[&str]) -> Result<Self, ConfigFileError> {
        let source = Source::parse("configuration".to_owned(), text.to_owned())?;
        source.check_sections(own)?;
        Self::new(source, PathBuf::new())
    }

    /// Reads the sections of Palisade. Their names are checked already.
    ///
    /// # Errors
    ///
    /// A key is unknown, or has a value of another type.
    fn new(source: Source, folder: PathBuf) -> Result<Self, ConfigFileError> {
        Ok(Self {
            document: source.document()?,
            source,
            folder,
            only_shadow: false,
        })
    }

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
