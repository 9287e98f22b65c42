//! Checks a proof with nothing but its document and the key of the checkpoints.

use super::{Claim, Proof, ProofError};
use crate::{
    chain::{
        Checkpoint, CheckpointLine, Line,
        merkle::{TreeHash, is_consistent, root_of_inclusion},
    },
    verify::VerifyOptions,
};

/// What a proof has shown, from [`Proof::check`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProvenFact {
    /// The first `second` records of the trail begin with the first `first` ones, unchanged.
    Consistency {
        /// The name of the trail.
        trail: String,
        /// The number of records of the earlier checkpoint.
        first: u64,
        /// The number of records of the later checkpoint.
        second: u64,
    },
    /// The record is in the trail.
    Record {
        /// The name of the trail.
        trail: String,
        /// The number of the record.
        number: u64,
        /// The number of records that the checkpoint is about.
        of: u64,
        /// The record as JSON, without its chain hash. Only a holder of the key of the trail can check that one.
        record: String,
    },
}

impl Proof {
    /// Checks the proof with the key of the checkpoints. The other options are not used.
    ///
    /// A proof shows as much as its checkpoints: with an Ed25519 key, that the holder of the private key wrote this
    /// record; without any key, nothing about an attacker.
    ///
    /// # Errors
    ///
    /// - [`ProofError::Forged`] if a checkpoint is not signed with this key.
    /// - [`ProofError::NotProven`] if the hashes do not lead to the signed root.
    /// - [`ProofError::OtherTrail`] if the two checkpoints are about different trails.
    /// - [`ProofError::Malformed`] if a line in it is no record or no checkpoint.
    pub fn check(&self, options: &VerifyOptions) -> Result<ProvenFact, ProofError> {
        match &self.0 {
            Claim::Consistency {
                first,
                second,
                path,
            } => consistency(&signed(first, options)?, signed(second, options)?, path),
            Claim::Record {
                line,
                checkpoint,
                path,
            } => record(line, signed(checkpoint, options)?, path),
        }
    }
}

/// Returns a checkpoint whose signature is right.
///
/// # Errors
///
/// [`ProofError::Forged`] if the signature is wrong, [`ProofError::Malformed`] if it is no
/// checkpoint.
fn signed(line: &str, options: &VerifyOptions) -> Result<Checkpoint, ProofError> {
    match Checkpoint::parse(line.as_bytes(), &options.checkpoint_verifier()) {
        CheckpointLine::Good(checkpoint) => Ok(checkpoint),
        CheckpointLine::Forged => Err(ProofError::Forged),
        CheckpointLine::Unknown => Err(ProofError::Malformed),
    }
}

/// Checks that the hash of a record leads to the root of a checkpoint.
///
/// # Errors
///
/// [`ProofError::NotProven`] if the hashes do not lead to the root, [`ProofError::Malformed`] if
/// the line is no record.
fn record(text: &str, checkpoint: Checkpoint, path: &[TreeHash]) -> Result<ProvenFact, ProofError> {
    let line = Line::parse(text.as_bytes()).ok_or(ProofError::Malformed)?;
    let (number, of) = (line.sequence, checkpoint.anchor.sequence());
    let index = number.checked_sub(1).ok_or(ProofError::Malformed)?;
    let root = root_of_inclusion(line.leaf(), index, of, path);
    if root != Some(checkpoint.root) {
        return Err(ProofError::NotProven);
    }
    Ok(ProvenFact::Record {
        trail: checkpoint.trail,
        number,
        of,
        record: format!("{}}}", String::from_utf8_lossy(line.sealed)),
    })
}

/// Checks that the tree of a checkpoint begins with that of an earlier one.
///
/// # Errors
///
/// [`ProofError::OtherTrail`] for checkpoints of two trails, [`ProofError::NotProven`] if the
/// hashes do not lead to both roots.
fn consistency(
    first: &Checkpoint,
    second: Checkpoint,
    path: &[TreeHash],
) -> Result<ProvenFact, ProofError> {
    if first.trail != second.trail {
        return Err(ProofError::OtherTrail);
    }
    let sizes = (first.anchor.sequence(), second.anchor.sequence());
    match is_consistent((sizes.0, &first.root), (sizes.1, &second.root), path) {
        true => Ok(ProvenFact::Consistency {
            trail: second.trail,
            first: sizes.0,
            second: sizes.1,
        }),
        false => Err(ProofError::NotProven),
    }
}
