//! Reads a file or a text into a [`Config`], and refuses sections that are unknown.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use palisade_internal::private_file;

use crate::config::{Config, error::ConfigFileError, source::Source};

/// The longest file, in bytes. A larger one is probably not a configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a regular file. A pipe is refused, since reading it could block forever.
///
/// # Errors
///
/// It cannot be read, or is not a regular file.
pub(super) fn read_file(path: &Path) -> io::Result<String> {
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
pub(super) const SECTIONS: [&str; 24] = [
    "audit",
    "client",
    "client_certificates",
    "concurrency",
    "cors",
    "cross_origin",
    "dpop",
    "headers",
    "inspect",
    "introspection",
    "keys",
    "limit_fields",
    "limit_store",
    "limits",
    "load_shedding",
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
}
