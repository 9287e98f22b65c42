//! Replaces a file that failed, was changed or deleted, and rotates a file that is full.
//!
//! The safe records are kept in a part or restored to one where possible. What is not safe is
//! still in memory and is written to the new file, after a record `recovered` that says what
//! happened.
//!
//! | Fault | The old file | The new file begins with |
//! |---|---|---|
//! | another process cut it or wrote to it | set aside | `recovered`, cause `replaced` |
//! | a write failed and could not be undone | set aside, or a part if that is safe | `recovered`, with the step |
//! | a sync failed | a part up to the last good sync | `recovered`, with the step |
//! | its name is gone | copied to a part from the open file | `recovered`, cause `deleted` |

use std::io;

use super::Journal;
use crate::sink::file::{
    storage::{Condition, RenamedTo, Store},
    unsealed_buffer::UnsealedBuffer,
    writer_records::{self, Recovered},
};

/// Why a file is not written any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FileFault {
    /// Another process cut the file or wrote to it.
    Changed,
    /// A step failed: `write_failed` (and could not be undone), `sync_failed` or `rotate_failed`.
    Failed(&'static str),
    /// The name is gone or belongs to another file. The open file still has all records.
    Unnamed,
}

impl<S: Store> Journal<S> {
    /// Checks the file before a write. A known fault stays until a new file has begun.
    pub(super) fn look_at_file(&mut self) {
        if self.broken.is_none() {
            self.broken = match self.store.condition() {
                Condition::Good => None,
                Condition::Changed => Some(FileFault::Changed),
                Condition::Unnamed => Some(FileFault::Unnamed),
            };
        }
    }

    /// Begins a new file if the old one has a fault. Does nothing otherwise.
    ///
    /// What is safe in the old file stays a part of the trail, if that is certain; otherwise the file is set aside
    /// under another name. The new file begins with a record `recovered` that says what was set aside and what is
    /// missing.
    ///
    /// # Errors
    ///
    /// The new file cannot be made; the next call tries again.
    pub(super) fn go_on_elsewhere(&mut self) -> io::Result<()> {
        let Some(broken) = self.broken else {
            return Ok(());
        };
        self.roll_back();
        let has_safe = self.synced.length > 0;
        let all = (self.synced.first, self.synced.anchor.sequence());
        let what = match broken {
            FileFault::Failed(cause) => {
                if has_safe {
                    // If even this fails, verification will find what is too much.
                    let _ = self.store.truncate(self.synced.length);
                }
                let place = if has_safe {
                    RenamedTo::Part
                } else {
                    RenamedTo::Aside(cause)
                };
                let set_aside = self.store.renew(place, self.synced.first)?;
                let gone = None;
                Recovered {
                    cause,
                    set_aside,
                    gone,
                    ..Recovered::default()
                }
            }
            FileFault::Changed => {
                let set_aside = self
                    .store
                    .renew(RenamedTo::Aside("replaced"), self.synced.first)?;
                let gone = has_safe.then_some(all);
                Recovered {
                    cause: "replaced",
                    set_aside,
                    gone,
                    ..Recovered::default()
                }
            }
            FileFault::Unnamed => {
                let gone = (has_safe && !self.restored()?).then_some(all);
                let set_aside = self
                    .store
                    .renew(RenamedTo::Aside("replaced"), self.synced.first)?;
                let cause = if set_aside.is_some() || gone.is_some() {
                    "replaced"
                } else {
                    "deleted"
                };
                Recovered {
                    cause,
                    set_aside,
                    gone,
                    ..Recovered::default()
                }
            }
        };
        self.tell(&what);
        self.synced.length = 0;
        self.written = self.synced;
        self.broken = None;
        self.restored = false;
        Ok(())
    }

    /// Copies the records of a deleted file to the part that it would have become.
    ///
    /// Returns false if that failed permanently.
    ///
    /// # Errors
    ///
    /// A full disk: the next call tries again, since the open file still has the records.
    fn restored(&mut self) -> io::Result<bool> {
        if self.restored {
            return Ok(true);
        }
        match self.store.restore(self.synced.first, self.synced.length) {
            Ok(()) => {
                self.restored = true;
                Ok(true)
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                Err(error)
            }
            Err(error) => {
                tracing::error!(target: "palisade::audit", %error, "cannot restore the records of a deleted audit file");
                Ok(false)
            }
        }
    }

    /// Moves all unsynced records back to the waiting ones, in their order.
    fn roll_back(&mut self) {
        self.unsynced.take(&mut self.waiting);
        std::mem::swap(&mut self.unsynced, &mut self.waiting);
        self.leaves.clear();
        self.written = self.synced;
    }

    /// Logs the new file, and puts a record `recovered` before all waiting records.
    fn tell(&mut self, what: &Recovered) {
        // A disk that fails repeatedly is recorded once, until a record was safe.
        let again = self.reported_cause == Some(what.cause) && what.gone.is_none();
        self.reported_cause = Some(what.cause);
        if again {
            return;
        }
        let (cause, set_aside) = (what.cause, &what.set_aside);
        if let Some(held_back) = self.renewals.admit(self.clock.monotonic()) {
            tracing::error!(target: "palisade::audit", cause, set_aside, held_back, "goes on in a new audit file");
        }
        let now = self.clock.unix_time();
        let mut first = UnsealedBuffer::default();
        first.push(|out| out.extend(writer_records::recovered(now, what)));
        first.take(&mut self.waiting);
        self.waiting = first;
    }

    /// Syncs the file, renames it to a part and begins a new one.
    ///
    /// If the rename fails and the file is still good, writing continues in it, beyond its usual length.
    ///
    /// # Errors
    ///
    /// The file cannot be synced, or the new one cannot be made.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        if let Err(error) = self.store.renew(RenamedTo::Part, self.synced.first) {
            if self.store.condition() == Condition::Good {
                // Nothing has happened yet. A file that is too long is better than none.
                if let Some(held_back) = self.rotations.admit(self.clock.monotonic()) {
                    tracing::warn!(target: "palisade::audit", %error, held_back, "cannot rotate the audit file");
                }
                return Ok(());
            }
            self.broken = Some(FileFault::Failed("rotate_failed"));
            return Err(error);
        }
        // A log that is kept on another machine then has an anchor.
        tracing::info!(target: "palisade::audit", anchor = %self.synced.anchor, "rotated");
        self.synced.length = 0;
        self.written = self.synced;
        self.rotated = true;
        self.evolve_key();
        Ok(())
    }
}
