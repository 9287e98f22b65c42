//! A secret by reference: a file that is read again when it changes, or a variable of the environment.
//!
//! A configuration never holds a secret itself, since it is copied, shown and kept in repositories. A file
//! may be replaced while the gateway runs: the new content is in force within a second. If it cannot be
//! read, the last one stays in force for 15 minutes; then requests that need it are refused with 503.
//!
//! Errors name the file, never its content. They do not repeat the name of a variable: it may be the
//! secret, written in the wrong place.
//!
//! | source | read | when it cannot be read |
//! |---|---|---|
//! | `file` | at the start, and when it changes | the last content for 15 minutes, then 503 |
//! | `environment` | at the start and at a reload | the start or the reload fails |
//!
//! A file should have mode 0600, with a line break at the end or without. The secret is wiped from
//! memory when it is replaced.

use std::{env, fmt, io, path::Path, sync::Arc};

use palisade::{
    config::{ConfigFileError, secret_table},
    core::{Secret, SharedClock},
};
use palisade_internal::watched_file::{FileFormat, Freshness, Options, Report, WatchedFile};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::problem::Place;

/// The longest file of a secret, in bytes.
///
/// Keys and tokens are far shorter. A longer file is most likely the wrong one.
const LONGEST: u64 = 16 * 1024;

/// Where a secret is: one of `file` and `environment`. A configuration never holds one itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SecretSection {
    /// A file whose whole content, without white space around it, is the secret.
    pub(crate) file: Option<Spanned<String>>,
    /// The name of a variable.
    pub(crate) environment: Option<Spanned<String>>,
    /// For a credential: the field that carries it. Default: `Authorization`.
    pub(crate) header: Option<Spanned<String>>,
    /// For a credential: the word before it. Default: `Bearer` in `Authorization`, else none.
    pub(crate) scheme: Option<Spanned<String>>,
}

/// The keys, as they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionKeys {
    file: Option<Spanned<String>>,
    environment: Option<Spanned<String>>,
    header: Option<Spanned<String>>,
    scheme: Option<Spanned<String>>,
}

/// Refuses everything but a table without repeating it: it may be the secret.
impl<'de> Deserialize<'de> for SecretSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys: SectionKeys = secret_table(deserializer)?;
        Ok(Self {
            file: keys.file,
            environment: keys.environment,
            header: keys.header,
            scheme: keys.scheme,
        })
    }
}

/// Where a secret is read from.
#[derive(Clone)]
pub(crate) enum SecretSource {
    /// Fixed until the next reload.
    Environment(Arc<Secret>),
    /// Watched by a thread. Clones share it.
    File(Arc<WatchedFile<Format>>),
}

impl SecretSource {
    /// Reads a secret of at least `least` bytes.
    ///
    /// Neither the secret nor its length is in an error.
    ///
    /// # Errors
    ///
    /// None or both of the keys are there, the file or variable cannot be read, or the secret is too
    /// short.
    pub(super) fn from_section(
        section: &Spanned<SecretSection>,
        least: usize,
        clock: &SharedClock,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let format = Format { least };
        let remedy = "name one `file` (mode 0600) or one variable as `environment`, with the secret alone in it";
        match (&section.get_ref().file, &section.get_ref().environment) {
            (Some(file), None) => {
                let path = place.config().path(file.get_ref());
                let source = format.open(&path, clock.clone());
                source.map_err(|problem| place.invalid_value(file, problem, remedy))
            }
            (None, Some(name)) => {
                let value = read_variable(name.get_ref());
                let value = value.map_err(|problem| place.invalid_value(name, problem, remedy))?;
                let secret = format.parse(&value);
                let secret =
                    secret.map_err(|problem| place.invalid_value(name, problem, remedy))?;
                Ok(Self::Environment(Arc::new(secret)))
            }
            _ => Err(place.invalid_value(section, "the secret has no source, or two", remedy)),
        }
    }

    /// Returns the secret in force. `None`: its file could not be read for too long.
    pub(crate) fn current_secret(&self) -> Option<Arc<Secret>> {
        match self {
            Self::Environment(secret) => Some(Arc::clone(secret)),
            Self::File(file) if file.freshness() == Freshness::Expired => None,
            Self::File(file) => Some(file.value().load_full()),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment(_) => "SecretSource(environment)",
            Self::File(_) => "SecretSource(file)",
        })
    }
}

/// Reads a variable that the configuration names.
///
/// # Errors
///
/// It is not set, or it is no UTF-8.
#[allow(clippy::disallowed_methods)] // The configuration says where the secret is.
fn read_variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| "the variable is not set".to_owned())
}

/// A file with one secret.
///
/// What a watched file is parsed with, each time it changes.
pub(crate) struct Format {
    /// The fewest bytes.
    least: usize,
}

impl Format {
    /// Opens a file and watches it: a change is in force within a second.
    ///
    /// # Errors
    ///
    /// The file cannot be read, its content is no secret, or no thread could be started.
    fn open(self, path: &Path, clock: SharedClock) -> Result<SecretSource, String> {
        let options = Options::new(LONGEST, move || clock.monotonic());
        let file = Arc::new(WatchedFile::open(self, path.to_owned(), options)?);
        file.watch("upstream-secret")?;
        Ok(SecretSource::File(file))
    }

    /// Checks length and characters. The errors do not show the secret.
    ///
    /// Visible ASCII, without white space, so that the value can be sent in a field (RFC 9110 section
    /// 5.5).
    fn parse(&self, text: &str) -> Result<Secret, String> {
        let secret = text.trim();
        if secret.len() < self.least {
            return Err(format!("the secret has fewer than {} bytes", self.least));
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the secret has spaces, control or non-ASCII characters".to_owned());
        }
        Ok(Secret::new(secret))
    }
}

impl FileFormat for Format {
    type Value = Secret;
    type Error = String;

    /// Adds the path to the error.
    fn read(&self, path: &Path, text: &str) -> Result<Secret, String> {
        let secret = self.parse(text);
        secret.map_err(|problem| format!("{}: {problem}", path.display()))
    }

    /// `attempt` is what was tried, such as `open`.
    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> String {
        format!("{}: cannot {attempt} it: {problem}", path.display())
    }

    /// Writes one line to the log for each change of state. The content is never in it.
    fn report(&self, path: &Path, report: Report<'_, Secret, String>) {
        let path = path.display();
        match report {
            Report::Loaded(_) => tracing::info!(%path, "the secret was read again"),
            Report::Kept(problem) => {
                tracing::warn!(%path, %problem, "the secret cannot be read; the last one stays in force");
            }
            Report::Expired(problem) => {
                tracing::error!(%path, %problem, "the secret was not readable for too long; requests that need it are refused");
            }
        }
    }
}
