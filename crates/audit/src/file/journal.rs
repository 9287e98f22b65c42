//! Turns drafts into sealed lines in a file, and knows which of them are safe.
//!
//! Three places matter: what is *waiting* is in memory; what is *unsynced* was written, and is in
//! memory too; what is synced is safe. Whatever fails, nothing is taken for safe that is not, and
//! nothing leaves memory before it is: a failed write is cut off again and repeated, a failed sync
//! moves everything since the last good one into a new file.

use std::io;

use palisade_core::SharedClock;

use super::{
    drafts::Drafts,
    notes::{self, Recovered},
    store::{Place, Store},
};
use crate::{Anchor, chain::Seal};

#[derive(Debug)]
pub(super) struct Journal<S> {
    store: S,
    seal: Seal,
    trail: String,
    clock: SharedClock,
    rotate_at: u64,
    written: Mark,
    synced: Mark,
    waiting: Drafts,
    unsynced: Drafts,
    broken: Option<&'static str>,
}

/// A place in the trail, and in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
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
        start: Mark,
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
            waiting: Drafts::default(),
            unsynced: Drafts::default(),
            broken: None,
        }
    }

    /// Adds a record to be written.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.waiting.push(write);
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

    /// Writes what is waiting.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.broken.is_none() && !self.store.is_ours() {
            self.broken = Some("replaced");
        }
        self.mend()?;
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
                self.broken = Some("write_failed");
            }
            return Err(error);
        }
        self.written = Mark {
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
            self.broken = Some("sync_failed");
            return Err(error);
        }
        self.synced = self.written;
        self.unsynced.clear();
        Ok(())
    }

    fn seal_waiting(&self, lines: &mut Vec<u8>) -> Mark {
        let Mark {
            mut anchor,
            mut first,
            ..
        } = self.written;
        let now = self.clock.unix_time();
        if self.store.length() == 0 {
            let opened = notes::opened(now, &self.trail, &self.seal, anchor);
            anchor = self.seal.append(anchor, &opened, lines);
            first = anchor.sequence();
        }
        for draft in self.waiting.iter() {
            anchor = self.seal.append(anchor, draft, lines);
        }
        Mark {
            anchor,
            first,
            length: 0,
        }
    }

    /// Goes on in a new file after the old one could not be trusted.
    fn mend(&mut self) -> io::Result<()> {
        let Some(cause) = self.broken else {
            return Ok(());
        };
        self.roll_back();
        let keeps = cause != "replaced" && self.synced.length > 0;
        if keeps {
            // If even this fails, verification will find what is too much.
            let _ = self.store.truncate(self.synced.length);
        }
        let place = match keeps {
            true => Place::Part,
            false => Place::Aside(cause),
        };
        let set_aside = self.store.renew(place, self.synced.first)?;
        self.tell(cause, set_aside);
        self.synced.length = 0;
        self.written = self.synced;
        self.broken = None;
        Ok(())
    }

    /// Takes back everything that was written since the last sync.
    fn roll_back(&mut self) {
        self.unsynced.take(&mut self.waiting);
        std::mem::swap(&mut self.unsynced, &mut self.waiting);
        self.written = self.synced;
    }

    fn tell(&mut self, cause: &'static str, set_aside: String) {
        tracing::error!(target: "palisade::audit", cause, set_aside, "goes on in a new audit file");
        let what = Recovered {
            cause,
            bytes: 0,
            set_aside,
        };
        let now = self.clock.unix_time();
        let mut first = Drafts::default();
        first.push(|out| out.extend(notes::recovered(now, &what)));
        first.take(&mut self.waiting);
        self.waiting = first;
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        if let Err(error) = self.store.renew(Place::Part, self.synced.first) {
            if self.store.is_ours() {
                // Nothing has happened yet. A file that is too long is better than none.
                tracing::warn!(target: "palisade::audit", %error, "cannot rotate the audit file");
                return Ok(());
            }
            self.broken = Some("rotate_failed");
            return Err(error);
        }
        // Whoever keeps the log of the process elsewhere has an anchor in it.
        tracing::info!(target: "palisade::audit", anchor = %self.synced.anchor, "rotated");
        self.synced.length = 0;
        self.written = self.synced;
        Ok(())
    }
}
