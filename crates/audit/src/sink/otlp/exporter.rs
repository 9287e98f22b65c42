//! The thread of the sink: collects records into batches, and sends them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use palisade_core::SharedClock;
use serde_json::Value;

use super::{
    super::{job_queue::Job, repeat_lines::RepeatLines, repeats::RepeatKey},
    connection::{Connection, Reply},
    document,
};
use crate::{
    error::SinkUnavailable,
    query::StoredRecord,
    record::{AuditEvent, RequestRecord},
};

/// The most records of one request.
const MAX_BATCH: usize = 512;
/// How often a batch is tried in all.
const TRIES: u32 = 4;

/// The state of the thread.
pub(super) struct Exporter {
    pub(super) connection: Connection,
    pub(super) service_name: Box<str>,
    pub(super) linger: Duration,
    pub(super) retry_pause: Duration,
    pub(super) clock: SharedClock,
    pub(super) repeats: RepeatLines,
    pub(super) lost: Arc<AtomicU64>,
    /// Whether the last batch was lost.
    pub(super) failing: bool,
}

impl Exporter {
    /// Collects and sends batches until the queue is closed.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut closed = false;
        while !closed {
            let Ok(first) = jobs.recv() else { return };
            let (mut batch, mut flush) = (Vec::new(), None);
            let mut next = Some(first);
            let end = self.clock.monotonic().saturating_add(self.linger);
            while let Some(job) = next.take() {
                match job {
                    Job::Event(event) => self.take_event(&event, &mut batch),
                    Job::Request(record) => self.take_request(&record, &mut batch),
                    Job::Flush(response) => flush = Some(response),
                }
                if batch.len() < MAX_BATCH && flush.is_none() {
                    let left = end.saturating_sub(self.clock.monotonic());
                    next = match jobs.recv_timeout(left) {
                        Ok(job) => Some(job),
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => {
                            closed = true;
                            None
                        }
                    };
                }
            }
            let sent = self.send(&batch, closed);
            if let Some(response) = flush {
                let _ = response.send(sent);
            }
        }
    }

    /// Adds a request to the batch, unless it is a repetition.
    fn take_request(&self, record: &RequestRecord, batch: &mut Vec<Value>) {
        let time = record.received_at();
        self.take(
            RepeatKey::of_request(record),
            time,
            || record.to_json(),
            batch,
        );
    }

    /// Adds an event to the batch, unless it is a repetition.
    fn take_event(&self, event: &AuditEvent, batch: &mut Vec<Value>) {
        let time = event.time().unwrap_or_default();
        self.take(RepeatKey::of_event(event), time, || event.to_json(), batch);
    }

    fn take(
        &self,
        repeated: Option<RepeatKey>,
        time: Duration,
        record: impl FnOnce() -> String,
        batch: &mut Vec<Value>,
    ) {
        let now = self.clock.unix_time();
        match repeated.map(|key| self.repeats.admit(key, time)) {
            Some(None) => return,
            Some(Some(count @ 1..)) => batch.push(document::held_back(count, now)),
            Some(Some(0)) | None => {}
        }
        let record = StoredRecord::parse(record().as_bytes());
        batch.extend(record.map(|record| document::log_record(&record, time, now)));
    }

    /// Sends a batch, with some tries. What is lost is counted.
    fn send(&mut self, batch: &[Value], last: bool) -> Result<(), SinkUnavailable> {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return Ok(());
        }
        let body = Bytes::from(document::body(&self.service_name, batch));
        let mut pause = self.retry_pause;
        for attempt in 1..=TRIES {
            let problem = match self.connection.send(&body) {
                Reply::Taken { rejected: 0 } => {
                    self.went_well();
                    return Ok(());
                }
                Reply::Taken { rejected } => {
                    let problem = format!("the collector rejected {rejected} records");
                    return self.went_wrong(rejected.min(count), &io::Error::other(problem));
                }
                Reply::Refused(status) => {
                    return self.went_wrong(count, &io::Error::other(format!("status {status}")));
                }
                Reply::Later(problem) => problem,
            };
            if last || attempt == TRIES {
                return self.went_wrong(count, &problem);
            }
            thread::sleep(pause);
            pause = pause.saturating_mul(2);
        }
        Ok(())
    }

    /// Logs that records arrive again, if they did not.
    fn went_well(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(target: "palisade::audit", "records are sent to the collector again");
        }
    }

    /// Counts lost records, and logs the first ones.
    fn went_wrong(&mut self, lost: u64, error: &io::Error) -> Result<(), SinkUnavailable> {
        self.lost.fetch_add(lost, Ordering::Relaxed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                target: "palisade::audit",
                %error,
                "records cannot be sent to the collector; they are counted as lost"
            );
        }
        Err(SinkUnavailable::Failing)
    }
}
