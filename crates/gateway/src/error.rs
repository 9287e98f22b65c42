//! Why a gateway does not start.
//!
//! Only the start, a reload and the end of a gateway can fail with it. A request that fails gets a
//! refusal with a status and a code instead; those are listed at `Forward`.

use std::{error::Error, fmt, path::Path};

use palisade::config::ConfigFileError;

/// Why a gateway does not start, or cannot go on. One line, with the remedy.
///
/// Mistakes in a file begin with file, line and key. It never holds a key, a token or a value of the
/// environment.
///
/// # Examples
///
/// A command prints it after its name and exits with status 1:
///
/// ```
/// use palisade_gateway::Settings;
///
/// let error = Settings::read("/nowhere/gateway.toml").unwrap_err();
/// assert!(error.to_string().starts_with("/nowhere/gateway.toml: "));
/// ```
///
/// An error of a value names what it may be:
///
/// ```
/// use palisade_gateway::Settings;
///
/// let error = Settings::quick_start("ftp://127.0.0.1:5000").settings().unwrap_err();
/// assert!(error.to_string().contains("http://"), "{error}");
/// ```
///
/// A program decides by its kind:
///
/// ```
/// use palisade_gateway::{GatewayErrorKind, Settings};
///
/// let error = Settings::read("/nowhere/gateway.toml").unwrap_err();
/// assert_eq!(error.kind(), GatewayErrorKind::Configuration);
/// ```
#[derive(Debug)]
pub struct GatewayError {
    /// What failed, for a program that decides by it.
    kind: GatewayErrorKind,
    /// What is wrong.
    problem: String,
    /// What helps. Empty if the problem says it.
    remedy: String,
}

/// What a [`GatewayError`] is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GatewayErrorKind {
    /// The parts of the stack do not fit together.
    Assembly,
    /// The audit trail cannot be closed.
    Audit,
    /// The certificate of the development authority cannot be made or read.
    Certificate,
    /// A value of the configuration or of the command line, or a file that it names.
    Configuration,
    /// A file or folder of the gateway itself cannot be read or written.
    File,
    /// An address cannot be listened on, or a socket failed.
    Listener,
}

impl GatewayError {
    /// Makes an error without a remedy, of the kind [`GatewayErrorKind::Assembly`].
    ///
    /// Use it where the problem already says what to do, or where the error of a library says it.
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self {
            kind: GatewayErrorKind::Assembly,
            problem: problem.to_string(),
            remedy: String::new(),
        }
    }

    /// Sets what it is about.
    pub(crate) fn with_kind(self, kind: GatewayErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Returns what it is about.
    #[must_use]
    pub fn kind(&self) -> GatewayErrorKind {
        self.kind
    }

    /// Makes an error about a file or folder, which begins with its path.
    ///
    /// A reader finds the file first, then the problem: `/etc/gateway.toml: permission denied`.
    pub(crate) fn at_path(path: &Path, problem: impl fmt::Display) -> Self {
        Self::new(format_args!("{}: {problem}", path.display())).with_kind(GatewayErrorKind::File)
    }

    /// Adds what the operator can do, after a semicolon: a command to run or a value to set.
    ///
    /// Without it the problem must say it.
    pub(crate) fn with_remedy(self, remedy: impl fmt::Display) -> Self {
        Self {
            remedy: remedy.to_string(),
            ..self
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remedy.as_str() {
            "" => f.write_str(&self.problem),
            remedy => write!(f, "{}; {remedy}", self.problem),
        }
    }
}

impl Error for GatewayError {}

impl From<ConfigFileError> for GatewayError {
    fn from(error: ConfigFileError) -> Self {
        Self::new(error).with_kind(GatewayErrorKind::Configuration)
    }
}
