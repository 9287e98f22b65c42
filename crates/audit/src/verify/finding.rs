//! Findings: one fault or incident in a trail, with its place and its reason.
//!
//! The texts of [`FindingReason`] are part of acknowledgements: an acknowledgement names its
//! incident by record and text.

use std::{error, fmt, io, path::PathBuf};

/// The reason why a verification could not be completed.
///
/// Faults in the records are not errors: they are in the [`VerifyReport`](crate::VerifyReport).
///
/// # Examples
///
/// ```
/// use palisade_audit::{VerifyError, VerifyOptions, verify_file};
///
/// match verify_file("/nowhere/audit.jsonl", &VerifyOptions::new()) {
///     Ok(report) => println!("{} records", report.records),
///     Err(VerifyError::Unverifiable(finding)) => eprintln!("{finding}: give the key of the trail"),
///     Err(error) => eprintln!("{error}"), // here: the file does not exist
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file could not be read to its end, or does not exist.
    Io(io::Error),
    /// The trail was written with another key or by another version: whether it is intact is
    /// unknown.
    ///
    /// The reason is [`NeedsKey`](FindingReason::NeedsKey), [`OtherKey`](FindingReason::OtherKey)
    /// or [`UnknownVersion`](FindingReason::UnknownVersion).
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

/// One fault or incident in a trail. Its `Display` form is one line for an operator.
///
/// # Examples
///
/// ```
/// use palisade_audit::{FindingClass, VerifyOptions, verify};
///
/// // A trail that is empty: its opening record is missing.
/// let report = verify(&b""[..], &VerifyOptions::new())?;
/// let finding = &report.findings[0];
/// assert_eq!(finding.class(), FindingClass::Broken);
/// assert!(finding.to_string().starts_with("line 1, record 1: "), "{finding}");
/// # Ok::<(), palisade_audit::VerifyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The path of the file. `None` from [`verify`](fn@crate::verify), which reads no named file.
    pub file: Option<PathBuf>,
    /// The line in the file, from 1. If something is missing at the end, the line after the last
    /// one.
    pub line: u64,
    /// The number of the record that is expected here, or of the record that reports the incident.
    pub sequence: u64,
    /// What is wrong.
    pub reason: FindingReason,
    /// The name of the operator who acknowledged the incident. `None` if no one did.
    ///
    /// See [`acknowledge`](crate::acknowledge).
    pub acknowledged_by: Option<String>,
}

/// How serious a finding is. From [`Finding::class`].
///
/// | class | outcome | what to do |
/// |---|---|---|
/// | `Acknowledged` | as without it | nothing; it was checked |
/// | `Incident` | [`Incidents`](crate::VerifyOutcome::Incidents) | find out what happened, then [`acknowledge`](crate::acknowledge) it |
/// | `Broken` | [`NotIntact`](crate::VerifyOutcome::NotIntact) | keep the files, and look for who could write them |
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindingClass {
    /// An incident that an operator acknowledged with the key of the trail. It does not affect the
    /// outcome.
    Acknowledged,
    /// Records were altered, removed or forged. It cannot be acknowledged.
    Broken,
    /// The writer recorded it itself, or it can have a harmless reason. An operator must check it.
    Incident,
}

impl Finding {
    /// Returns how serious the finding is. It depends on the reason and on the acknowledgement.
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

/// What is wrong with a record, a file or the trail.
///
/// Reasons marked "An incident" can be acknowledged; see [`is_incident`](Self::is_incident).
///
/// # Examples
///
/// ```
/// use palisade_audit::FindingReason;
///
/// let torn = FindingReason::Torn { bytes: 17 };
/// assert_eq!(torn.to_string(), "torn: the line ends after 17 bytes");
/// assert!(torn.is_incident() && !FindingReason::Altered.is_incident());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindingReason {
    /// The record or its hash was changed, or the record before it was replaced.
    Altered,
    /// A checkpoint has another hash for this record: the trail was cut and written again.
    ContradictsCheckpoint,
    /// The trail ends before a record that an anchor or a checkpoint requires.
    CutShort {
        /// The number of the required record.
        anchored: u64,
    },
    /// The writer found damage before this record and renamed the damaged file. An incident.
    DamageSetAside,
    /// A compressed part cannot be decompressed from the line of the finding on. An incident: the disk may have failed.
    ///
    /// The record after the missing ones follows them by its hash, so nothing else is missing there.
    DamagedPart {
        /// The first record that cannot be read.
        from: u64,
        /// The last one. `None` if no record after it is known, less than `from` if all records were read.
        to: Option<u64>,
    },
    /// The key of the file is not the one that follows that of the file before: segments were removed or cut, by somebody
    /// who has the key of a later one.
    EpochSkipped {
        /// The epoch that the file should have.
        expected: u64,
    },
    /// The file was deleted while it was open. The writer restored its records. An incident.
    FileDeleted,
    /// Another process replaced, cut or wrote to the file while it was open. An incident.
    FileReplaced,
    /// Lines of the checkpoint file have a wrong signature. An incident: the key may have been
    /// changed.
    ForgedCheckpoints {
        /// How many lines.
        lines: u64,
    },
    /// The line is not a record: wrong form, or longer than 64 KiB.
    Malformed,
    /// Records are missing before this one.
    Missing {
        /// The number that was found.
        found: u64,
    },
    /// A file does not begin with an opening record, or has one in another place.
    NotOpened,
    /// The trail was written without a key, although a key is expected.
    NotKeyed,
    /// The trail was written with a key. Give it to
    /// [`VerifyOptions::key`](crate::VerifyOptions::key).
    NeedsKey,
    /// The trail was written with another key.
    OtherKey,
    /// The file belongs to another trail than the file before it.
    OtherTrail,
    /// Checkpoints name another trail, whose files are missing.
    OtherTrailGone {
        /// The number of its last record that a checkpoint names.
        to: u64,
    },
    /// A record has a number that was already used: a copy, or a record in the wrong place.
    Repeated {
        /// The number that was found.
        found: u64,
    },
    /// The record with the number of the anchor has another hash: the trail was written again.
    Rewritten,
    /// Records that checkpoints name were missing when the writer started. An incident.
    RolledBack {
        /// The first missing record.
        from: u64,
        /// The last missing record that a checkpoint names.
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
    /// The last line is incomplete: the process was killed or the power failed. An incident.
    ///
    /// The next start of the writer sets the line aside.
    Torn {
        /// The length of the incomplete line.
        bytes: u64,
    },
    /// The last line of an older part is incomplete: the file was cut.
    TornPart {
        /// The length of the incomplete line.
        bytes: u64,
    },
    /// All files of an earlier trail were missing when the writer started. An incident.
    TrailMissing {
        /// The last record of that trail that a checkpoint names.
        to: u64,
    },
    /// The record has a version or algorithm that this release does not know.
    UnknownVersion,
    /// A record or a checkpoint states another root of the Merkle tree than the records have.
    WrongRoot,
}

impl FindingReason {
    /// Returns whether this is an incident: the writer recorded it itself, or it can have a
    /// harmless reason.
    ///
    /// Everything else means that records were altered, removed or forged.
    #[must_use]
    pub const fn is_incident(&self) -> bool {
        matches!(
            self,
            Self::DamageSetAside
                | Self::DamagedPart { .. }
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
                f.write_str("contradicts a checkpoint: the trail was cut and written again")
            }
            Self::CutShort { anchored } => {
                write!(f, "cut short: record {anchored} was there")
            }
            Self::DamageSetAside => f.write_str("the writer set a damaged file aside before it"),
            Self::DamagedPart { from, to } => match to {
                Some(to) if to < from => f.write_str("damaged behind its last record"),
                Some(to) => write!(
                    f,
                    "damaged from here: records {from} to {to} cannot be read"
                ),
                None => write!(f, "damaged from here: no record from {from} on can be read"),
            },
            Self::EpochSkipped { expected } => write!(
                f,
                "does not follow the file before: epoch {expected} is expected"
            ),
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
            Self::WrongRoot => {
                f.write_str("the records up to it have another Merkle root than is stated")
            }
        }
    }
}
