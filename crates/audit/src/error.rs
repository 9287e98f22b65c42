//! Errors of the audit trail.
//!
//! [`AuditBuildError`] is for the operator, before the first request. [`SinkUnavailable`] is for
//! the layer, while requests are served. [`AcknowledgeError`] is for the operator who checks an
//! incident.

use std::{error, fmt, io, path::PathBuf};

/// Why an audit layer, a sink or a key could not be made.
///
/// All of these occur before the first request, so a service that starts has a working trail. The
/// text says what is wrong, names the file or the setting, and says what to do.
///
/// ```
/// use palisade_audit::{AuditBuildError, AuditKey, AuditLayer};
///
/// // A layer without a sink would record nothing.
/// let error = AuditLayer::builder().build().unwrap_err();
/// assert!(matches!(error, AuditBuildError::NoSink));
///
/// // A key has 32 random bytes or more.
/// let error = AuditKey::from_bytes(*b"too short").unwrap_err();
/// assert!(matches!(error, AuditBuildError::WeakKey));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditBuildError {
    /// A setting is out of range. Change it in the builder.
    InvalidSetting {
        /// The method of the builder that sets it.
        setting: &'static str,
        /// What is wrong with the value.
        problem: &'static str,
    },
    /// A key file cannot be read, has other content, or can be read by others.
    KeyFile {
        /// The path of the key file.
        path: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// Another process, or another sink of this process, writes to the file.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A header or parameter is to be recorded as a code, and there is no key for codes.
    NoCorrelationKey,
    /// The random number generator of the operating system failed.
    NoRandomness,
    /// The layer has no sink and would record nothing.
    NoSink,
    /// The operating system could not start a thread.
    NoThread(io::Error),
    /// The trail needs another key: it was written with a different one, or only one of both has a
    /// key.
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// A header or parameter that holds a credential was to be recorded in clear.
    SecretInClear {
        /// The name of the header or parameter.
        field: String,
    },
    /// The file of the trail could not be opened, read or written.
    Storage {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A key is shorter than 32 bytes, or repeats one byte.
    WeakKey,
}

impl fmt::Display for AuditBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSetting { setting, problem } => {
                write!(f, "audit setting `{setting}`: {problem}")
            }
            Self::KeyFile { path, error } => {
                write!(f, "cannot use key file {}: {error}", path.display())
            }
            Self::Locked { path } => write!(
                f,
                "another process writes the audit file {}: stop it, or use another file",
                path.display()
            ),
            Self::NoCorrelationKey => f.write_str(
                "correlate_header and correlate_query need a key: set `correlation_key`",
            ),
            Self::NoRandomness => f.write_str("the operating system gave no random bytes"),
            Self::NoSink => f.write_str("an audit layer needs a sink: add one with `sink`"),
            Self::NoThread(error) => write!(f, "cannot start a thread for an audit sink: {error}"),
            Self::OtherKey { path } => write!(
                f,
                "audit file {} was written with another key: use that key, or move the file away",
                path.display()
            ),
            Self::SecretInClear { field } => write!(
                f,
                "`{field}` holds a credential and is never recorded in clear: correlate it"
            ),
            Self::Storage { path, error } => {
                write!(f, "cannot use audit file {}: {error}", path.display())
            }
            Self::WeakKey => f.write_str("an audit key needs 32 random bytes or more"),
        }
    }
}

// The text names the cause already; with a source it would be printed twice.
impl error::Error for AuditBuildError {}

/// The reason why an incident could not be acknowledged, by [`acknowledge`](crate::acknowledge).
#[derive(Debug)]
#[non_exhaustive]
pub enum AcknowledgeError {
    /// The report has no name of a trail, as it has no good opening record.
    NoTrail,
    /// The finding means that records were altered, removed or forged. That cannot be acknowledged.
    NotAnIncident,
    /// The file with the acknowledgements could not be written. Nothing was acknowledged.
    Storage {
        /// The path of that file: the one of the trail with `.acknowledged` after its name.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

impl fmt::Display for AcknowledgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTrail => f.write_str("the report names no trail: verify one with records"),
            Self::NotAnIncident => {
                f.write_str("only incidents can be acknowledged; altered or removed records cannot")
            }
            Self::Storage { path, error } => {
                write!(f, "cannot write {}: {error}", path.display())
            }
        }
    }
}

// The text names the cause already; with a source it would be printed twice.
impl error::Error for AcknowledgeError {}

/// Why a sink cannot keep a record now.
///
/// A [`Sink`](crate::Sink) returns it. In a fail-closed layer the client then gets 503 Service
/// Unavailable with `Retry-After: 1`, and [`as_str`](Self::as_str) is the private reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SinkUnavailable {
    /// The sink was closed, or its thread has ended. It takes no more records.
    Closed,
    /// The sink cannot write now: the disk is full, or a write failed. It tries again by itself.
    Failing,
    /// The queue of the sink has no space. A larger [`capacity`](crate::FileSinkBuilder::capacity)
    /// helps against short peaks.
    Full,
    /// The sink took longer than its deadline: the disk or the network does not respond.
    TimedOut,
}

impl SinkUnavailable {
    /// Returns a stable text, for the private reason of a refusal.
    ///
    /// ```
    /// assert_eq!(palisade_audit::SinkUnavailable::Full.as_str(), "audit sink full");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "audit sink closed",
            Self::Failing => "audit sink failing",
            Self::Full => "audit sink full",
            Self::TimedOut => "audit sink timed out",
        }
    }
}

impl fmt::Display for SinkUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl error::Error for SinkUnavailable {}

/// What cannot be correlated: the text names no field, or the value of `client` is no address.
///
/// ```
/// use palisade_audit::CorrelatedField;
///
/// assert!("query.user".parse::<CorrelatedField>().is_ok());
/// assert!("user".parse::<CorrelatedField>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidCorrelatedField;

impl fmt::Display for InvalidCorrelatedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "use header.NAME, query.NAME, principal, credential, owner, path, or client with an address as its value",
        )
    }
}

impl error::Error for InvalidCorrelatedField {}
