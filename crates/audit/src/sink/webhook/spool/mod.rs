//! The folder in which batches wait for the server.
//!
//! Records have numbers. The collector stores batches of the size in which they come. Before its first try a batch is
//! *sealed*: neighbours are merged into one file, or a single one gets another name. A sealed batch keeps its identifier
//! and its records in each try. A file is written under another name, synced, and renamed: one with a batch's name is
//! whole. Where the range of numbers of a file is within that of another one, a merge or a split did not end: it is
//! removed at the next start.

mod batch_file;
mod folder;
mod open;
mod refused;
mod seal;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::SharedClock;
use tokio::sync::Notify;

pub(super) use self::batch_file::{MAX_RECORDS, StoredBatch};
use self::{
    batch_file::{disk_bytes, file_length, marker},
    folder::Folder,
    refused::RefusedBatches,
};
use crate::key::AuditKey;

/// How often the clock is read during a pause: it may be a test clock.
const TICK: Duration = Duration::from_millis(50);
/// The most files of batches.
const MAX_FILES: usize = 65_536;

/// What a spool is opened with.
#[derive(Clone, Debug)]
pub(super) struct SpoolSettings {
    /// The most bytes of all batches on the disk.
    pub(super) limit: u64,
    /// The most bytes of the records of a batch, unless it has only one.
    pub(super) batch_bytes: u64,
    /// Authenticates what was stored.
    pub(super) key: Option<AuditKey>,
    /// Tells the age of batches.
    pub(super) clock: SharedClock,
}

/// The batches that wait. Shared by the collector and the sender.
#[derive(Debug)]
pub(super) struct Spool {
    // Locked as long as a thread uses it.
    folder: Folder,
    refused: RefusedBatches,
    settings: SpoolSettings,
    state: Mutex<State>,
    changed: Condvar,
    /// Ends a try of the sender.
    stopped: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first. The collector adds at the end; only the sender changes what is there.
    batches: VecDeque<StoredBatch>,
    /// What is not needed any more, but could not be removed.
    left_over: Vec<StoredBatch>,
    /// The number of the next record.
    next: u64,
    /// The number in the name of the marker file.
    marked: u64,
    /// The most bytes of the records of a merged batch.
    merge_bytes: u64,
    /// Records whose file was gone.
    vanished: u64,
    /// Records that the receiver refused.
    refused: u64,
    /// The sink is gone: nothing waits for space any more.
    ending: bool,
    /// Nothing is sent any more.
    stopping: bool,
}

/// Why a batch is not stored.
#[derive(Debug)]
pub(super) enum NotStored {
    /// There is no space for it.
    Full,
    /// The disk failed.
    Io(io::Error),
}

impl Spool {
    /// Stores records, one a line. They are safe on the disk afterwards.
    ///
    /// # Errors
    ///
    /// There is no space for them, or the disk fails. Nothing of them is left then.
    pub(super) fn store(&self, records: u64, body: &[u8]) -> Result<(), NotStored> {
        let first = {
            let state = self.lock();
            if !self.has_space(&state, body) {
                return Err(NotStored::Full);
            }
            state.next
        };
        let last = first.saturating_add(records.max(1)) - 1;
        let now = self.settings.clock.unix_time();
        let batch = StoredBatch::new((first, last), body, false, now).map_err(NotStored::Io)?;
        self.write(&batch, body).map_err(NotStored::Io)?;
        let mut state = self.lock();
        state.next = last.saturating_add(1);
        state.batches.push_back(batch);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Leaves out numbers for records that were lost before: a receiver can see that they are missing.
    pub(super) fn skip(&self, records: u64) {
        let mut state = self.lock();
        state.next = state.next.saturating_add(records);
    }

    fn has_space(&self, state: &State, body: &[u8]) -> bool {
        let files = state.batches.len().saturating_add(state.left_over.len());
        let bytes = state
            .disk_bytes()
            .saturating_add(disk_bytes(file_length(body)));
        files < MAX_FILES && bytes <= self.settings.limit
    }

    /// Waits until there is space for these records. Returns false if the sink is gone.
    pub(super) fn wait_for_space(&self, body: &[u8]) -> bool {
        let full = |state: &mut State| !self.has_space(state, body) && !state.ending;
        let state = self.changed.wait_while(self.lock(), full);
        !state.unwrap_or_else(PoisonError::into_inner).ending
    }

    /// Waits for a batch. Returns false if nothing is to be sent any more.
    pub(super) fn wait_for_batch(&self) -> bool {
        let none = |state: &mut State| state.batches.is_empty() && !state.stopping;
        let state = self.changed.wait_while(self.lock(), none);
        !state.unwrap_or_else(PoisonError::into_inner).stopping
    }

    /// Waits until this time on the monotonic clock. Returns false if nothing is to be sent any more.
    ///
    /// Meanwhile small batches are merged, so that they do not fill the disk with small files.
    pub(super) fn wait_until(&self, until: Duration) -> bool {
        let mut merges = true;
        loop {
            merges = merges && self.merge_small();
            let state = self.lock();
            if state.stopping || self.settings.clock.monotonic() >= until {
                return !state.stopping;
            }
            let _ = self.changed.wait_timeout(state, TICK);
        }
    }

    /// Returns the oldest batch.
    pub(super) fn front(&self) -> Option<StoredBatch> {
        self.lock().batches.front().cloned()
    }

    /// Returns how many batches wait.
    pub(super) fn len(&self) -> usize {
        self.lock().batches.len()
    }

    /// Reads the records of a batch.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::NotFound`] if the file is gone.
    /// - [`io::ErrorKind::FileTooLarge`] and [`io::ErrorKind::InvalidData`] if it is not what was stored.
    /// - Other errors of the system: the file may be read later.
    pub(super) fn read(&self, batch: &StoredBatch) -> io::Result<Vec<u8>> {
        let content = self.folder.read(&batch.name())?;
        batch.decode(self.settings.key.as_ref(), &content)
    }

    /// Removes a batch that was sent.
    ///
    /// # Errors
    ///
    /// The file cannot be removed. It is not sent again in this process, and takes space until it can be removed.
    pub(super) fn remove(&self, batch: &StoredBatch) -> io::Result<()> {
        let marked = self.mark(batch.last);
        let removed = self.folder.remove(&batch.name());
        let mut state = self.lock();
        state.take_out(batch);
        if removed.is_err() {
            state.left_over.push(batch.clone());
        }
        drop(state);
        self.remove_left_over();
        self.changed.notify_all();
        removed.and(marked).and_then(|()| self.folder.sync())
    }

    /// Tries again to remove what could not be removed.
    fn remove_left_over(&self) {
        let left_over = std::mem::take(&mut self.lock().left_over);
        let still = left_over.into_iter();
        let still = still.filter(|batch| self.folder.remove(&batch.name()).is_err());
        let still: Vec<_> = still.collect();
        self.lock().left_over.extend(still);
    }

    /// Keeps the highest number in the name of a file, when no batch with a higher one is left: numbers do not begin
    /// again. To rename takes no space on a full disk.
    fn mark(&self, last: u64) -> io::Result<()> {
        let mut state = self.lock();
        let is_highest = state.batches.iter().all(|batch| batch.last <= last);
        if is_highest && last > state.marked {
            let (old, new) = (marker(state.marked), marker(last));
            self.folder.rename(&old, &self.folder, &new)?;
            state.marked = last;
        }
        Ok(())
    }

    /// Keeps the number of the last record, also of a lost one.
    pub(super) fn mark_end(&self) {
        let last = self.lock().next.saturating_sub(1);
        if self.mark(last).and_then(|()| self.folder.sync()).is_err() {
            tracing::warn!(target: "palisade::audit", "cannot keep the number of the last record in the spool of the webhook");
        }
    }

    /// Moves a batch to those that the receiver refused.
    ///
    /// # Errors
    ///
    /// There is no place, or the disk fails. The batch stays where it is then.
    pub(super) fn set_aside(&self, batch: &StoredBatch) -> io::Result<()> {
        self.mark(batch.last)?;
        self.refused.take(&self.folder, batch)?;
        let mut state = self.lock();
        state.take_out(batch);
        state.refused = state.refused.saturating_add(batch.records());
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Forgets a batch whose file is gone.
    pub(super) fn forget(&self, batch: &StoredBatch) {
        let mut state = self.lock();
        state.take_out(batch);
        state.vanished = state.vanished.saturating_add(batch.records());
        drop(state);
        self.changed.notify_all();
    }

    /// Returns how many bytes wait: the space on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().disk_bytes()
    }

    /// Returns how many records were in files that are gone.
    pub(super) fn vanished(&self) -> u64 {
        self.lock().vanished
    }

    /// Returns how many records the receiver refused in this process.
    pub(super) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Returns for how long the records of a batch have waited, over restarts and divisions.
    pub(super) fn age(&self, batch: &StoredBatch) -> Duration {
        let now = self.settings.clock.unix_time();
        now.saturating_sub(batch.stored_at)
    }

    /// Returns for how long the oldest batch has waited.
    pub(super) fn oldest_age(&self) -> Option<Duration> {
        self.front().map(|batch| self.age(&batch))
    }

    /// Tells that the sink is gone.
    pub(super) fn begin_end(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    /// Ends sending. A try under way is given up.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
        self.stopped.notify_one();
    }

    /// Is ready when sending ends.
    pub(super) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    fn write(&self, batch: &StoredBatch, body: &[u8]) -> io::Result<()> {
        let content = batch.encode(self.settings.key.as_ref(), body);
        self.folder.write(&batch.name(), batch.stored_at, &content)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn disk_bytes(&self) -> u64 {
        let all = self.batches.iter().chain(&self.left_over);
        all.map(StoredBatch::disk_bytes).sum()
    }

    fn take_out(&mut self, batch: &StoredBatch) {
        self.batches.retain(|other| other != batch);
    }
}
