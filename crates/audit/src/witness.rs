//! Decides whether a received checkpoint continues what was received before.
//!
//! A witness is another machine, with another administrator. It keeps every checkpoint that it accepted, and refuses
//! those that contradict them. So the holder of the signing key cannot show one trail to one person and another
//! trail to another, and cannot go back to an older state.

use std::{collections::BTreeMap, error, fmt};

use crate::{
    chain::{
        Checkpoint, CheckpointLine, Verifier,
        merkle::{TreeHash, is_consistent},
    },
    verify::VerifyOptions,
};

/// Accepts the checkpoints of one trail, each if it continues the ones before.
///
/// The caller keeps the accepted lines, and gives them to [`accept`](Self::accept) again after a restart. Takes
/// about 100 bytes of memory for a checkpoint: 50 MB for a year with one each minute.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink, VerifyOptions, Witness, WitnessAccepted};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// # let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// # layer.handle().close_blocking()?;
/// let mut witness = Witness::new(&VerifyOptions::new());
/// let received = std::fs::read_to_string(folder.path().join("audit.jsonl.checkpoints"))?;
/// for line in received.lines() {
///     assert!(matches!(witness.accept(line.as_bytes())?, WitnessAccepted::New { .. }));
/// }
/// // A line that was received before is no contradiction.
/// let again = witness.accept(received.lines().next().unwrap().as_bytes())?;
/// assert_eq!(again, WitnessAccepted::Known);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the public key of the service, a line that somebody else wrote is refused, and nothing changes:
///
/// ```
/// use palisade_audit::{AuditLayer, CheckpointKey, FileSink, VerifyOptions, Witness, WitnessRefusal};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// # let foreign = CheckpointKey::generate()?;
/// # let layer = AuditLayer::builder().sink(FileSink::builder(&path).checkpoint_key(foreign).open()?).build()?;
/// # layer.handle().close_blocking()?;
/// # let forged = std::fs::read_to_string(folder.path().join("audit.jsonl.checkpoints"))?;
/// # let forged = forged.lines().next().unwrap().as_bytes();
/// let public = CheckpointKey::generate()?.public_key();
/// let mut witness = Witness::new(&VerifyOptions::new().checkpoint_key(public));
/// assert_eq!(witness.accept(forged).unwrap_err(), WitnessRefusal::Forged);
/// assert_eq!(witness.latest(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Witness {
    /// Checks the signatures.
    verifier: Verifier,
    /// The name of the trail, from the first checkpoint.
    trail: Option<String>,
    /// The accepted checkpoints by record: the hash of the record and the root of the tree.
    known: BTreeMap<u64, ([u8; 32], TreeHash)>,
    /// Whether a checkpoint without a proof is accepted.
    allow_unproven: bool,
}

/// What a witness did with a line that it did not refuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WitnessAccepted {
    /// The checkpoint was accepted before. There is nothing to keep.
    Known,
    /// The checkpoint is later than all before. Keep the line.
    New {
        /// The number of its record.
        record: u64,
        /// The number of the latest record that was accepted before: the trail is proven to begin with it. `None` for
        /// the first checkpoint, and for one that [`allow_unproven`](Witness::allow_unproven) let in.
        proven_since: Option<u64>,
    },
    /// The line is not a checkpoint: it is incomplete, or of another version. It is ignored.
    NoCheckpoint,
}

/// Why a witness refuses a checkpoint. Each of them needs somebody who finds out what happened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WitnessRefusal {
    /// Another checkpoint at the same record was accepted: there are two trails with one name.
    Fork {
        /// The number of the record.
        record: u64,
    },
    /// The line is not signed with the expected key.
    Forged,
    /// The proof in the line does not hold: the trail does not begin with the one that was accepted.
    NotConsistent {
        /// The number of the record that the proof begins with.
        since: u64,
        /// The number of the record of the checkpoint.
        record: u64,
    },
    /// The checkpoint is about another trail: the one before was deleted, or two services write to one witness.
    OtherTrail {
        /// The name of the trail that the witness follows.
        expected: String,
        /// The name in the line.
        found: String,
    },
    /// The checkpoint has no proof since the latest accepted one: lines were left out, or the trail was continued from
    /// an earlier record.
    NotProven {
        /// The number of the record of the checkpoint.
        record: u64,
        /// The number of the record of the latest accepted checkpoint.
        latest: u64,
    },
    /// The checkpoint is about an earlier record than the latest one, and was not received before.
    RolledBack {
        /// The number of the record of the checkpoint.
        record: u64,
        /// The number of the record of the latest accepted checkpoint.
        latest: u64,
    },
}

impl Witness {
    /// Returns a witness that has received nothing. Of the options it uses the key of the checkpoints.
    #[must_use]
    pub fn new(options: &VerifyOptions) -> Self {
        Self {
            verifier: options.checkpoint_verifier(),
            trail: None,
            known: BTreeMap::new(),
            allow_unproven: false,
        }
    }

    /// Accepts later checkpoints without a proof too. Default: only the first one.
    ///
    /// For lines that were accepted before, and after an operator found out why there is no proof. Without proofs a
    /// forked trail is found only where it has a checkpoint at the same record.
    pub fn allow_unproven(&mut self, allow: bool) {
        self.allow_unproven = allow;
    }

    /// Returns the number of the record of the latest accepted checkpoint.
    #[must_use]
    pub fn latest(&self) -> Option<u64> {
        self.known.keys().next_back().copied()
    }

    /// Decides about one line, without its line end.
    ///
    /// # Errors
    ///
    /// [`WitnessRefusal`] if the line contradicts what was accepted. Nothing changes then.
    pub fn accept(&mut self, line: &[u8]) -> Result<WitnessAccepted, WitnessRefusal> {
        let checkpoint = match Checkpoint::parse(line, &self.verifier) {
            CheckpointLine::Good(checkpoint) => checkpoint,
            CheckpointLine::Forged => return Err(WitnessRefusal::Forged),
            CheckpointLine::Unknown => return Ok(WitnessAccepted::NoCheckpoint),
        };
        self.demand_same_trail(&checkpoint)?;
        let record = checkpoint.anchor.sequence();
        let state = (*checkpoint.anchor.hash(), checkpoint.root);
        if let Some(known) = self.known.get(&record) {
            return match *known == state {
                true => Ok(WitnessAccepted::Known),
                false => Err(WitnessRefusal::Fork { record }),
            };
        }
        if let Some(latest) = self.latest().filter(|latest| *latest > record) {
            return Err(WitnessRefusal::RolledBack { record, latest });
        }
        let proven_since = self.demand_proof(&checkpoint)?;
        self.known.insert(record, state);
        self.trail = Some(checkpoint.trail);
        Ok(WitnessAccepted::New {
            record,
            proven_since,
        })
    }

    /// Refuses a checkpoint of another trail than the first one.
    ///
    /// # Errors
    ///
    /// [`WitnessRefusal::OtherTrail`] names both trails.
    fn demand_same_trail(&self, checkpoint: &Checkpoint) -> Result<(), WitnessRefusal> {
        match &self.trail {
            Some(expected) if *expected != checkpoint.trail => Err(WitnessRefusal::OtherTrail {
                expected: expected.clone(),
                found: checkpoint.trail.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks the proof of a checkpoint. Returns the latest accepted record, if it is proven to begin with that.
    ///
    /// A proof since an earlier record is not enough: what was accepted after that may be another trail.
    ///
    /// # Errors
    ///
    /// [`WitnessRefusal`]: the proof is missing, begins at another record, or does not hold.
    fn demand_proof(&self, checkpoint: &Checkpoint) -> Result<Option<u64>, WitnessRefusal> {
        let record = checkpoint.anchor.sequence();
        let Some(latest) = self.latest() else {
            return Ok(None);
        };
        let growth = checkpoint.growth.as_ref();
        let known = growth.and_then(|(since, proof)| Some((*since, proof, self.known.get(since)?)));
        if let Some((since, proof, (_, earlier))) = known {
            if !is_consistent((since, earlier), (record, &checkpoint.root), proof) {
                return Err(WitnessRefusal::NotConsistent { since, record });
            }
            if since == latest {
                return Ok(Some(latest));
            }
        }
        match self.allow_unproven {
            true => Ok(None),
            false => Err(WitnessRefusal::NotProven { record, latest }),
        }
    }
}

impl fmt::Display for WitnessRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork { record } => write!(
                f,
                "fork: another checkpoint at record {record} was accepted before"
            ),
            Self::Forged => f.write_str("forged: the checkpoint is not signed with this key"),
            Self::NotConsistent { since, record } => write!(
                f,
                "fork: the {record} records do not begin with the {since} records that were accepted before"
            ),
            Self::NotProven { record, latest } => write!(
                f,
                "not proven: nothing shows that the {record} records begin with the {latest} records that were accepted before"
            ),
            Self::OtherTrail { expected, found } => write!(
                f,
                "other trail: the checkpoint is about trail {}, and this witness follows {}",
                found.escape_debug(),
                expected.escape_debug()
            ),
            Self::RolledBack { record, latest } => write!(
                f,
                "rolled back: the checkpoint is at record {record}, and one at record {latest} was accepted before"
            ),
        }
    }
}

impl error::Error for WitnessRefusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{
        Anchor, Signer,
        merkle::{Tree, leaf_hash},
    };

    /// The line of a trail of so many records, which are others after `fork`. It has a proof since a record.
    fn line(records: u64, since: u64, fork: u64) -> Vec<u8> {
        let mut tree = Tree::new();
        for record in 1..=records {
            let form = if record > fork { "forked" } else { "first" };
            tree.push(leaf_hash(format!("{form} {record}").as_bytes()), |_, _| {});
            if record == since {
                tree.mark(|_| false);
            }
        }
        let checkpoint = Checkpoint {
            trail: "t".to_owned(),
            anchor: Anchor::new(records, tree.root()),
            root: tree.root(),
            growth: tree.growth(since),
        };
        let mut line = checkpoint.to_line("2023-11-14T22:13:20.000000Z", &Signer::Plain);
        line.pop();
        line
    }

    #[test]
    fn a_fork_that_proves_growth_since_an_older_checkpoint_is_refused() {
        let mut witness = Witness::new(&VerifyOptions::new());
        witness.accept(&line(100, 0, u64::MAX)).unwrap();
        witness.accept(&line(200, 100, u64::MAX)).unwrap();
        // An attacker with the keys writes the records after 150 again. The proof since 100 holds.
        let refusal = WitnessRefusal::NotProven {
            record: 250,
            latest: 200,
        };
        assert_eq!(witness.accept(&line(250, 100, 150)), Err(refusal));
        let refusal = WitnessRefusal::NotConsistent {
            since: 200,
            record: 250,
        };
        assert_eq!(witness.accept(&line(250, 200, 150)), Err(refusal));
        assert_eq!(witness.latest(), Some(200), "nothing of it was kept");
        let accepted = WitnessAccepted::New {
            record: 250,
            proven_since: Some(200),
        };
        assert_eq!(witness.accept(&line(250, 200, u64::MAX)), Ok(accepted));
        // Somebody who found out why there is no proof does not let in one that is wrong.
        witness.allow_unproven(true);
        let accepted = WitnessAccepted::New {
            record: 300,
            proven_since: None,
        };
        assert!(witness.accept(&line(300, 100, 50)).is_err());
        assert_eq!(witness.accept(&line(300, 100, u64::MAX)), Ok(accepted));
    }
}
