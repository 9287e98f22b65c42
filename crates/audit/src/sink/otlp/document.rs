//! The body of a request: logs in the JSON form of the OpenTelemetry protocol (OTLP 1, `ExportLogsServiceRequest`).
//!
//! Each record of the trail is one log record. Its body is the record as JSON, and what filters need is repeated in
//! attributes with the names of the semantic conventions. Numbers of 64 bits are texts, as the form demands.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    query::StoredRecord,
    sink::{repeat_filter, repeats::RepeatCount},
};

/// Severity numbers of the data model for logs.
const INFO: (u8, &str) = (9, "INFO");
const INFO2: (u8, &str) = (10, "INFO2");
const WARN: (u8, &str) = (13, "WARN");

/// Returns the body for some log records of a service.
pub(super) fn body(service: &str, records: &[Value]) -> Vec<u8> {
    let request = json!({
        "resourceLogs": [{
            "resource": { "attributes": [text("service.name", service)] },
            "scopeLogs": [{
                "scope": { "name": "palisade-audit", "version": env!("CARGO_PKG_VERSION") },
                "logRecords": records,
            }],
        }],
    });
    request.to_string().into_bytes()
}

/// Returns the log record of a record of the trail. `time` is when it happened, `now` when it was sent.
pub(super) fn log_record(record: &StoredRecord, time: Duration, now: Duration) -> Value {
    let (number, name) = severity(record);
    let event = record.event_id().map_or_else(
        || format!("palisade.audit.{}", record.kind()),
        str::to_owned,
    );
    let mut log_record = json!({
        "timeUnixNano": time.as_nanos().to_string(),
        "observedTimeUnixNano": now.as_nanos().to_string(),
        "severityNumber": number,
        "severityText": name,
        "eventName": event,
        "body": { "stringValue": record.line() },
        "attributes": attributes(record),
    });
    if let (Some(trace), Some(members)) = (record.trace_id(), log_record.as_object_mut()) {
        members.insert("traceId".to_owned(), trace.into());
    }
    log_record
}

/// Returns the log record of a text that is no record of the trail: without attributes, but not lost.
pub(super) fn unread_record(text: &str, time: Duration, now: Duration) -> Value {
    json!({
        "timeUnixNano": time.as_nanos().to_string(),
        "observedTimeUnixNano": now.as_nanos().to_string(),
        "severityNumber": WARN.0,
        "severityText": WARN.1,
        "eventName": "palisade.audit.unread",
        "body": { "stringValue": text },
        "attributes": [],
    })
}

/// Returns the log record that says which repetitions were not sent, and how many.
pub(super) fn held_back(count: &RepeatCount, now: Duration) -> Value {
    let client = count.key.client.map(|client| client.to_string());
    let texts = [
        ("client.address", client.as_deref()),
        ("user.id", count.key.principal.as_deref()),
        ("palisade.refusal.guard", Some(count.key.guard)),
        ("palisade.refusal.code", Some(count.key.code)),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(key, value)| Some(text(key, value?)));
    let attributes: Vec<Value> = texts
        .chain([number("palisade.count", count.count)])
        .collect();
    json!({
        "timeUnixNano": count.last.as_nanos().to_string(),
        "observedTimeUnixNano": now.as_nanos().to_string(),
        "severityNumber": INFO2.0,
        "severityText": INFO2.1,
        "eventName": "palisade.audit.held_back",
        "body": { "stringValue": repeat_filter::held_back(count) },
        "attributes": attributes,
    })
}

/// Errors of the service are warnings, refusals are noticed, everything else is information.
fn severity(record: &StoredRecord) -> (u8, &'static str) {
    match record.status() {
        Some(500..) => WARN,
        _ if record.refusal_code().is_some() => INFO2,
        _ => INFO,
    }
}

/// Returns the attributes of a record that has them.
fn attributes(record: &StoredRecord) -> Vec<Value> {
    let texts = [
        ("http.request.method", record.method()),
        ("http.route", record.route()),
        ("client.address", record.client()),
        ("user.id", record.principal()),
        ("palisade.owner", record.owner()),
        ("palisade.request.id", record.request_id()),
        ("palisade.outcome", record.outcome()),
        ("palisade.refusal.guard", record.refusing_guard()),
        ("palisade.refusal.code", record.refusal_code()),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(key, value)| Some(text(key, value?)));
    let status = record.status().map(u64::from);
    let status = status.map(|status| number("http.response.status_code", status));
    let duration = record.duration();
    let micros = duration.map(|it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX));
    let duration = micros.map(|it| number("palisade.duration_us", it));
    texts.chain(status).chain(duration).collect()
}

pub(super) fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

pub(super) fn number(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}
