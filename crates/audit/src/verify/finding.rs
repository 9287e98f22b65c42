//! What is wrong with a trail, and where.

use std::{error, fmt, io, path::PathBuf};

/// Why a trail could not be verified. What is wrong with its records is in the report.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// The trail could not be read to its end.
    Io(io::Error),
    /// It was written with another key or by another version: it is unknown whether it is intact.
    Unverifiable(Finding),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("cannot read the audit trail"),
            Self::Unverifiable(finding) => write!(f, "cannot verify: {finding}"),
        }
    }
}

impl error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Unverifiable(_) => None,
        }
    }
}

impl From<io::Error> for VerifyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The file, where files are verified.
    pub file: Option<PathBuf>,
    /// The line in it, from 1; the line after the last where something is missing at the end.
    pub line: u64,
    /// The record that should be there, or that tells of the incident.
    pub sequence: u64,
    /// What is wrong with it.
    pub reason: FindingReason,
    /// Who acknowledged the incident.
    pub acknowledged_by: Option<String>,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindingClass {
    /// An incident that was acknowledged with the key of the trail.
    Acknowledged,
    /// Records were altered, removed or forged.
    Broken,
    /// The writer recorded it itself, or it can have an innocent reason. An operator must check.
    Incident,
}

impl Finding {
    /// Returns how serious the finding is.
    #[must_use]
    pub fn class(&self) -> FindingClass {
        match self.reason.is_incident() {
            false => FindingClass::Broken,
            true if self.acknowledged_by.is_some() => FindingClass::Acknowledged,
            true => FindingClass::Incident,
        }
    }
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
pub enum FindingReason {
    /// The record or its hash was changed, or the record before it was replaced.
    Altered,
    /// A checkpoint has another hash for this record: the trail was cut and written anew.
    ContradictsCheckpoint,
    /// The trail ends before a record that was anchored, or that a checkpoint is about.
    CutShort {
        /// That record.
        anchored: u64,
    },
    /// The writer found damage before this place and set the damaged file aside. An incident.
    DamageSetAside,
    /// The file was deleted while it was written; the writer restored what it still had open. An incident.
    FileDeleted,
    /// The file was replaced, cut or written to by another process while it was written. An incident.
    FileReplaced,
    /// Lines in the checkpoint file were not signed with the key. An incident.
    ForgedCheckpoints {
        /// How many.
        lines: u64,
    },
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
    /// Checkpoints are about another trail, whose files are gone.
    OtherTrailGone {
        /// Its last record that a checkpoint is about.
        to: u64,
    },
    /// The record was there before: a copy, or out of its place.
    Repeated {
        /// The number that was found.
        found: u64,
    },
    /// The anchored record is not the one that was anchored: the trail was written anew.
    Rewritten,
    /// Records were gone when the writer started, by its checkpoints. An incident.
    RolledBack {
        /// The first of them.
        from: u64,
        /// The last of them that a checkpoint is about.
        to: u64,
    },
    /// The trail does not begin at record 1, and the writer did not delete what came before. An
    /// incident: the files may be kept elsewhere.
    StartMissing {
        /// The first missing record.
        from: u64,
        /// The last missing record.
        to: u64,
    },
    /// The last line has no end: the process was killed at it. An incident; a start sets it aside.
    Torn {
        /// Its length so far.
        bytes: u64,
    },
    /// The last line of an older part has no end: it was cut.
    TornPart {
        /// Its length.
        bytes: u64,
    },
    /// All files of an earlier trail were gone when the writer started. An incident.
    TrailMissing {
        /// Its last record that a checkpoint is about.
        to: u64,
    },
    /// Written by a version that this one does not know.
    UnknownVersion,
}

impl FindingReason {
    /// Returns whether this is an incident: recorded by the writer itself, or with an innocent reason
    /// that is possible.
    #[must_use]
    pub const fn is_incident(&self) -> bool {
        matches!(
            self,
            Self::DamageSetAside
                | Self::FileDeleted
                | Self::FileReplaced
                | Self::ForgedCheckpoints { .. }
                | Self::RolledBack { .. }
                | Self::StartMissing { .. }
                | Self::Torn { .. }
                | Self::TrailMissing { .. }
        )
    }
}

impl fmt::Display for FindingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("altered"),
            Self::ContradictsCheckpoint => {
                f.write_str("contradicts a checkpoint: the trail was cut and written anew")
            }
            Self::CutShort { anchored } => {
                write!(f, "cut short: record {anchored} was there")
            }
            Self::DamageSetAside => f.write_str("the writer set a damaged file aside before it"),
            Self::FileDeleted => {
                f.write_str("the file was deleted while it was written; its records were restored")
            }
            Self::FileReplaced => f.write_str("the file was replaced or cut while it was written"),
            Self::ForgedCheckpoints { lines } => write!(
                f,
                "{lines} lines of the checkpoint file were not signed with the key"
            ),
            Self::Malformed => f.write_str("not a record"),
            Self::Missing { found } => write!(f, "missing: record {found} is next"),
            Self::NotOpened => f.write_str("the file does not begin with an opening record"),
            Self::NotKeyed => f.write_str("written without a key, though one is expected"),
            Self::NeedsKey => f.write_str("written with a key: give it to verify"),
            Self::OtherKey => f.write_str("written with another key"),
            Self::OtherTrail => f.write_str("belongs to another trail"),
            Self::OtherTrailGone { to } => write!(
                f,
                "checkpoints are about another trail with {to} records, which is gone"
            ),
            Self::Repeated { found } => write!(f, "repeated: record {found} is here again"),
            Self::Rewritten => f.write_str("not the record that was anchored"),
            Self::RolledBack { from, to } => write!(
                f,
                "records {from} to {to} were gone when the writer started"
            ),
            Self::StartMissing { from, to } => write!(
                f,
                "records {from} to {to} are not here: kept elsewhere, or deleted"
            ),
            Self::Torn { bytes } => write!(f, "torn: the line ends after {bytes} bytes"),
            Self::TornPart { bytes } => write!(f, "cut: the line ends after {bytes} bytes"),
            Self::TrailMissing { to } => write!(
                f,
                "an earlier trail with {to} records was gone when the writer started"
            ),
            Self::UnknownVersion => f.write_str("written by an unknown version"),
        }
    }
}
