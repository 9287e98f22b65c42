//! The thread that writes batches into the spool.

use std::sync::Arc;

use super::spool::{MAX_RECORDS, NotStored, Spool};
use crate::{
    error::SinkUnavailable,
    sink::{
        batches::{Batch, BatchRecord, Batches},
        job_queue::JobReceiver,
        repeat_filter::held_back,
    },
};

/// The state of the thread.
pub(super) struct Collector {
    /// Collects the records of the queue.
    pub(super) batches: Batches,
    /// The folder that batches wait in, shared with the thread that sends.
    pub(super) spool: Arc<Spool>,
    /// The most bytes of records that are stored together.
    pub(super) batch_bytes: usize,
    /// Whether new records wait for space in a full spool.
    pub(super) waits_for_space: bool,
    /// Lost records for which numbers were left out.
    pub(super) numbered_losses: u64,
}

/// Records that are stored together.
#[derive(Debug, Default)]
struct Part {
    /// How many records it has.
    records: u64,
    /// The records, one a line.
    body: Vec<u8>,
}

impl Collector {
    /// Stores batches until the queue is closed, then ends sending.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        while let Some(batch) = self.batches.next(jobs) {
            let last = batch.last;
            let stored = self.store(&batch, jobs);
            batch.answer(stored);
            if last {
                break;
            }
        }
        self.number_losses(jobs);
        self.spool.mark_end();
        self.spool.stop();
    }

    /// Stores a batch in parts. Returns the first error.
    ///
    /// # Errors
    ///
    /// That of the first part that could not be stored. The records of such parts are counted as
    /// lost.
    fn store(&mut self, batch: &Batch, jobs: &JobReceiver) -> Result<(), SinkUnavailable> {
        let mut outcome = Ok(());
        for part in parts(batch, self.batch_bytes) {
            self.number_losses(jobs);
            let stored = self.store_part(&part, batch.last, jobs);
            if stored.is_err() {
                jobs.lost(part.records);
            }
            outcome = outcome.and(stored);
        }
        outcome
    }

    /// Leaves out a number for each record that was lost since the last call.
    fn number_losses(&mut self, jobs: &JobReceiver) {
        // Those that were gone from the spool had a number.
        let lost = jobs.lost_records().saturating_sub(self.spool.vanished());
        self.spool.skip(lost.saturating_sub(self.numbered_losses));
        self.numbered_losses = lost.max(self.numbered_losses);
    }

    /// Stores records. What changes is logged.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Full`] if the spool has no space and may not be waited for,
    /// [`SinkUnavailable::Failing`] if it cannot be written.
    fn store_part(
        &self,
        part: &Part,
        last: bool,
        jobs: &JobReceiver,
    ) -> Result<(), SinkUnavailable> {
        loop {
            match self.spool.store(part.records, &part.body) {
                Ok(()) => {
                    if jobs.note(true) {
                        tracing::info!(target: "palisade::audit", "records are stored for the webhook again");
                    }
                    return Ok(());
                }
                Err(NotStored::Full) => {
                    if jobs.note(false) {
                        tracing::warn!(target: "palisade::audit", waits = self.waits_for_space, "the spool of the webhook is full");
                    }
                    if self.waits_for_space && !last && self.spool.wait_for_space(&part.body) {
                        continue;
                    }
                    if self.waits_for_space {
                        let records = part.records;
                        tracing::error!(target: "palisade::audit", records, "the spool of the webhook is full at the end; records are lost");
                    }
                    return Err(SinkUnavailable::Full);
                }
                Err(NotStored::Io(error)) => {
                    if jobs.note(false) {
                        tracing::error!(target: "palisade::audit", %error, errno = error.raw_os_error(), "cannot write the spool of the webhook; records are counted as lost");
                    }
                    return Err(SinkUnavailable::Failing);
                }
            }
        }
    }
}

/// Writes the records one a line, in parts of at most so many bytes, but at least one record.
fn parts(batch: &Batch, batch_bytes: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut part = Part::default();
    for record in &batch.records {
        let line = line(record);
        let is_long = part.body.len().saturating_add(line.len()) > batch_bytes;
        if part.records >= MAX_RECORDS || (is_long && part.records > 0) {
            parts.push(std::mem::take(&mut part));
        }
        part.records += 1;
        part.body.extend(line.bytes());
    }
    parts.extend((part.records > 0).then_some(part));
    parts
}

fn line(record: &BatchRecord) -> String {
    match record {
        BatchRecord::HeldBack(count) => format!("{}\n", held_back(count)),
        BatchRecord::Record(_, json) => format!("{json}\n"),
    }
}
