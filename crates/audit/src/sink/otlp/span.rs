//! Spans in the JSON form of the OpenTelemetry protocol (`ExportTraceServiceRequest`): one for each request.
//!
//! A span has what is needed to find a slow or failed request: route, principal, status, outcome. It has neither path nor
//! address nor anything that the client wrote, since traces are read by more people than the trail. Names that the
//! trail records as codes are codes here.

use std::time::Duration;

use http::StatusCode;
use palisade_core::{OutcomeKind, TraceContext};
use palisade_internal::method_name;
use serde_json::{Value, json};

use super::document::{number, text};
use crate::record::RequestRecord;

/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;
/// The flag of a trace that is recorded.
const SAMPLED: u8 = 1;

/// Returns the body for some spans of a service.
pub(super) fn body(service: &str, spans: &[Value]) -> Vec<u8> {
    let request = json!({
        "resourceSpans": [{
            "resource": { "attributes": [text("service.name", service)] },
            "scopeSpans": [{
                "scope": { "name": "palisade-audit", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans,
            }],
        }],
    });
    request.to_string().into_bytes()
}

/// Returns the span of a request that is over. `None`: it has no trace, or its trace is not recorded.
pub(crate) fn span(record: &RequestRecord) -> Option<Value> {
    let trace = record.context().trace()?;
    let outcome = record.outcome()?;
    if !trace.is_sampled() {
        return None;
    }
    let begin = record.received_at();
    let parent = trace.parent_id();
    let parent = parent.map(|parent| ("parentSpanId", parent.into()));
    let is_error = is_error(outcome.kind, outcome.status);
    let status = is_error.then(|| ("status", json!({ "code": ERROR })));
    let mut span = json!({
        "traceId": trace.trace_id(),
        "spanId": trace.span_id(),
        "flags": SAMPLED,
        "name": name(record),
        "kind": SERVER,
        "startTimeUnixNano": nanoseconds(begin),
        "endTimeUnixNano": nanoseconds(begin.saturating_add(record.duration())),
        "attributes": attributes(record),
        "links": links(trace),
    });
    let members = span.as_object_mut()?;
    for (name, value) in parent.into_iter().chain(status) {
        members.insert(name.to_owned(), value);
    }
    Some(span)
}

fn nanoseconds(time: Duration) -> String {
    time.as_nanos().to_string()
}

/// The method with the template of the route, if it has one.
fn name(record: &RequestRecord) -> String {
    let method = method_name::known(record.method());
    match record.route() {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

/// Names of the semantic conventions where there are some.
fn attributes(record: &RequestRecord) -> Vec<Value> {
    let principal = record.recorded_principal();
    let refused = record.refused_by();
    let id = record.request_id().to_string();
    let texts = [
        (
            "http.request.method",
            Some(method_name::known(record.method())),
        ),
        ("http.route", record.route()),
        ("user.id", principal.as_deref()),
        ("palisade.request.id", Some(&*id)),
        (
            "palisade.outcome",
            record.outcome().map(|it| it.kind.as_str()),
        ),
        ("palisade.refusal.guard", refused.map(|(guard, _)| guard)),
        ("palisade.refusal.code", refused.map(|(_, code)| code)),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(key, value)| Some(text(key, value?)));
    let status = record.status().map(|it| u64::from(it.as_u16()));
    let status = status.map(|status| number("http.response.status_code", status));
    texts.chain(status).collect()
}

/// What a client named as its trace, which is not trusted.
fn links(trace: &TraceContext) -> Vec<Value> {
    let link = trace.link();
    let link = link.map(|(trace, span)| json!({ "traceId": trace, "spanId": span }));
    link.into_iter().collect()
}

/// A refusal is no error of the service, and a client that disconnects is none.
fn is_error(kind: OutcomeKind, status: Option<StatusCode>) -> bool {
    let is_failed = matches!(
        kind,
        OutcomeKind::BodyFailed | OutcomeKind::Panicked | OutcomeKind::ServiceFailed
    );
    is_failed || status.is_some_and(|status| status.is_server_error())
}
