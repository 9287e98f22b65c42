//! Makes proofs: reads a trail once, up to a checkpoint, and keeps the hashes that the proof needs.

use std::{collections::BTreeMap, io, iter::Peekable, path::Path};

use super::{Claim, Proof, ProofError};
use crate::{
    chain::{
        Checkpoint, CheckpointLine, Line,
        merkle::{Collector, Tree, consistency_ranges, inclusion_ranges},
    },
    query::{StoredRecord, TrailReader, UnreadablePart, read_trail},
    trail_files,
    verify::{VerifyOptions, read_checkpoints},
};

/// Proves that a record is in the trail at `path`, by the checkpoint at record `at`.
///
/// Default for `at`: the first checkpoint that covers the record. The trail is read once, from its first file to that
/// checkpoint, in the memory of one line. A writer may be running. A part that cannot be read is skipped: a proof about
/// the records of other parts is made if the next part states enough hashes.
///
/// # Errors
///
/// - [`ProofError::NoCheckpoint`] if no checkpoint covers the record yet.
/// - [`ProofError::RecordMissing`] if it is not in the trail: deleted by retention, or not written yet.
/// - [`ProofError::Contradicted`] if the records do not have the root that the checkpoint signed.
/// - [`ProofError::Io`] if a file cannot be read and the proof needs it.
///
/// The proof is [checked](Proof::check) before it is returned: no one gets one that does not hold.
pub fn prove_record(
    path: impl AsRef<Path>,
    record: u64,
    at: Option<u64>,
    options: &VerifyOptions,
) -> Result<Proof, ProofError> {
    let mut trail = Trail::open(path.as_ref(), options)?;
    let (checkpoint, line) = trail.checkpoint(at.unwrap_or(record), at.is_some())?;
    let size = checkpoint.anchor.sequence();
    let missing = ProofError::RecordMissing { record };
    let Some(index) = record.checked_sub(1).filter(|index| *index < size) else {
        return Err(missing);
    };
    let collector = Collector::new(inclusion_ranges(index, size));
    let read = trail.read_to(&checkpoint, collector, record)?;
    let (Some(text), Some(path)) = (read.line, read.collector.proof()) else {
        return Err(trail.unreadable.map_or(missing, ProofError::Io));
    };
    let claim = Claim::Record {
        line: text,
        checkpoint: line,
        path,
    };
    checked(claim, size, options)
}

/// Proves that the trail of the checkpoint at record `second` begins with the one of the checkpoint at record `first`.
///
/// Default for `second`: the latest checkpoint. Records are read as for [`prove_record`].
///
/// # Errors
///
/// - [`ProofError::NoCheckpoint`] if there is no checkpoint at one of the records.
/// - [`ProofError::RecordMissing`] if retention deleted the records around the first checkpoint.
/// - [`ProofError::Contradicted`] if the records do not have the roots that both checkpoints signed.
/// - [`ProofError::Io`] if a file cannot be read and the proof needs it.
///
/// The proof is [checked](Proof::check) before it is returned.
pub fn prove_consistency(
    path: impl AsRef<Path>,
    first: u64,
    second: Option<u64>,
    options: &VerifyOptions,
) -> Result<Proof, ProofError> {
    let mut trail = Trail::open(path.as_ref(), options)?;
    let (_, first_line) = trail.checkpoint(first, true)?;
    let second = second.or_else(|| trail.latest()).unwrap_or(first);
    let (checkpoint, second_line) = trail.checkpoint(second, true)?;
    if first > second {
        return Err(ProofError::NoCheckpoint { record: first });
    }
    let collector = Collector::new(consistency_ranges(first, second));
    let read = trail.read_to(&checkpoint, collector, first)?;
    let Some(path) = read.collector.proof() else {
        let missing = ProofError::RecordMissing { record: first };
        return Err(trail.unreadable.map_or(missing, ProofError::Io));
    };
    let claim = Claim::Consistency {
        first: first_line,
        second: second_line,
        path,
    };
    checked(claim, first, options)
}

/// Returns a proof that holds. The root of the later checkpoint was compared with the records already, so one that does
/// not hold is contradicted by that of the record here.
///
/// # Errors
///
/// [`ProofError::Contradicted`] if the record at the checkpoint shows another root; others are
/// those of the check.
fn checked(claim: Claim, record: u64, options: &VerifyOptions) -> Result<Proof, ProofError> {
    let proof = Proof(claim);
    match proof.check(options) {
        Ok(_) => Ok(proof),
        Err(ProofError::NotProven) => Err(ProofError::Contradicted { checkpoint: record }),
        Err(error) => Err(error),
    }
}

/// A trail that is read from its first record, and its checkpoints.
struct Trail {
    /// All records of the trail, from the first one.
    records: Peekable<TrailReader>,
    /// The checkpoints of this trail with their lines, by record. Of two at one record the first one counts, as in
    /// verification.
    checkpoints: BTreeMap<u64, (Checkpoint, String)>,
    /// The first file that cannot be read.
    unreadable: Option<io::Error>,
}

/// What was read of a trail.
struct Read {
    collector: Collector,
    /// The line of the record that was asked for.
    line: Option<String>,
}

impl Trail {
    /// Opens a trail and reads its checkpoints.
    ///
    /// # Errors
    ///
    /// A file of the trail or of its checkpoints cannot be read.
    fn open(path: &Path, options: &VerifyOptions) -> Result<Self, ProofError> {
        let path = trail_files::resolved(path)?;
        let mut records = read_trail(&path)?.peekable();
        let mut unreadable = None;
        while let Some(error) = records.next_if(Result::is_err).and_then(Result::err) {
            pass_over(error, &mut unreadable)?;
        }
        let name = match records.peek() {
            Some(Ok(first)) => first.record().trail.as_deref(),
            _ => None,
        };
        let name = name.map(str::to_owned);
        let mut checkpoints = BTreeMap::new();
        let file = options.checkpoint_file(&path);
        read_checkpoints(&file, &options.checkpoint_verifier(), |bytes, line| {
            if let CheckpointLine::Good(checkpoint) = line
                && Some(&checkpoint.trail) == name.as_ref()
            {
                let line = String::from_utf8_lossy(bytes).into_owned();
                let place = checkpoints.entry(checkpoint.anchor.sequence());
                place.or_insert((checkpoint, line));
            }
        })?;
        Ok(Self {
            records,
            checkpoints,
            unreadable,
        })
    }

    /// Returns the checkpoint at a record, or the first one after it.
    ///
    /// # Errors
    ///
    /// [`ProofError::NoCheckpoint`] if there is none that covers the record.
    fn checkpoint(&self, record: u64, exact: bool) -> Result<(Checkpoint, String), ProofError> {
        let first = self.checkpoints.range(record..).next();
        let first = first.filter(|(found, _)| !exact || **found == record);
        let (_, found) = first.ok_or(ProofError::NoCheckpoint { record })?;
        Ok(found.clone())
    }

    /// Returns the record of the latest checkpoint.
    fn latest(&self) -> Option<u64> {
        self.checkpoints.keys().next_back().copied()
    }

    /// Reads the records up to a checkpoint, and compares the root.
    ///
    /// # Errors
    ///
    /// [`ProofError::Contradicted`] if the records have another root than the checkpoint says, and
    /// those of reading.
    fn read_to(
        &mut self,
        checkpoint: &Checkpoint,
        mut collector: Collector,
        wanted: u64,
    ) -> Result<Read, ProofError> {
        let size = checkpoint.anchor.sequence();
        let contradicted = || ProofError::Contradicted { checkpoint: size };
        let (mut tree, mut text) = (None, None);
        let mut gap = false;
        for record in self.records.by_ref() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    pass_over(error, &mut self.unreadable)?;
                    gap = true;
                    continue;
                }
            };
            let line = Line::parse(record.line().as_bytes()).ok_or_else(contradicted)?;
            // The root at the end shows whether what a file states about the records before it is true.
            tree.take_if(|_| gap);
            gap = false;
            let tree = match &mut tree {
                Some(tree) => tree,
                none => {
                    let begun = beginning(&record, line.sequence).ok_or_else(contradicted)?;
                    collector.take_tree(&begun);
                    none.insert(begun)
                }
            };
            if tree.size().checked_add(1) != Some(line.sequence) {
                return Err(contradicted());
            }
            tree.push(line.leaf(), |node, hash| collector.take(node, hash));
            if line.sequence == wanted {
                text = Some(record.line().to_owned());
            }
            if tree.size() == size {
                let same = tree.root() == checkpoint.root;
                let line = text;
                return same
                    .then_some(Read { collector, line })
                    .ok_or_else(contradicted);
            }
        }
        let unreadable = self.unreadable.take().map(ProofError::Io);
        Err(unreadable.unwrap_or_else(contradicted))
    }
}

/// Keeps the first error about a file that cannot be read. Another error ends the reading.
///
/// # Errors
///
/// An error that is not about one file, such as one of the file system.
fn pass_over(error: io::Error, unreadable: &mut Option<io::Error>) -> io::Result<()> {
    match UnreadablePart::of(&error) {
        Some(_) => {
            unreadable.get_or_insert(error);
            Ok(())
        }
        None => Err(error),
    }
}

/// Returns the tree before the first record of a trail, or of a part: empty, or what the opening record states.
fn beginning(first: &StoredRecord, sequence: u64) -> Option<Tree> {
    let stated = first.record().tree.as_deref();
    Tree::from_peaks_text(sequence.checked_sub(1)?, stated.unwrap_or_default())
}
