//! The position of a scan in its file, and the records that the next one may follow.
//!
//! After a bad line it is unknown whether a line was inserted or changed. [`Predecessors`]
//! therefore keeps up to three candidates until the next good record decides.

use std::path::{Path, PathBuf};

use crate::chain::{Anchor, Line, Seal, merkle::TreeHash};

/// The position of the scan in the current file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanPosition {
    /// The path of the file. `None` for a reader without a name.
    pub(crate) file: Option<PathBuf>,
    /// Lines read so far, good or bad.
    pub(crate) line: u64,
    /// Good records so far.
    pub(crate) good: u64,
    /// The length of the complete lines so far.
    pub(crate) bytes: u64,
    /// The number of the first record of the file.
    pub(crate) first: u64,
    /// Whether the last record says that the writer closed the trail in order.
    pub(crate) closed: bool,
    /// Whether the last record says that the file has its full length.
    pub(crate) rotated: bool,
}

impl ScanPosition {
    /// Returns the position before the first line of a file.
    pub(super) fn new(file: Option<&Path>) -> Self {
        Self {
            file: file.map(Into::into),
            ..Self::default()
        }
    }
}

/// Records that are missing at the beginning of a file or of the trail.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// The first missing record.
    pub(super) from: u64,
    /// The last missing record.
    pub(super) to: u64,
    /// Where the gap was found.
    pub(super) position: ScanPosition,
    /// Whether it is at the beginning of the trail.
    pub(super) starts: bool,
}

/// A record that the next one may follow.
#[derive(Clone, Copy, Debug)]
struct Predecessor {
    /// Its number.
    sequence: u64,
    /// Its hash. `None` after a line that could not be read.
    hash: Option<[u8; 32]>,
}

/// Records that the next one may follow, the most likely first.
///
/// There is one as long as every record is good. After a bad line there are others too: for the
/// case that the line was inserted, and for the case that only its number is wrong.
#[derive(Debug, Default)]
pub(super) struct Predecessors(Vec<Predecessor>);

impl Predecessors {
    /// Returns whether nothing was read yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a good record as the only candidate.
    pub(super) fn only(&mut self, here: Anchor) {
        self.0.clear();
        self.0.push(Predecessor::of(here));
    }

    /// Sets a record with a known number and an unknown hash as the only candidate.
    pub(super) fn only_number(&mut self, sequence: u64) {
        self.0 = vec![Predecessor {
            sequence,
            hash: None,
        }];
    }

    /// Returns the number that is expected next.
    pub(super) fn expected(&self) -> u64 {
        let first = self.0.first().map_or(0, |base| base.sequence);
        first.saturating_add(1)
    }

    /// Returns whether a record follows a candidate. `None` if it follows none.
    ///
    /// `Some(false)` means that the number fits and the hash cannot be checked, as the line before
    /// it is unknown.
    pub(super) fn find(&self, seal: &Seal, line: &Line<'_>, leaf: &TreeHash) -> Option<bool> {
        let follows = |base: &&Predecessor| base.sequence.checked_add(1) == Some(line.sequence);
        let candidates = || self.0.iter().filter(follows);
        let proven = candidates().any(|base| {
            base.hash
                .is_some_and(|hash| seal.fits(Anchor::new(base.sequence, hash), leaf, &line.hash))
        });
        match proven {
            true => Some(true),
            false => candidates()
                .any(|base| base.hash.is_none())
                .then_some(false),
        }
    }

    /// Adds candidates after a line that could not be read: it was inserted, or it replaced a
    /// record.
    pub(super) fn unknown(&mut self) {
        let Some(last) = self.0.first().copied() else {
            return;
        };
        self.0 = vec![
            last,
            Predecessor {
                sequence: last.sequence.saturating_add(1),
                hash: None,
            },
        ];
    }

    /// Adds candidates after a record that follows none of them.
    pub(super) fn after_bad(&mut self, here: Anchor, expected: u64) {
        let before = self.0.first().copied();
        let renumbered = Predecessor {
            sequence: expected,
            hash: Some(*here.hash()),
        };
        let mut bases = Vec::with_capacity(3);
        if here.sequence() >= expected {
            bases.push(Predecessor::of(here));
        }
        bases.extend(before);
        bases.push(renumbered);
        self.0 = bases;
    }
}

impl Predecessor {
    /// Returns the candidate for a good record.
    fn of(anchor: Anchor) -> Self {
        Self {
            sequence: anchor.sequence(),
            hash: Some(*anchor.hash()),
        }
    }
}
