//! The part of a request that the audit record needs, copied at admission.
//!
//! Later guards strip credentials from the head, and the handler consumes it. When the record is
//! written, after the response, only this copy is left. The copy is bounded: a client chooses the
//! content of a request head, but not how much of it is kept.

use std::{sync::Arc, time::Duration};

use http::{Method, request};
use palisade_core::{Clock, SecurityContext};

use super::{
    redaction::{RedactedField, Redaction},
    request_origin::RequestOrigin,
    unknown_path::UnknownPath,
};

/// The longest method name that is recorded as it was sent. Only `UPDATEREDIRECTREF` of the
/// registered methods (RFC 9110, section 16.1) is longer, and no handler serves it here.
const MAX_METHOD_BYTES: usize = 16;

/// A copy of what a record shows of a request head.
///
/// Made at admission: later guards remove credentials from the head, and the handler consumes it.
#[derive(Clone, Debug)]
pub(crate) struct RequestSnapshot {
    /// Wall-clock time of arrival, since the Unix epoch.
    pub(crate) received_at: Duration,
    /// Monotonic time of arrival; the duration of the request is measured from here.
    pub(crate) started: Duration,
    /// Replaced by `OVERLONG` if longer than [`MAX_METHOD_BYTES`].
    pub(crate) method: Method,
    /// Connection, version of HTTP, host.
    pub(crate) origin: RequestOrigin,
    /// `None` if a route matched: its template is recorded.
    pub(crate) path: Option<RecordedPath>,
    /// The chosen headers and query parameters, as HMAC codes or in clear.
    pub(crate) redacted_fields: Vec<RedactedField>,
    /// What may be recorded, with the key that was current at the arrival.
    pub(crate) redaction: Arc<Redaction>,
}

/// A path, in the form in which it may be recorded.
#[derive(Clone, Debug)]
pub(crate) enum RecordedPath {
    /// As it was sent: the operator chose `dangerously_record_raw_paths`.
    Clear(Box<str>),
    /// A path for which no route was known at admission.
    Unknown(UnknownPath),
}

impl RequestSnapshot {
    /// Copies what the record needs from a request head.
    pub(crate) fn capture(
        cx: &SecurityContext,
        head: &request::Parts,
        redaction: Arc<Redaction>,
        clock: &dyn Clock,
    ) -> Self {
        let path = head.uri.path();
        let path = match (redaction.raw_paths, cx.rule()) {
            (true, _) => Some(RecordedPath::Clear(path.into())),
            (false, Some(_)) => None,
            (false, None) => Some(RecordedPath::Unknown(UnknownPath::copy_of(path))),
        };
        Self {
            received_at: cx.unix_time(clock),
            started: cx.monotonic_time(clock),
            method: bounded_method(&head.method),
            origin: RequestOrigin::of(head),
            path,
            redacted_fields: redaction.redacted_fields(head),
            redaction,
        }
    }
}

/// Copies a method, without an allocation whose size the client chose.
fn bounded_method(method: &Method) -> Method {
    match method.as_str().len() {
        0..=MAX_METHOD_BYTES => method.clone(),
        // A valid method name that no handler serves.
        _ => Method::from_bytes(b"OVERLONG").unwrap_or(Method::GET),
    }
}
