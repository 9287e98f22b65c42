//! The record of one request, before it becomes a line of JSON.
//!
//! `request_snapshot` copies the head at admission, `redaction` decides what may be recorded,
//! `encode` and `observations` write the members, and `json` escapes what could break a line.
//! `audit_event` has the records that are not about a request. `document` and `members` read
//! what stands in a file.

mod audit_event;
pub mod event_id;
mod correlation;
mod document;
mod members;
pub(crate) mod json;
pub(crate) mod redaction;
pub(crate) mod timestamp;
mod encode;
pub(crate) mod notes;
mod observations;
mod unknown_path;
mod request_origin;
mod request_snapshot;

use std::{borrow::Cow, fmt, net::IpAddr, num::NonZeroU32, time::Duration};

use http::{Method, StatusCode};
use palisade_core::{Outcome, Principal, RequestId, RouteMatch, SecurityContext};

pub use self::{audit_event::AuditEvent, correlation::CorrelatedField, document::RECORD_SCHEMA};
pub(crate) use self::{
    document::{Record, Text, VERSION, is_known_version},
    encode::{MAX_RECORD, RecordType},
    members::RefusalMember,
    request_snapshot::RequestSnapshot,
};

/// What happened to one request: who, what, when, from where, and with which outcome.
///
/// Sinks get it in an `Arc`, at the end of the request and, if they
/// [require](crate::Sink::requires_head_records) it, also before the response.
///
/// It has no header value but the host, no query value and no body, unless the layer was configured to record one. So a sink
/// cannot leak them. [`to_json`](Self::to_json) returns one line in which control characters and invisible
/// characters are escaped. The record keeps the request's [`SecurityContext`] in memory.
///
/// # Examples
///
/// A sink that prints refusals:
///
/// ```
/// use std::sync::Arc;
/// use palisade_audit::{RequestRecord, Sink};
///
/// #[derive(Debug)]
/// struct Refusals;
///
/// impl Sink for Refusals {
///     fn record_request(&self, record: &Arc<RequestRecord>) {
///         if let Some((guard, code)) = record.refused_by() {
///             let route = record.route().unwrap_or("no route");
///             println!("{} {route}: {code} by {guard}", record.method());
///         }
///     }
/// }
/// # let _ = Refusals;
/// ```
pub struct RequestRecord {
    /// Identity, route, client address and what the guards noticed.
    cx: SecurityContext,
    /// The part of the request head that may be recorded.
    snapshot: RequestSnapshot,
    /// When the record was made, and what was known then.
    stage: Stage,
    /// The time from arrival to the head of the response, on the monotonic clock. `None` if there is none.
    head_after: Option<Duration>,
    /// The time from arrival to this record, on the monotonic clock.
    duration: Duration,
    /// How much is in the head record, if the sinks that require one were given it.
    head_record: Option<Detail>,
    /// How much of the request is written.
    detail: Detail,
}

/// How much of a request is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Detail {
    /// Whether the chosen headers and query parameters are.
    pub(crate) fields: bool,
    /// Of how many requests like this one is recorded.
    pub(crate) one_of: NonZeroU32,
}

impl Detail {
    /// Everything, of every request.
    pub(crate) const FULL: Self = Self {
        fields: true,
        one_of: NonZeroU32::MIN,
    };

    /// Returns how much of a request is written at its end, after a head record. It stands for no more requests than
    /// that.
    pub(crate) fn after_head(self, head: Self) -> Self {
        Self {
            one_of: self.one_of.min(head.one_of),
            ..self
        }
    }
}

/// The point in the life of a request at which a record was made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Before the handler starts.
    Gate,
    /// Before the response starts, with its status.
    Head(StatusCode),
    /// The request is over.
    Over(Outcome),
}

impl RequestRecord {
    /// Returns the record of a request at one stage. Nothing is encoded yet.
    pub(crate) fn new(
        cx: SecurityContext,
        snapshot: RequestSnapshot,
        stage: Stage,
        duration: Duration,
        head_record: Option<Detail>,
        detail: Detail,
    ) -> Self {
        Self {
            cx,
            snapshot,
            stage,
            head_after: None,
            duration,
            head_record,
            detail,
        }
    }

    /// Adds when the response began, as time since the arrival.
    pub(crate) fn with_head_after(mut self, head_after: Option<Duration>) -> Self {
        self.head_after = head_after;
        self
    }

    /// Returns the identifier of the request.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.cx.request_id()
    }

    /// Returns when the request arrived, as time since the Unix epoch, by the clock of the layer.
    #[must_use]
    pub fn received_at(&self) -> Duration {
        self.snapshot.received_at
    }

    /// Returns how long the request took, from its arrival to this record, on the monotonic clock.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the method of the request; `OVERLONG` for one of more than 16 bytes.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.snapshot.method
    }

    /// Returns the template of the route. `None` if no route matched or there is no route table.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        match self.cx.route()? {
            RouteMatch::Found(rule) => Some(rule.template()),
            _ => None,
        }
    }

    /// Returns the authenticated principal. `None` for an anonymous or unauthenticated request.
    ///
    /// Its names are in clear also if the layer records pseudonyms: see
    /// [`recorded_principal`](Self::recorded_principal).
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.cx.principal()
    }

    /// Returns the code of the last refusal. `None` if the request was not refused.
    #[must_use]
    pub fn refusal_code(&self) -> Option<&'static str> {
        self.cx.refusal()
    }

    /// Returns the guard and the code of the last refusal, if the request was refused.
    ///
    /// The code equals [`refusal_code`](Self::refusal_code). Only real refusals count, not those of
    /// guards in shadow mode.
    #[must_use]
    pub fn refused_by(&self) -> Option<(&'static str, &'static str)> {
        self.cx.with_observations(|seen| {
            let refusal = seen.refusals().last()?;
            Some((refusal.guard, refusal.code))
        })
    }

    /// Returns whether the request was refused before it reached the handler, and so had no effect.
    pub(crate) fn is_refused_before_handler(&self) -> bool {
        self.cx.refused_before_handler()
    }

    /// Returns the identifier of the principal as it is recorded: its code, if the layer records pseudonyms.
    ///
    /// `None` for an anonymous or unauthenticated request.
    #[must_use]
    pub fn recorded_principal(&self) -> Option<Cow<'_, str>> {
        let name = self.principal()?.id();
        let redaction = &self.snapshot.redaction;
        Some(redaction.recorded_name("principal", name))
    }

    /// Returns the address of the client as it is recorded: masked or as a pseudonym, if the layer says so.
    ///
    /// `None` if the transport layer did not determine it.
    #[must_use]
    pub fn recorded_client(&self) -> Option<IpAddr> {
        let client = self.cx.client()?;
        Some(self.snapshot.redaction.recorded_client(client.ip()))
    }

    /// Returns the status of the response. `None` before there is one, or if the request ended
    /// without one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.stage {
            Stage::Gate => None,
            Stage::Head(status) => Some(status),
            Stage::Over(outcome) => outcome.status,
        }
    }

    /// Returns how the request ended. `None` for a head or gate record.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Over(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Returns whether the sinks that require head records were given one of this request.
    #[must_use]
    pub fn has_head_record(&self) -> bool {
        self.head_record.is_some()
    }

    /// Returns the context of the request, for sinks of other crates. It may hold more than may be
    /// recorded.
    #[must_use]
    pub fn context(&self) -> &SecurityContext {
        &self.cx
    }

    /// Returns the whole record as one line of JSON, without a line feed.
    ///
    /// It has no number and no hash: only a [`FileSink`](crate::FileSink) adds those. It has at
    /// most 32 KiB.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(512);
        self.encode_unsealed(self.record_type(), &mut out);
        out.push(b'}');
        // The writer puts whole characters; a replacement would only show that it does not.
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Returns which record this is for sinks that do not split requests into head and end.
    fn record_type(&self) -> RecordType {
        match self.stage {
            Stage::Gate => RecordType::Gate,
            Stage::Head(_) => RecordType::Head,
            Stage::Over(_) => RecordType::Request,
        }
    }
}

impl fmt::Debug for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}
