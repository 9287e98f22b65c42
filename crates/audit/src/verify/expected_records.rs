//! The records that must be in a trail, by an anchor and by a checkpoint file.
//!
//! [`ExpectedRecords`] is filled before the scan, compared with each good record, and asked at
//! the end for what is missing. Without an anchor and checkpoints nothing is required.
//!
//! A chain by itself shows what was changed in the middle. That something is missing at its end, only another place
//! can know: an anchor that an operator kept, or checkpoints.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use super::FindingReason;
use crate::{
    chain::{Anchor, Checkpoint, CheckpointLine, Verifier, merkle::TreeHash},
    trail_files,
};

/// The most bytes of a line in a checkpoint file.
const MAX_LINE: u64 = 8192;
/// Trails that one checkpoint file may name; more are ignored.
const MAX_TRAILS: usize = 64;

/// An anchor and checkpoints, with what was found so far.
///
/// Each good record is compared with them by its number. At the end, those that no record met are missing: the
/// trail was cut, rolled back or replaced.
#[derive(Debug, Default)]
pub(crate) struct ExpectedRecords {
    /// The record that the caller requires.
    anchor: Option<Anchor>,
    /// By trail, then by record.
    checkpoints: BTreeMap<String, BTreeMap<u64, ([u8; 32], TreeHash)>>,
    /// Earlier trails that the writer itself reported as missing, with their last record.
    reported_missing: BTreeMap<String, u64>,
    /// Records whose hash differs from their checkpoint.
    contradicted: Vec<u64>,
    /// How many records were compared with a checkpoint.
    compared: u64,
    /// Counts of the lines of the checkpoint file.
    pub(super) summary: CheckpointSummary,
}

/// Counts of the lines of a checkpoint file. Part of a [`VerifyReport`](crate::VerifyReport).
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink, VerifyOptions, verify_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// layer.handle().close_blocking()?;
/// let checkpoints = verify_file(&path, &VerifyOptions::new())?.checkpoints;
/// assert!(checkpoints.found && checkpoints.valid > 0);
/// assert_eq!(checkpoints.forged, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CheckpointSummary {
    /// Whether the file exists.
    pub found: bool,
    /// Checkpoints with a correct signature.
    pub valid: u64,
    /// Lines with the form of a checkpoint and a wrong signature.
    ///
    /// They are also a finding, [`ForgedCheckpoints`](crate::FindingReason::ForgedCheckpoints).
    pub forged: u64,
    /// Other lines: incomplete ones, or those of another version.
    pub unknown: u64,
}

/// What is known of a record from anchor and checkpoints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Comparison {
    /// It differs from what is required.
    Mismatch(Mismatch),
    /// Nothing is required of it.
    NotRequired,
    /// It is that of a checkpoint, which states this root of the tree.
    SameRecord { root: TreeHash },
}

/// A record differs from what is required.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mismatch {
    /// It is not the record of the anchor.
    Anchor,
    /// It is not the record of a checkpoint.
    Checkpoint,
}

impl ExpectedRecords {
    /// Sets the anchor.
    pub(super) fn anchor(&mut self, anchor: Option<Anchor>) {
        self.anchor = anchor;
    }

    /// Reads a checkpoint file. A missing file is not an error.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub(super) fn read(&mut self, path: &Path, verifier: &Verifier) -> io::Result<()> {
        self.summary.found = read_checkpoints(path, verifier, |_, line| self.take(line))?;
        Ok(())
    }

    /// Counts a line, and keeps the checkpoint if it is valid.
    fn take(&mut self, line: CheckpointLine) {
        match line {
            CheckpointLine::Forged => self.summary.forged += 1,
            CheckpointLine::Unknown => self.summary.unknown += 1,
            CheckpointLine::Good(it) => {
                self.summary.valid += 1;
                let has_space = self.checkpoints.len() < MAX_TRAILS;
                if has_space || self.checkpoints.contains_key(&it.trail) {
                    let of_trail = self.checkpoints.entry(it.trail).or_default();
                    // Where two speak of one record, the first one counts: the later one may have
                    // been made after the records were cut off and written again.
                    let first = of_trail.entry(it.anchor.sequence());
                    first.or_insert((*it.anchor.hash(), it.root));
                }
            }
        }
    }

    /// Compares a good record with anchor and checkpoints.
    pub(super) fn compare(&mut self, trail: Option<&str>, here: Anchor) -> Comparison {
        if self.compare_anchor(here) {
            return Comparison::Mismatch(Mismatch::Anchor);
        }
        let of_trail = trail.and_then(|trail| self.checkpoints.get(trail));
        let Some((hash, root)) = of_trail.and_then(|all| all.get(&here.sequence())) else {
            return Comparison::NotRequired;
        };
        self.compared += 1;
        match hash == here.hash() {
            true => Comparison::SameRecord { root: *root },
            false => Comparison::Mismatch(Mismatch::Checkpoint),
        }
    }

    /// Returns whether this is not the record that was anchored.
    pub(super) fn compare_anchor(&self, here: Anchor) -> bool {
        let same_place = self.anchor.filter(|it| it.sequence() == here.sequence());
        same_place.is_some_and(|anchor| anchor != here)
    }

    /// Returns whether the anchor is about a record before this one's predecessor.
    pub(super) fn needs_record_before(&self, first: u64) -> bool {
        self.anchor
            .is_some_and(|anchor| anchor.sequence() < first.saturating_sub(1))
    }

    /// Returns whether the anchor is about a record of these, without the last one.
    pub(super) fn needs_record_in(&self, from: u64, last: u64) -> bool {
        self.anchor
            .is_some_and(|anchor| (from..last).contains(&anchor.sequence()))
    }

    /// Notes a record that differs from its checkpoint. Whether that is a fault is decided at the
    /// end.
    pub(super) fn contradicted(&mut self, sequence: u64) {
        self.contradicted.push(sequence);
    }

    /// Notes that the writer reported a missing trail. At most 64 trails are kept.
    pub(super) fn trail_reported_missing(&mut self, trail: &str, to: u64) {
        if self.reported_missing.len() < MAX_TRAILS {
            self.reported_missing.insert(trail.to_owned(), to);
        }
    }

    /// Lists required records that are missing, except those that the writer reported as missing.
    ///
    /// `gone` has the ranges that the writer reported. The number is the record that each finding
    /// names.
    pub(super) fn unmet(
        &self,
        trail: &str,
        last: Anchor,
        gone: &[(u64, u64)],
    ) -> Vec<(FindingReason, u64)> {
        let mut unmet = Vec::new();
        let after = last.sequence().saturating_add(1);
        if let Some(anchor) = self.anchor.filter(|it| it.sequence() > last.sequence()) {
            let anchored = anchor.sequence();
            unmet.push((FindingReason::CutShort { anchored }, after));
        }
        let explained = |it: u64| gone.iter().any(|(from, to)| (*from..=*to).contains(&it));
        let contradicted = self.contradicted.iter().copied();
        for sequence in contradicted.filter(|it| !explained(*it)) {
            unmet.push((FindingReason::ContradictsCheckpoint, sequence));
        }
        let own = self.checkpoints.get(trail);
        let newest = own.and_then(|own| own.keys().next_back().copied());
        if let Some(anchored) = newest.filter(|it| *it > last.sequence() && !explained(*it)) {
            unmet.push((FindingReason::CutShort { anchored }, after));
        }
        for (other, checkpoints) in self.checkpoints.iter().filter(|(id, _)| **id != *trail) {
            let to = checkpoints.keys().next_back().copied().unwrap_or(0);
            if self
                .reported_missing
                .get(other)
                .is_none_or(|reported| *reported < to)
            {
                unmet.push((FindingReason::OtherTrailGone { to }, after));
            }
        }
        if self.summary.forged > 0 {
            let lines = self.summary.forged;
            unmet.push((FindingReason::ForgedCheckpoints { lines }, after));
        }
        unmet
    }
}

/// Reads a checkpoint file line by line. Returns false if there is none.
///
/// `take` gets the bytes of each line and what they say.
///
/// A line without a line end counts as [`CheckpointLine::Unknown`].
///
/// # Errors
///
/// The file is no regular file, or cannot be read.
pub(crate) fn read_checkpoints(
    path: &Path,
    verifier: &Verifier,
    mut take: impl FnMut(&[u8], CheckpointLine),
) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other("the checkpoint file is no regular file"));
        }
        Ok(_) => {}
    }
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        if !trail_files::read_line(&mut reader, MAX_LINE, &mut line)? {
            return Ok(true);
        }
        match line.strip_suffix(b"\n") {
            Some([]) => {}
            Some(whole) => take(whole, Checkpoint::parse(whole, verifier)),
            None => take(&line, CheckpointLine::Unknown),
        }
    }
}
