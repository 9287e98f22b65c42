//! Collects the records that wait into batches.
//!
//! A batch ends when it is full, or when its first record has waited for the linger time. If a response waits for one
//! of its records, only what waits already is added.

use std::{sync::mpsc::RecvTimeoutError, time::Duration};

use palisade_core::SharedClock;

use super::{
    job_queue::{Confirm, Job, JobReceiver},
    repeat_lines::RepeatFilter,
};
use crate::record::{AuditEvent, RequestRecord};

/// The most records of a batch.
const MAX_RECORDS: usize = 512;
/// A batch with so many bytes of records is full.
const MAX_BYTES: usize = 1024 * 1024;

/// Makes batches out of a queue.
pub(super) struct Batches {
    repeats: RepeatFilter,
    linger: Duration,
    clock: SharedClock,
}

/// Records that are sent together, and who waits for them.
#[derive(Default)]
pub(super) struct Batch {
    /// The records, in their order.
    pub(super) records: Vec<BatchRecord>,
    /// Responses and flushes that wait.
    pub(super) waiting: Vec<Confirm>,
    /// The sink is gone: this is the last batch.
    pub(super) last: bool,
    bytes: usize,
}

/// One record of a batch.
pub(super) enum BatchRecord {
    /// So many repetitions were held back.
    HeldBack(u64),
    /// A record as JSON, and the time that it is about.
    Record(Duration, String),
}

impl Batches {
    /// Makes batches that wait for further records for so long. `has_heads` tells whether responses wait.
    pub(super) fn new(linger: Duration, clock: SharedClock, has_heads: bool) -> Self {
        Self {
            repeats: RepeatFilter::new(has_heads),
            linger,
            clock,
        }
    }

    /// Waits for records. `None`: the sink is gone, and nothing waits.
    pub(super) fn next(&mut self, jobs: &JobReceiver) -> Option<Batch> {
        let mut batch = Batch::default();
        self.take(jobs.recv().ok()?, &mut batch);
        let end = self.clock.monotonic().saturating_add(self.linger);
        while !batch.is_full() {
            let next = match batch.waiting.is_empty() {
                true => jobs.recv_timeout(end.saturating_sub(self.clock.monotonic())),
                false => jobs.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            };
            match next {
                Ok(job) => self.take(job, &mut batch),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    batch.last = true;
                    break;
                }
            }
        }
        Some(batch)
    }

    fn take(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Event(event) => self.event(&event, batch),
            Job::Flush(response) => batch.waiting.push(response),
            Job::Head(record, response) => {
                request(self.repeats.head(&record), &record, batch);
                batch.waiting.push(response);
            }
            Job::Request(record) => request(self.repeats.request(&record), &record, batch),
        }
    }

    fn event(&self, event: &AuditEvent, batch: &mut Batch) {
        let time = event.time().unwrap_or_default();
        batch.add(self.repeats.event(event), time, || event.to_json());
    }
}

fn request(admitted: Option<u64>, record: &RequestRecord, batch: &mut Batch) {
    batch.add(admitted, record.received_at(), || record.to_json());
}

impl Batch {
    /// Returns how many records are in it.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap_or(u64::MAX)
    }

    /// Tells all who wait the outcome.
    pub(super) fn answer(self, outcome: super::job_queue::Outcome) {
        for response in self.waiting {
            let _ = response.send(outcome);
        }
    }

    fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.bytes >= MAX_BYTES
    }

    /// Adds a record, unless it is a repetition. The number of repetitions comes before it.
    fn add(&mut self, admitted: Option<u64>, time: Duration, record: impl FnOnce() -> String) {
        let Some(held_back) = admitted else { return };
        if held_back > 0 {
            self.records.push(BatchRecord::HeldBack(held_back));
        }
        let record = record();
        self.bytes = self.bytes.saturating_add(record.len());
        self.records.push(BatchRecord::Record(time, record));
    }
}
