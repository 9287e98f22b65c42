//! The thread that sends: it collects batches, and tries each of them up to four times.

use std::{future::pending, io, sync::mpsc::RecvTimeoutError, thread, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use palisade_core::SharedClock;
use serde::Deserialize;
use serde_json::Value;

use super::document;
use crate::{
    error::SinkUnavailable,
    query::StoredRecord,
    record::{AuditEvent, RequestRecord},
    sink::{
        http::{HttpClient, Reply, retry_after},
        job_queue::{Confirm, Job, JobReceiver},
        repeat_lines::RepeatFilter,
    },
};

/// The most records of one request.
const MAX_BATCH: usize = 512;
/// How often a batch is tried in all.
const TRIES: u32 = 4;
/// The longest pause that a collector can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of the thread.
pub(super) struct Exporter {
    pub(super) client: HttpClient,
    pub(super) service_name: Box<str>,
    pub(super) linger: Duration,
    pub(super) retry_pause: Duration,
    pub(super) clock: SharedClock,
    pub(super) repeats: RepeatFilter,
}

/// Records that are sent together, and who waits for them.
#[derive(Default)]
struct Batch {
    records: Vec<Value>,
    /// Responses and flushes that wait.
    waiting: Vec<Confirm>,
    /// The sink is gone: this is the last batch.
    last: bool,
}

/// How a collector decided about a batch.
enum Decision {
    /// It was taken, but for so many records.
    Taken { rejected: u64 },
    /// It will never be taken.
    Refused(StatusCode),
    /// It may be taken later, after a pause if the collector asked for one.
    Later(io::Error, Option<Duration>),
}

impl Exporter {
    /// Collects and sends batches until the queue is closed.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        loop {
            let Ok(first) = jobs.recv() else { return };
            let mut batch = Batch::default();
            self.take(first, &mut batch);
            self.collect(jobs, &mut batch);
            let sent = self.send(&batch, jobs);
            for response in batch.waiting {
                let _ = response.send(sent);
            }
            if batch.last {
                return;
            }
        }
    }

    /// Adds what comes until the batch is full or old. If someone waits, only what is there already.
    fn collect(&mut self, jobs: &JobReceiver, batch: &mut Batch) {
        let end = self.clock.monotonic().saturating_add(self.linger);
        while batch.records.len() < MAX_BATCH {
            let next = match batch.waiting.is_empty() {
                true => jobs.recv_timeout(end.saturating_sub(self.clock.monotonic())),
                false => jobs.try_recv().map_err(|_| RecvTimeoutError::Timeout),
            };
            match next {
                Ok(job) => self.take(job, batch),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => {
                    batch.last = true;
                    return;
                }
            }
        }
    }

    /// Adds a record to the batch, unless it is a repetition.
    fn take(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Event(event) => self.take_event(&event, batch),
            Job::Flush(response) => batch.waiting.push(response),
            Job::Head(record, response) => {
                let admitted = self.repeats.head(&record);
                self.take_request(admitted, &record, batch);
                batch.waiting.push(response);
            }
            Job::Request(record) => {
                let admitted = self.repeats.request(&record);
                self.take_request(admitted, &record, batch);
            }
        }
    }

    fn take_request(&self, admitted: Option<u64>, record: &RequestRecord, batch: &mut Batch) {
        self.add(admitted, record.received_at(), || record.to_json(), batch);
    }

    fn take_event(&self, event: &AuditEvent, batch: &mut Batch) {
        let time = event.time().unwrap_or_default();
        self.add(self.repeats.event(event), time, || event.to_json(), batch);
    }

    fn add(
        &self,
        admitted: Option<u64>,
        time: Duration,
        record: impl FnOnce() -> String,
        batch: &mut Batch,
    ) {
        let now = self.clock.unix_time();
        let Some(held_back) = admitted else { return };
        if held_back > 0 {
            batch.records.push(document::held_back(held_back, now));
        }
        let record = StoredRecord::parse(record().as_bytes());
        let record = record.map(|record| document::log_record(&record, time, now));
        batch.records.extend(record);
    }

    /// Sends a batch, with some tries. What is lost is counted.
    fn send(&mut self, batch: &Batch, jobs: &JobReceiver) -> Result<(), SinkUnavailable> {
        let count = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return Ok(());
        }
        let body = Bytes::from(document::body(&self.service_name, &batch.records));
        let mut pause = self.retry_pause;
        for attempt in 1..=TRIES {
            let (problem, asked) = match self.try_once(&body) {
                Decision::Taken { rejected: 0 } => {
                    went_well(jobs);
                    return Ok(());
                }
                Decision::Taken { rejected } => {
                    let problem = format!("the collector rejected {rejected} records");
                    return went_wrong(jobs, rejected.min(count), &io::Error::other(problem));
                }
                Decision::Refused(status) => {
                    let problem = io::Error::other(format!("status {status}"));
                    return went_wrong(jobs, count, &problem);
                }
                Decision::Later(problem, asked) => (problem, asked),
            };
            if batch.last || attempt == TRIES {
                return went_wrong(jobs, count, &problem);
            }
            thread::sleep(pause.max(asked.unwrap_or_default().min(LONGEST_PAUSE)));
            pause = pause.saturating_mul(2);
        }
        Ok(())
    }

    fn try_once(&mut self, body: &Bytes) -> Decision {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        match self.client.post(&headers, body, pending()) {
            Ok(reply) => decision(&reply, self.clock.unix_time()),
            Err(problem) => Decision::Later(problem, None),
        }
    }
}

/// Logs that records arrive again, if they did not.
fn went_well(jobs: &JobReceiver) {
    if jobs.note(true) {
        tracing::info!(target: "palisade::audit", "records are sent to the collector again");
    }
}

/// Counts lost records, and logs the first ones.
fn went_wrong(jobs: &JobReceiver, lost: u64, error: &io::Error) -> Result<(), SinkUnavailable> {
    jobs.lost(lost);
    if jobs.note(false) {
        tracing::warn!(
            target: "palisade::audit",
            %error,
            "records cannot be sent to the collector; they are counted as lost"
        );
    }
    Err(SinkUnavailable::Failing)
}

/// The response, as far as it is read. Numbers of 64 bits may be texts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Response {
    partial_success: PartialSuccess,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    rejected_log_records: Value,
}

/// Decides by the rules of the protocol which bodies are sent again.
fn decision(reply: &Reply, now: Duration) -> Decision {
    match reply.status.as_u16() {
        200..=299 => {
            let response: Response = serde_json::from_slice(&reply.body).unwrap_or_default();
            let rejected = response.partial_success.rejected_log_records;
            let text = rejected.as_str().and_then(|it| it.parse().ok());
            let rejected = rejected.as_u64().or(text).unwrap_or(0);
            Decision::Taken { rejected }
        }
        429 | 502..=504 => {
            let problem = io::Error::other(format!("status {}", reply.status));
            Decision::Later(problem, retry_after(reply.retry_after.as_ref(), now))
        }
        _ => Decision::Refused(reply.status),
    }
}
