//! Turns unsealed records into sealed lines in a file, and knows which of them are safe.
//!
//! A record has three states. *Waiting* records are in memory. *Unsynced* records were written,
//! and are still in memory. *Synced* records are safe on the disk. No record leaves memory before
//! it is safe: a failed write is cut off and repeated, a failed sync moves everything since the
//! last good sync into a new file.
//!
//! Only the writer thread uses a journal. Errors are returned to it, and it tries again.

mod key_evolution;
mod replace_file;

use std::io;

use palisade_core::SharedClock;
use palisade_internal::log_limit::LogLimit;

use self::replace_file::FileFault;
use super::{storage::Store, unsealed_buffer::UnsealedBuffer, writer_records};
use crate::{
    chain::{
        Anchor, Seal,
        merkle::{Tree, TreeHash},
    },
    evolving_key::EvolvingKeyFile,
};

/// Seals records and writes them to a [`Store`].
///
/// The chain is advanced when a record is sealed, not when it is written. A write that is repeated therefore
/// writes the same bytes, and a record never has two numbers.
#[derive(Debug)]
pub(super) struct Journal<S> {
    /// The file.
    store: S,
    /// Computes the hash of each record, with or without a key.
    seal: Seal,
    /// Where the evolving key is kept.
    key_file: Option<EvolvingKeyFile>,
    /// Limits log lines about a key file that cannot be written.
    key_problems: LogLimit,
    /// The name of the trail: 32 random hexadecimal digits.
    trail: String,
    clock: SharedClock,
    /// A new file begins before the next write once the file has this many bytes.
    rotate_at: u64,
    /// The last record that was written.
    written: FilePosition,
    /// The last record that is safe.
    synced: FilePosition,
    /// Unsealed records that are not written.
    waiting: UnsealedBuffer,
    /// Unsealed records that were written and are not safe. They are written again if a sync fails.
    unsynced: UnsealedBuffer,
    /// The Merkle tree over all records that are safe.
    tree: Tree,
    /// The leaves of the records that were written and are not safe.
    leaves: Vec<TreeHash>,
    /// Whether the next write ends the trail with a record `closed`.
    closing: bool,
    /// Whether the file has its record `rotated`.
    ended: bool,
    /// Why the file cannot be used any more. The next write begins a new one.
    broken: Option<FileFault>,
    /// Whether the records of a deleted file were already copied to a part.
    restored: bool,
    /// Whether a part was finished since the last call of `take_rotated`.
    rotated: bool,
    /// The cause in the last record `recovered`, until that record is safe. Avoids repetitions.
    reported_cause: Option<&'static str>,
    /// Limits log lines about new files after a failure.
    renewals: LogLimit,
    /// Limits log lines about rotations that failed.
    rotations: LogLimit,
}

/// A position in the trail and in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilePosition {
    /// The record at this position: its number and hash.
    pub(super) anchor: Anchor,
    /// The length of the file up to and including this record, in bytes.
    pub(super) length: u64,
    /// The number of the first record of the file.
    pub(super) first: u64,
}

impl<S: Store> Journal<S> {
    /// Returns a journal that continues after `start`.
    pub(super) fn new(
        store: S,
        (seal, key_file): (Seal, Option<EvolvingKeyFile>),
        trail: String,
        start: FilePosition,
        tree: Tree,
        rotate_at: u64,
        clock: SharedClock,
    ) -> Self {
        Self {
            store,
            seal,
            key_file,
            key_problems: LogLimit::per_minute(),
            trail,
            clock,
            rotate_at,
            written: start,
            synced: start,
            waiting: UnsealedBuffer::default(),
            unsynced: UnsealedBuffer::default(),
            tree,
            leaves: Vec::new(),
            closing: false,
            ended: false,
            broken: None,
            restored: false,
            rotated: false,
            reported_cause: None,
            renewals: LogLimit::per_minute(),
            rotations: LogLimit::per_minute(),
        }
    }

    /// Adds a record in memory, and returns its length in bytes.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        self.waiting.push(write)
    }

    /// Returns how many records were written and are not safe.
    pub(super) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// Returns how many records are only in memory.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the last record that is safe.
    pub(super) fn safe(&self) -> Anchor {
        self.synced.anchor
    }

    /// Returns the seal of the records that are written now.
    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Returns the file.
    pub(super) fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Returns what a checkpoint is about: the name of the trail, the last record that is safe, and the tree over all
    /// safe ones.
    pub(super) fn checkpoint(&mut self) -> (&str, Anchor, &mut Tree) {
        (&self.trail, self.synced.anchor, &mut self.tree)
    }

    /// Ends the trail with a record `closed` at the next write.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Returns whether a part was finished since the last call.
    pub(super) fn take_rotated(&mut self) -> bool {
        std::mem::take(&mut self.rotated)
    }

    /// Writes all waiting records. They are not safe before the next [`sync`](Self::sync).
    ///
    /// Begins a new file first if the old one failed, was changed, or is long enough.
    ///
    /// # Errors
    ///
    /// The records stay in memory, what was written of them is cut off, and the call can be repeated.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.look_at_file();
        self.go_on_elsewhere()?;
        if self.store.length() >= self.rotate_at && !self.waiting.is_empty() {
            self.rotate()?;
        }
        if self.waiting.is_empty() && self.store.length() > 0 && !self.closing {
            return Ok(());
        }
        let mut lines = Vec::new();
        let known = self.leaves.len();
        let (next, ended) = self.seal_waiting(&mut lines);
        let before = self.store.length();
        if let Err(error) = self.store.append(&lines) {
            self.leaves.truncate(known);
            // No partial line may be taken for a record, by us or by who reads along.
            if self.store.truncate(before).is_err() {
                self.broken = Some(FileFault::Failed("write_failed"));
            }
            return Err(error);
        }
        self.written = FilePosition {
            length: self.store.length(),
            ..next
        };
        self.ended = ended;
        self.closing = false;
        self.unsynced.take(&mut self.waiting);
        Ok(())
    }

    /// Makes all written records safe. Does nothing if they are.
    ///
    /// # Errors
    ///
    /// The file is not used again: the system may have discarded the data and report success at the next sync. The
    /// records go to a new file.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.written.anchor == self.synced.anchor {
            return Ok(());
        }
        if let Err(error) = self.store.sync() {
            // The system may have thrown the pages away and would say `Ok` the next time.
            self.broken = Some(FileFault::Failed("sync_failed"));
            return Err(error);
        }
        self.synced = self.written;
        self.store_key();
        self.reported_cause = None;
        self.unsynced.clear();
        for leaf in self.leaves.drain(..) {
            self.tree.push(leaf, |_, _| {});
        }
        Ok(())
    }

    /// Seals all waiting records after the last written one. An empty file begins with `opened`, and one that is
    /// long enough ends with `rotated`.
    ///
    /// Returns the new position, and whether the file has its record `rotated`.
    fn seal_waiting(&mut self, lines: &mut Vec<u8>) -> (FilePosition, bool) {
        let mut position = self.written;
        let now = self.clock.unix_time();
        if self.store.length() == 0 {
            let (last, tree) = (position.anchor, self.tree_so_far());
            let opened = writer_records::opened(now, &self.trail, &self.seal, last, &tree);
            position.anchor = self.seal_one(last, &opened, lines);
            position.first = position.anchor.sequence();
            self.ended = false;
        }
        let waiting = std::mem::take(&mut self.waiting);
        for record in waiting.iter() {
            position.anchor = self.seal_one(position.anchor, record, lines);
        }
        self.waiting = waiting;
        let length = self.store.length().saturating_add(lines.len() as u64);
        let is_long = length >= self.rotate_at && !self.ended;
        if self.closing || is_long {
            let root = self.tree_so_far().root();
            let end = match self.closing {
                true => writer_records::closed(now, &root),
                false => writer_records::rotated(now, &root),
            };
            position.anchor = self.seal_one(position.anchor, &end, lines);
        }
        (position, self.ended || is_long)
    }

    /// Seals one record, and keeps its leaf.
    fn seal_one(&mut self, last: Anchor, record: &[u8], lines: &mut Vec<u8>) -> Anchor {
        let sealed = self.seal.append(last, record, lines);
        self.leaves.push(sealed.leaf);
        sealed.anchor
    }

    /// Returns the tree over all records that were sealed.
    fn tree_so_far(&self) -> Tree {
        let mut tree = self.tree.clone();
        for leaf in &self.leaves {
            tree.push(*leaf, |_, _| {});
        }
        tree
    }
}
