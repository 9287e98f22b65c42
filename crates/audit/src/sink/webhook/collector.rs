//! The thread that writes batches into the spool.

use std::sync::Arc;

use super::spool::{NotStored, Spool};
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
    pub(super) batches: Batches,
    pub(super) spool: Arc<Spool>,
    /// Whether new records wait for space in a full spool.
    pub(super) waits_for_space: bool,
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
        self.spool.stop();
    }

    /// Stores a batch, or counts its records as lost. What changes is logged.
    fn store(&self, batch: &Batch, jobs: &JobReceiver) -> Result<(), SinkUnavailable> {
        if batch.records.is_empty() {
            return Ok(());
        }
        let body = body(batch);
        loop {
            match self.spool.store(&body) {
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
                    if self.waits_for_space && !batch.last && self.spool.wait_for_space() {
                        continue;
                    }
                    jobs.lost(batch.len());
                    return Err(SinkUnavailable::Full);
                }
                Err(NotStored::Io(error)) => {
                    if jobs.note(false) {
                        tracing::error!(target: "palisade::audit", %error, errno = error.raw_os_error(), "cannot write the spool of the webhook; records are counted as lost");
                    }
                    jobs.lost(batch.len());
                    return Err(SinkUnavailable::Failing);
                }
            }
        }
    }
}

/// Writes the records one a line.
fn body(batch: &Batch) -> Vec<u8> {
    let mut body = Vec::new();
    for record in &batch.records {
        match record {
            BatchRecord::HeldBack(count) => body.extend(held_back(count).bytes()),
            BatchRecord::Record(_, json) => body.extend(json.bytes()),
        }
        body.push(b'\n');
    }
    body
}
