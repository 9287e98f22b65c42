//! Where a scan is, and which records may come next.

use std::path::{Path, PathBuf};

use crate::chain::{Anchor, Line, Seal};

/// Where the scan is in the file that it reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanPosition {
    pub(crate) file: Option<PathBuf>,
    /// Lines read so far, good or bad.
    pub(crate) line: u64,
    /// Good records so far.
    pub(crate) good: u64,
    /// Bytes up to here.
    pub(crate) bytes: u64,
    /// The number of the first record.
    pub(crate) first: u64,
    /// Whether the last record says that the writer closed the trail in order.
    pub(crate) closed: bool,
}

impl ScanPosition {
    pub(super) fn new(file: Option<&Path>) -> Self {
        Self {
            file: file.map(Into::into),
            ..Self::default()
        }
    }
}

/// Records that are not there, at the beginning of a file or of the trail.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) place: ScanPosition,
    /// It is at the beginning of the trail.
    pub(super) starts: bool,
}

/// A record that the next one may follow.
#[derive(Clone, Copy, Debug)]
struct Predecessor {
    sequence: u64,
    /// Unknown after a line that could not be read.
    hash: Option<[u8; 32]>,
}

/// Records that the next one may follow, the likeliest first: one as long as all is well; after a
/// bad line also what it would mean if it had been put in, or if only its number were wrong.
#[derive(Debug, Default)]
pub(super) struct Predecessors(Vec<Predecessor>);

impl Predecessors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn only(&mut self, here: Anchor) {
        self.0.clear();
        self.0.push(Predecessor::of(here));
    }

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

    /// Returns whether a record follows one of them; `Some(false)` if that could not be proven because
    /// the line before it is unknown.
    pub(super) fn find(&self, seal: &Seal, line: &Line<'_>) -> Option<bool> {
        let follows = |base: &&Predecessor| base.sequence.checked_add(1) == Some(line.sequence);
        let candidates = || self.0.iter().filter(follows);
        let proven = candidates().any(|base| {
            base.hash.is_some_and(|hash| {
                seal.hash(Anchor::new(base.sequence, hash), line.sealed) == line.hash
            })
        });
        match proven {
            true => Some(true),
            false => candidates()
                .any(|base| base.hash.is_none())
                .then_some(false),
        }
    }

    /// After a line of which nothing is known: it was put in, or it stands for a record.
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

    /// After a record that does not follow any of them.
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
    fn of(anchor: Anchor) -> Self {
        Self {
            sequence: anchor.sequence(),
            hash: Some(*anchor.hash()),
        }
    }
}
