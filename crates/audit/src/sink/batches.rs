//! Collects the records that wait into batches.
//!
//! A batch ends when it is full, or when its first record has waited for the linger time. If a response waits for one
//! of its records, only what waits already is added.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc::RecvTimeoutError},
    time::Duration,
};

use palisade_core::SharedClock;

use super::{
    job_queue::{Confirm, Job, JobReceiver},
    repeat_filter::RepeatFilter,
    repeats::RepeatCount,
};
use crate::record::{AuditEvent, RequestRecord};

/// The most records of a batch.
const MAX_RECORDS: usize = 512;
/// A batch with so many bytes of records is full.
const MAX_BYTES: usize = 1024 * 1024;
/// The most bytes of a count, about.
const HELD_BACK_BYTES: usize = 1024;

/// What a batch has of a request.
pub(super) type Encode = fn(&RequestRecord) -> Option<String>;

/// Makes batches out of a queue.
pub(super) struct Batches {
    /// Decides which repeated refusals are only counted.
    repeats: RepeatFilter,
    /// `None`: every record as JSON. Otherwise requests alone, as this says.
    encode_request: Option<Encode>,
    /// Counts that are still to be sent.
    counts: VecDeque<RepeatCount>,
    /// Flushes that wait for these counts.
    flushes: Vec<Confirm>,
    /// How long the first record of a batch waits for others.
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
    /// The bytes of the records.
    bytes: usize,
}

/// One record of a batch.
pub(super) enum BatchRecord {
    /// Repetitions that were held back.
    HeldBack(RepeatCount),
    /// A record as JSON, and the time that it is about.
    Record(
        #[cfg_attr(
            not(feature = "otlp"),
            expect(dead_code, reason = "only OpenTelemetry wants it beside the record")
        )]
        Duration,
        String,
    ),
}

impl Batches {
    /// Makes batches that wait for further records for so long. `has_heads` tells whether responses wait.
    pub(super) fn new(linger: Duration, clock: SharedClock, has_heads: bool) -> Self {
        Self {
            repeats: RepeatFilter::new(has_heads, Arc::clone(&clock)),
            encode_request: None,
            counts: VecDeque::new(),
            flushes: Vec::new(),
            linger,
            clock,
        }
    }

    /// Puts requests alone into batches, in another form than their records. What it returns `None` for is left out.
    #[cfg(feature = "otlp")]
    pub(super) fn of_requests(mut self, encode: Encode) -> Self {
        self.encode_request = Some(encode);
        self
    }

    /// Waits for records. `None`: the sink is gone, and nothing waits.
    pub(super) fn next(&mut self, jobs: &JobReceiver) -> Option<Batch> {
        let mut batch = Batch::default();
        self.add_counts(&mut batch);
        if batch.records.is_empty() {
            self.first(jobs, &mut batch);
        }
        let end = self.clock.monotonic().saturating_add(self.linger);
        while !batch.is_full() && !batch.last {
            let next = match batch.waiting.is_empty() && self.flushes.is_empty() {
                true => jobs.recv_timeout(end.saturating_sub(self.clock.monotonic())),
                false => jobs.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            };
            match next {
                Ok(job) => self.take(job, &mut batch, jobs),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => self.end(&mut batch),
            }
        }
        self.add_counts(&mut batch);
        batch.last &= self.counts.is_empty();
        let nothing = batch.last && batch.records.is_empty() && batch.waiting.is_empty();
        (!nothing).then_some(batch)
    }

    /// Waits for the first job of a batch, or until a count is due.
    fn first(&mut self, jobs: &JobReceiver, batch: &mut Batch) {
        let next = match self.repeats.due_in() {
            Some(limit) => jobs.recv_timeout(limit),
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(job) => self.take(job, batch, jobs),
            Err(RecvTimeoutError::Timeout) => self.counts.extend(self.repeats.take_ended()),
            Err(RecvTimeoutError::Disconnected) => self.end(batch),
        }
    }

    /// Ends with all counts, since no further job comes.
    fn end(&mut self, batch: &mut Batch) {
        self.counts.extend(self.repeats.take_all());
        batch.last = true;
    }

    /// Adds the counts that have space. Those who flushed wait for the last one.
    fn add_counts(&mut self, batch: &mut Batch) {
        while !batch.is_full()
            && let Some(count) = self.counts.pop_front()
        {
            batch.add(BatchRecord::HeldBack(count));
        }
        if self.counts.is_empty() {
            batch.waiting.append(&mut self.flushes);
        }
    }

    /// Adds a job to a batch. A head that is held back is answered at once: no one waits for a count.
    fn take(&mut self, job: Job, batch: &mut Batch, jobs: &JobReceiver) {
        self.counts.extend(self.repeats.take_ended());
        match job {
            Job::Event(event) => self.event(&event, batch),
            Job::Flush(response) => {
                self.counts.extend(self.repeats.take_all());
                self.flushes.push(response);
            }
            Job::Head(record, response) => match self.repeats.head(&record) {
                true => {
                    self.add_request(&record, batch);
                    batch.waiting.push(response);
                }
                false => {
                    let _ = response.send(jobs.held_back());
                }
            },
            Job::Request(record) => {
                if self.repeats.request(&record) {
                    self.add_request(&record, batch);
                }
            }
        }
    }

    /// Adds a request in the form that the batches have: its head, or its end.
    fn add_request(&self, record: &RequestRecord, batch: &mut Batch) {
        let text = match self.encode_request {
            Some(encode) => encode(record),
            None => Some(record.to_json()),
        };
        if let Some(text) = text {
            batch.add(BatchRecord::Record(record.received_at(), text));
        }
    }

    /// Adds an event, unless it repeats another one of its client.
    fn event(&mut self, event: &AuditEvent, batch: &mut Batch) {
        if self.encode_request.is_none() && self.repeats.event(event) {
            let time = event.time().unwrap_or_default();
            batch.add(BatchRecord::Record(time, event.to_json()));
        }
    }
}

impl Batch {
    /// Tells all who wait the outcome.
    pub(super) fn answer(self, outcome: super::job_queue::Outcome) {
        for response in self.waiting {
            let _ = response.send(outcome);
        }
    }

    /// Tells whether the batch takes no further record.
    fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.bytes >= MAX_BYTES
    }

    /// Adds a record, and counts its bytes.
    fn add(&mut self, record: BatchRecord) {
        let bytes = match &record {
            BatchRecord::HeldBack(_) => HELD_BACK_BYTES,
            BatchRecord::Record(_, json) => json.len(),
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.records.push(record);
    }
}
