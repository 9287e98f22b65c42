//! Why no certificate could be obtained.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::AcmeSettingError;
use crate::tls::error::CertificateError;

/// The longest text of an authority that is repeated in errors, logs and records, in characters.
const MAX_TEXT: usize = 300;

/// Why no certificate could be obtained.
///
/// `Display` is one line for the operator, with the remedy. It never contains a key. Texts of the
/// authority are shortened to 300 characters, without control characters.
///
/// | kind | who can repair it | what happens next |
/// |---|---|---|
/// | `authority` | mostly no one: limits, an account that was closed | the next attempt, not before `retry_after` |
/// | `cache` | the operator: mode and owner of the folder | no order until it is repaired |
/// | `certificate` | the operator of the authority | the next attempt |
/// | `connection` | no one, or the operator of a firewall | the next attempt |
/// | `random` | the operator of the machine | the next attempt |
/// | `self_check` | the operator: DNS, port, proxy | the authority is not asked; the next attempt |
/// | `setting` | the operator | `build` fails |
/// | `validation` | the operator: DNS, port, proxy | the next attempt, at most four failures an hour |
///
/// # Examples
///
/// ```
/// use palisade_transport::server::Acme;
///
/// # let folder = tempfile::tempdir().unwrap();
/// let error = Acme::builder(["*.tts.example"], folder.path()).accept_terms().build().unwrap_err();
/// assert_eq!(error.kind(), "setting");
/// assert_eq!(error.retry_after(), None);
/// assert!(error.to_string().starts_with("`*.tts.example`: "), "{error}");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AcmeError {
    /// The authority refused a request, for another reason than a failed validation.
    Authority {
        /// The description by the authority.
        problem: Box<str>,
        /// How long it asked to wait, by `Retry-After` (RFC 9110, section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// A file or folder of the cache cannot be used. No order is made then: its certificate could
    /// not be stored, and each restart would order another one.
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The issued certificate cannot be used.
    Certificate(CertificateError),
    /// The authority cannot be reached, or its response is not valid.
    Connection {
        /// What failed.
        problem: Box<str>,
        /// How long the authority asked to wait, by `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The system gives no random bytes.
    NoRandomBytes,
    /// A setting cannot be used.
    Setting(AcmeSettingError),
    /// The server does not respond to a challenge at the address of the name. The authority was
    /// not asked.
    SelfCheck {
        /// The name that was checked.
        name: Box<str>,
        /// What is wrong, and what to do.
        problem: Box<str>,
    },
    /// The authority could not validate a name.
    Validation {
        /// The names that failed, with the description by the authority.
        failed: Vec<(Box<str>, Box<str>)>,
    },
}

impl AcmeError {
    /// An error of a file or folder of the cache.
    pub(super) fn cache(path: &Path, source: io::Error) -> Self {
        Self::Cache {
            path: path.to_owned(),
            source,
        }
    }

    /// Describes a failure of the ACME library. `retry_after` is that of the last response.
    ///
    /// A problem document (RFC 8555, section 6.7) is a refusal. All else is a failed connection.
    pub(super) fn of_request(error: instant_acme::Error, retry_after: Option<Duration>) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Authority {
                problem: shortened(&problem.to_string()),
                retry_after,
            },
            other => Self::Connection {
                problem: shortened(&with_causes(&other)),
                retry_after,
            },
        }
    }

    /// Returns how long the authority asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Authority { retry_after, .. } | Self::Connection { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// Returns the kind of the failure for metric labels, such as `validation`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Authority { .. } => "authority",
            Self::Cache { .. } => "cache",
            Self::Certificate(_) => "certificate",
            Self::Connection { .. } => "connection",
            Self::NoRandomBytes => "random",
            Self::Setting(_) => "setting",
            Self::SelfCheck { .. } => "self_check",
            Self::Validation { .. } => "validation",
        }
    }
}

/// Returns a text of the authority, safe for one line of a log.
///
/// Control characters become spaces, so that no text of the authority adds a line to a log or moves
/// the cursor of a terminal.
pub(super) fn shortened(text: &str) -> Box<str> {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_TEXT).collect::<String>().into()
}

/// Joins an error and its causes on one line, each text once.
///
/// The library wraps the error of the connection, and only the innermost text has the reason.
fn with_causes(error: &dyn error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = inner.source();
    }
    line
}

impl From<AcmeSettingError> for AcmeError {
    fn from(error: AcmeSettingError) -> Self {
        Self::Setting(error)
    }
}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority { problem, .. } => write!(f, "the authority refused: {problem}"),
            Self::Cache { path, source } => write!(
                f,
                "{}: {source}; the cache must be a folder that this process can write to",
                path.display()
            ),
            Self::Certificate(error) => {
                write!(f, "the issued certificate cannot be used: {error}")
            }
            Self::Connection { problem, .. } => {
                write!(f, "the authority cannot be reached: {problem}")
            }
            Self::NoRandomBytes => f.write_str("the system gives no random bytes"),
            Self::Setting(problem) => problem.fmt(f),
            Self::SelfCheck { name, problem } => write!(f, "`{name}`: {problem}"),
            Self::Validation { failed } => {
                f.write_str("the authority could not validate")?;
                for (name, problem) in failed {
                    write!(f, " `{name}`: {problem};")?;
                }
                Ok(())
            }
        }
    }
}

impl error::Error for AcmeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Certificate(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_authority_is_one_short_line() {
        let text = format!("no\r\n\u{1b}[31m{}", "x".repeat(1000));
        let short = shortened(&text);
        assert_eq!(short.chars().count(), MAX_TEXT);
        assert!(!short.contains(['\r', '\n', '\u{1b}']));
    }
}
