//! What is wrong with a trail, and where.

use std::{error, fmt, io, path::PathBuf};

/// Why a trail does not verify.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// A record is bad. Everything before it is good.
    Broken(Finding),
    /// The trail could not be read to its end.
    Io(io::Error),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(finding) => finding.fmt(f),
            Self::Io(_) => f.write_str("cannot read the audit trail"),
        }
    }
}

impl error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Broken(_) => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for VerifyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The first bad record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The file, where files are verified.
    pub file: Option<PathBuf>,
    /// The line in it, from 1; the line after the last where something is missing at the end.
    pub line: u64,
    /// The record that should stand there.
    pub sequence: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        let Self { line, sequence, .. } = self;
        write!(f, "line {line}, record {sequence}: {}", self.reason)
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The record or its hash was changed, or the record before it was replaced.
    Altered,
    /// The trail ends before the record that was anchored.
    CutShort {
        /// The record that was anchored.
        anchored: u64,
    },
    /// The writer found damage before this place and set the damaged file aside.
    DamageSetAside,
    /// It is no record.
    Malformed,
    /// Records are missing before this one.
    Missing {
        /// The number that was found.
        found: u64,
    },
    /// A file does not begin with the record that opens one, or there is none.
    NotOpened,
    /// The trail was written without a key, and one was given.
    NotKeyed,
    /// The trail was written with a key, and none was given.
    NeedsKey,
    /// The trail was written with another key.
    OtherKey,
    /// A file belongs to another trail than the one before it.
    OtherTrail,
    /// The record was there before: a copy, or out of its place.
    Repeated {
        /// The number that was found.
        found: u64,
    },
    /// The anchored record is not the one that was anchored: the trail was written anew.
    Rewritten,
    /// The last line has no end. A running writer may be at it; else it was torn.
    Torn {
        /// Its length so far.
        bytes: u64,
    },
    /// Written by a version that this one does not know.
    UnknownVersion,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("altered"),
            Self::CutShort { anchored } => {
                write!(f, "cut short: the anchor is record {anchored}")
            }
            Self::DamageSetAside => f.write_str("the writer set a damaged file aside before it"),
            Self::Malformed => f.write_str("not a record"),
            Self::Missing { found } => write!(f, "missing: record {found} is next"),
            Self::NotOpened => f.write_str("the file does not begin with an opening record"),
            Self::NotKeyed => f.write_str("written without a key, though one is expected"),
            Self::NeedsKey => f.write_str("written with a key: give it to verify"),
            Self::OtherKey => f.write_str("written with another key"),
            Self::OtherTrail => f.write_str("belongs to another trail"),
            Self::Repeated { found } => write!(f, "repeated: record {found} stands here"),
            Self::Rewritten => f.write_str("not the record that was anchored"),
            Self::Torn { bytes } => write!(f, "torn: the line ends after {bytes} bytes"),
            Self::UnknownVersion => f.write_str("written by an unknown version"),
        }
    }
}
