//! Proofs about a trail that can be checked without the trail.
//!
//! A proof of a *record* shows that it is in the trail that a checkpoint signed. A proof of
//! *consistency* shows that the trail of one checkpoint begins with that of an earlier one: nothing
//! was changed or removed in between. Both are short, whatever the length of the trail: one hash
//! for each doubling.
//!
//! `make` reads the trail, `document` is the form as JSON, and `check` needs only the document and
//! the key of the checkpoints. The hashing is that of RFC 9162 (2.1).

mod check;
mod document;
mod make;

use std::{error, fmt, io};

pub use check::ProvenFact;
pub use make::{prove_consistency, prove_record};
use serde::{Deserialize, Serialize};

use crate::chain::merkle::TreeHash;

/// A proof that one record is in a trail, or that one trail begins with another.
///
/// Made by [`prove_record`] and [`prove_consistency`]. It holds the signed checkpoints that it is about, so that who
/// checks it needs the key of the checkpoints and nothing else.
///
/// # Examples
///
/// ```
/// use palisade_audit::{
///     AuditLayer, CheckpointKey, FileSink, Proof, ProvenFact, VerifyOptions, prove_record,
/// };
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let key = CheckpointKey::generate()?;
/// let public = VerifyOptions::new().checkpoint_key(key.public_key());
/// let sink = FileSink::builder(&path).checkpoint_key(key).open()?;
/// AuditLayer::builder().sink(sink).build()?.handle().close_blocking()?;
///
/// // On the server:
/// let text = prove_record(&path, 1, None, &public)?.to_json();
/// // Anywhere else, with the text and the public key:
/// match Proof::from_json(&text)?.check(&public)? {
///     ProvenFact::Record { number, record, .. } => println!("record {number} is {record}"),
///     _ => unreachable!(),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A proof of consistency, for an auditor who has the checkpoint of last week: nothing before it was changed since.
///
/// ```
/// use palisade_audit::{
///     AuditLayer, CheckpointKey, FileSink, Proof, ProvenFact, VerifyOptions, prove_consistency,
/// };
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let key = CheckpointKey::generate()?;
/// let public = VerifyOptions::new().checkpoint_key(key.public_key());
/// let sink = FileSink::builder(&path).checkpoint_key(key).open()?;
/// AuditLayer::builder().sink(sink).build()?.handle().close_blocking()?;
///
/// // `None`: up to the latest checkpoint. Here the trail has one, so both are the same.
/// # let lines = std::fs::read_to_string(folder.path().join("audit.jsonl.checkpoints"))?;
/// # let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap())?;
/// # let record_of_last_week = last["seq"].as_u64().unwrap();
/// let text = prove_consistency(&path, record_of_last_week, None, &public)?.to_json();
/// assert!(matches!(Proof::from_json(&text)?.check(&public)?, ProvenFact::Consistency { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof(Claim);

/// What a proof claims.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Claim {
    /// The trail of the second checkpoint begins with that of the first.
    #[serde(rename = "consistency_proof")]
    Consistency {
        /// The line of the earlier checkpoint.
        first: String,
        /// The line of the later checkpoint.
        second: String,
        /// The hashes of the proof.
        #[serde(with = "document::digits")]
        path: Vec<TreeHash>,
    },
    /// A record is in the trail of a checkpoint.
    #[serde(rename = "record_proof")]
    Record {
        /// The line of the record.
        line: String,
        /// The line of the checkpoint.
        checkpoint: String,
        /// The hashes of the proof, from the record to the root.
        #[serde(with = "document::digits")]
        path: Vec<TreeHash>,
    },
}

impl Proof {
    /// Returns the lines of the checkpoints that the proof is about: one, or the earlier and the later one.
    ///
    /// A checker who has checkpoints from elsewhere, such as those of a [`Witness`](crate::Witness), looks for them
    /// there: a signature shows who wrote a checkpoint, and not that others were shown the same one.
    pub fn checkpoints(&self) -> impl Iterator<Item = &str> {
        let (one, two) = match &self.0 {
            Claim::Consistency { first, second, .. } => (first, Some(second)),
            Claim::Record { checkpoint, .. } => (checkpoint, None),
        };
        std::iter::once(one).chain(two).map(String::as_str)
    }
}

/// Why a proof could not be made, or does not hold.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProofError {
    /// The trail does not have the records that the checkpoint signed: verify it.
    Contradicted {
        /// The record of the checkpoint.
        checkpoint: u64,
    },
    /// A checkpoint in the proof is not signed with the expected key.
    Forged,
    /// The trail or its checkpoints cannot be read.
    Io(io::Error),
    /// The text is not a proof of this version.
    Malformed,
    /// No checkpoint is about this record or a later one, or none is about exactly the record that was asked for.
    NoCheckpoint {
        /// The number that was asked for.
        record: u64,
    },
    /// The hashes do not lead to the root that was signed: the proof is about other records.
    NotProven,
    /// The two checkpoints are about different trails.
    OtherTrail,
    /// The trail does not have this record: retention deleted it, or it is not written yet.
    RecordMissing {
        /// The number that was asked for.
        record: u64,
    },
}

impl ProofError {
    /// Returns whether a proof was read and does not hold.
    ///
    /// Otherwise nothing was decided: a file could not be read, or is not a proof.
    #[must_use]
    pub const fn is_refutation(&self) -> bool {
        matches!(self, Self::Forged | Self::NotProven | Self::OtherTrail)
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradicted { checkpoint } => write!(
                f,
                "the trail does not have the records of the checkpoint at record {checkpoint}: verify it"
            ),
            Self::Forged => f.write_str("a checkpoint in the proof is not signed with this key"),
            Self::Io(_) => f.write_str("cannot read the audit trail or its checkpoints"),
            Self::Malformed => f.write_str("not a proof of this version"),
            Self::NoCheckpoint { record } => write!(
                f,
                "no checkpoint for record {record}: one is written every 60 seconds, and at a close"
            ),
            Self::NotProven => f.write_str("the hashes do not lead to the root that was signed"),
            Self::OtherTrail => f.write_str("the checkpoints are about different trails"),
            Self::RecordMissing { record } => write!(
                f,
                "record {record} is not in the trail: deleted by retention, or not written yet"
            ),
        }
    }
}

impl error::Error for ProofError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ProofError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
