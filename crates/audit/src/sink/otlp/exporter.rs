//! The thread that sends batches, and tries each of them up to four times.

use std::{future::pending, io, thread, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use palisade_core::SharedClock;
use serde::Deserialize;
use serde_json::Value;

use super::{OtlpSignal, document, span};
use crate::{
    error::SinkUnavailable,
    query::StoredRecord,
    sink::{
        batches::{Batch, BatchRecord, Batches},
        http::{HttpClient, Reply, retry_after},
        job_queue::JobReceiver,
    },
};

/// How often a batch is tried in all.
const TRIES: u32 = 4;
/// The longest pause that a collector can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of the thread.
pub(super) struct Exporter {
    /// The connection to the collector.
    pub(super) client: HttpClient,
    /// The resource attribute `service.name`.
    pub(super) service_name: Box<str>,
    /// What a batch becomes.
    pub(super) signal: OtlpSignal,
    /// Collects the records of the queue.
    pub(super) batches: Batches,
    /// The pause after the first failed try. It doubles with each.
    pub(super) retry_pause: Duration,
    /// The time at which a record was sent, in its log record.
    pub(super) clock: SharedClock,
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
    /// Sends batches until the queue is closed.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        while let Some(batch) = self.batches.next(jobs) {
            let last = batch.last;
            let sent = self.send(&batch, jobs);
            batch.answer(sent);
            if last {
                return;
            }
        }
    }

    /// Returns the body for a batch, and how many records or spans are in it.
    fn body(&self, batch: &Batch) -> (Bytes, u64) {
        let body = match self.signal {
            OtlpSignal::Logs => {
                let records = log_records(batch, self.clock.unix_time());
                (document::body(&self.service_name, &records), records.len())
            }
            OtlpSignal::Spans => {
                let spans = spans(batch);
                (span::body(&self.service_name, &spans), spans.len())
            }
        };
        (
            Bytes::from(body.0),
            u64::try_from(body.1).unwrap_or(u64::MAX),
        )
    }

    /// Sends a batch, with some tries. What is lost is counted. The last batch of a sink is tried once, so that a process
    /// can end while the collector is away.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Failing`]: at least one record of the batch was not taken.
    fn send(&mut self, batch: &Batch, jobs: &JobReceiver) -> Result<(), SinkUnavailable> {
        let (body, count) = self.body(batch);
        if count == 0 {
            return Ok(());
        }
        let mut pause = self.retry_pause;
        for attempt in 1..=TRIES {
            let (problem, asked) = match self.try_once(&body) {
                Decision::Taken { rejected: 0 } => {
                    went_well(jobs);
                    return Ok(());
                }
                Decision::Taken { rejected } if rejected < count => {
                    went_well(jobs);
                    return rejected_some(jobs, rejected);
                }
                Decision::Taken { .. } => {
                    let problem = io::Error::other("the collector rejected all records");
                    return went_wrong(jobs, count, &problem);
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

    /// Sends a body once. A connection that fails is opened again at the next try.
    fn try_once(&mut self, body: &Bytes) -> Decision {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        match self.client.post(&headers, body, pending()) {
            Ok(reply) => decision(&reply, self.clock.unix_time()),
            Err(problem) => Decision::Later(problem, None),
        }
    }
}

/// Returns a log record for each record of a batch.
fn log_records(batch: &Batch, now: Duration) -> Vec<Value> {
    let log_record = |record: &BatchRecord| match record {
        BatchRecord::HeldBack(count) => document::held_back(count, now),
        BatchRecord::Record(time, json) => match StoredRecord::parse(json.as_bytes()) {
            Some(record) => document::log_record(&record, *time, now),
            None => document::unread_record(json, *time, now),
        },
    };
    batch.records.iter().map(log_record).collect()
}

/// Returns the spans of a batch. Repeated refusals that were held back have none.
fn spans(batch: &Batch) -> Vec<Value> {
    let span = |record: &BatchRecord| match record {
        BatchRecord::HeldBack(_) => None,
        BatchRecord::Record(_, json) => serde_json::from_str(json).ok(),
    };
    batch.records.iter().filter_map(span).collect()
}

/// Logs that records arrive again, if they did not.
fn went_well(jobs: &JobReceiver) {
    if jobs.note(true) {
        tracing::info!(target: "palisade::audit", "records are sent to the collector again");
    }
}

/// Counts the records that the collector rejected out of a batch. It does not say which, so no response to which one of
/// the batch is due may rely on it. But the collector works: later requests are not refused for it.
///
/// # Errors
///
/// Always, for the responses that wait.
fn rejected_some(jobs: &JobReceiver, rejected: u64) -> Result<(), SinkUnavailable> {
    jobs.lost(rejected);
    tracing::warn!(target: "palisade::audit", rejected, "the collector rejected records; they are counted as lost");
    Err(SinkUnavailable::Failing)
}

/// Counts lost records, and logs the first ones.
///
/// # Errors
///
/// Always, for the responses that wait.
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
    /// Absent or empty: all records were taken.
    partial_success: PartialSuccess,
}

/// What the collector did not take of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    /// A number, or a text with one.
    rejected_log_records: Value,
    rejected_spans: Value,
}

/// Decides by the rules of the protocol which bodies are sent again.
fn decision(reply: &Reply, now: Duration) -> Decision {
    match reply.status.as_u16() {
        200..=299 => {
            let response: Response = serde_json::from_slice(&reply.body).unwrap_or_default();
            let partial = response.partial_success;
            let rejected = [partial.rejected_log_records, partial.rejected_spans];
            let rejected = rejected.iter().map(number).max().unwrap_or(0);
            Decision::Taken { rejected }
        }
        429 | 502..=504 => {
            let problem = io::Error::other(format!("status {}", reply.status));
            Decision::Later(problem, retry_after(reply.retry_after.as_ref(), now))
        }
        _ => Decision::Refused(reply.status),
    }
}

/// Reads a number of 64 bits. 0 if it is none.
fn number(value: &Value) -> u64 {
    let text = value.as_str().and_then(|it| it.parse().ok());
    value.as_u64().or(text).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_record_is_sent_too() {
        let mut batch = Batch::default();
        for text in ["{\"type\":\"event\"}", "{}", "no JSON"] {
            let record = BatchRecord::Record(Duration::from_secs(1), text.to_owned());
            batch.records.push(record);
        }
        let sent = log_records(&batch, Duration::from_secs(2));
        let texts: Vec<_> = sent
            .iter()
            .map(|it| it["body"]["stringValue"].as_str())
            .collect();
        let expected = ["{\"type\":\"event\"}", "{}", "no JSON"].map(Some);
        assert_eq!(texts, expected);
        assert_eq!(sent[2]["eventName"], "palisade.audit.unread");
    }
}
