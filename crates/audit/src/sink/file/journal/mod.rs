//! Turns drafts into sealed lines in a file, and knows which of them are safe.
//!
//! Three places matter: what is *waiting* is in memory; what is *unsynced* was written, and is in
//! memory too; what is synced is safe. Whatever fails, nothing is taken for safe that is not, and
//! nothing leaves memory before it is: a failed write is cut off again and repeated, a failed sync
//! moves everything since the last good one into a new file.

mod replace_file;

use std::io;

use palisade_core::SharedClock;
use palisade_internal::log_limit::LogLimit;

use self::replace_file::FileFault;
use super::{draft_buffer::DraftBuffer, storage::Store, writer_records};
use crate::chain::{Anchor, Seal};

#[derive(Debug)]
pub(super) struct Journal<S> {
    store: S,
    seal: Seal,
    trail: String,
    clock: SharedClock,
    rotate_at: u64,
    written: FilePosition,
    synced: FilePosition,
    waiting: DraftBuffer,
    unsynced: DraftBuffer,
    broken: Option<FileFault>,
    /// The records of a file without a name are in a part already.
    restored: bool,
    /// A part was finished since the last call.
    rotated: bool,
    /// The cause that was recorded last, in a record that is not safe yet.
    told: Option<&'static str>,
    renewals: LogLimit,
    rotations: LogLimit,
}

/// A place in the trail, and in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilePosition {
    pub(super) anchor: Anchor,
    pub(super) length: u64,
    /// The first record of the file.
    pub(super) first: u64,
}

impl<S: Store> Journal<S> {
    pub(super) fn new(
        store: S,
        seal: Seal,
        trail: String,
        start: FilePosition,
        rotate_at: u64,
        clock: SharedClock,
    ) -> Self {
        Self {
            store,
            seal,
            trail,
            clock,
            rotate_at,
            written: start,
            synced: start,
            waiting: DraftBuffer::default(),
            unsynced: DraftBuffer::default(),
            broken: None,
            restored: false,
            rotated: false,
            told: None,
            renewals: LogLimit::per_minute(),
            rotations: LogLimit::per_minute(),
        }
    }

    /// Adds a record to be written, and returns its length.
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

    /// Returns the file.
    pub(super) fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Returns the name of the trail.
    pub(super) fn trail(&self) -> &str {
        &self.trail
    }

    /// Returns whether a part was finished since the last time.
    pub(super) fn take_rotated(&mut self) -> bool {
        std::mem::take(&mut self.rotated)
    }

    /// Writes what is waiting.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.look_at_file();
        self.go_on_elsewhere()?;
        if self.store.length() >= self.rotate_at && !self.waiting.is_empty() {
            self.rotate()?;
        }
        if self.waiting.is_empty() && self.store.length() > 0 {
            return Ok(());
        }
        let mut lines = Vec::new();
        let next = self.seal_waiting(&mut lines);
        let before = self.store.length();
        if let Err(error) = self.store.append(&lines) {
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
        self.unsynced.take(&mut self.waiting);
        Ok(())
    }

    /// Makes safe what was written.
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
        self.told = None;
        self.unsynced.clear();
        Ok(())
    }

    fn seal_waiting(&self, lines: &mut Vec<u8>) -> FilePosition {
        let FilePosition {
            mut anchor,
            mut first,
            ..
        } = self.written;
        let now = self.clock.unix_time();
        if self.store.length() == 0 {
            let opened = writer_records::opened(now, &self.trail, &self.seal, anchor);
            anchor = self.seal.append(anchor, &opened, lines);
            first = anchor.sequence();
        }
        for draft in self.waiting.iter() {
            anchor = self.seal.append(anchor, draft, lines);
        }
        FilePosition {
            anchor,
            first,
            length: 0,
        }
    }
}
