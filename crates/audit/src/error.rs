//! What can go wrong: while building (told to the operator) and while serving (told to the layer).

use std::{error, fmt, io, path::PathBuf};

/// Why an audit trail could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditError {
    /// A key file could not be used.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// Another writer has the file.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A value is to be correlated, and there is no key for it.
    NoCorrelationKey,
    /// The system gives no random bytes.
    NoRandomness,
    /// A layer without a sink would record nothing.
    NoSink,
    /// The file could not be opened, read or written.
    Storage {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A setting is outside of what makes sense.
    Setting(&'static str),
    /// The trail was written with another key, or with none, or with one and none was given.
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// A key is shorter than 32 bytes, or one byte over and over.
    WeakKey,
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFile { path, error } => {
                write!(f, "cannot use key file {}: {error}", path.display())
            }
            Self::Locked { path } => {
                write!(
                    f,
                    "another process writes the audit file {}",
                    path.display()
                )
            }
            Self::NoCorrelationKey => f.write_str("correlated fields need `correlation_key`"),
            Self::NoRandomness => f.write_str("the system gives no random bytes"),
            Self::NoSink => f.write_str("an audit layer needs at least one sink"),
            Self::Storage { path, error } => {
                write!(f, "cannot use audit file {}: {error}", path.display())
            }
            Self::Setting(what) => f.write_str(what),
            Self::OtherKey { path } => write!(
                f,
                "audit file {} was written with another key: give that key, or move the file away",
                path.display()
            ),
            Self::WeakKey => f.write_str("an audit key needs 32 random bytes or more"),
        }
    }
}

// The text names the cause already; a source would make it be printed twice.
impl error::Error for AuditError {}

/// A sink cannot promise that a record is kept. What a fail-closed layer hears, it answers with 503.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unavailable {
    /// It was closed.
    Closed,
    /// It does not work at present.
    Failing,
    /// It has more to do than it may keep in memory.
    Full,
    /// It took too long.
    TimedOut,
}

impl Unavailable {
    /// Returns a stable name, for the private reason of a refusal.
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

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl error::Error for Unavailable {}
