//! What happened to one request, before it becomes a line.

mod audit_event;
mod encode;
mod facts;
mod path;
mod seen;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use palisade_core::{Ending, Principal, RequestId, RouteMatch, SecurityContext};

pub use self::audit_event::{AuditEvent, event_id};
pub(crate) use self::{
    encode::{Form, MAX_RECORD},
    seen::Seen,
};
use crate::redact::Redaction;

/// What happened to one request: what sinks are given.
///
/// It holds no header value, no query value and no body, so a sink cannot leak them; its text (in
/// [`to_json`](Self::to_json)) is one harmless line. It keeps the request's context alive, and no more.
pub struct RequestRecord {
    cx: SecurityContext,
    seen: Seen,
    redaction: Arc<Redaction>,
    stage: Stage,
    duration: Duration,
    has_head_record: bool,
}

/// When an event was told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Before the handler starts.
    Gate,
    /// Before the answer starts.
    Head(StatusCode),
    /// When it is over.
    Over(Ending),
}

impl RequestRecord {
    pub(crate) fn new(
        cx: SecurityContext,
        seen: Seen,
        redaction: Arc<Redaction>,
        stage: Stage,
        duration: Duration,
        has_head_record: bool,
    ) -> Self {
        Self {
            cx,
            seen,
            redaction,
            stage,
            duration,
            has_head_record,
        }
    }

    /// Returns the request's identifier.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.cx.request_id()
    }

    /// Returns when the request came, as time since the Unix epoch.
    #[must_use]
    pub fn received_at(&self) -> Duration {
        self.seen.time
    }

    /// Returns how long it took, up to this event.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.seen.method
    }

    /// Returns the template of the route, if the table of routes knows the request.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        match self.cx.route()? {
            RouteMatch::Found(rule) => Some(rule.template()),
            _ => None,
        }
    }

    /// Returns who asked, if that was proven.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.cx.principal()
    }

    /// Returns the code of the refusal, if the request was refused.
    #[must_use]
    pub fn refusal_code(&self) -> Option<&'static str> {
        self.cx.refusal()
    }

    /// Returns the guard that refused the request, and the code, if it was refused.
    #[must_use]
    pub fn refused_by(&self) -> Option<(&'static str, &'static str)> {
        self.cx.with_observations(|seen| {
            let refusal = seen.refusals().last()?;
            Some((refusal.guard, refusal.code))
        })
    }

    /// Returns the client's address as it is recorded: masked, if the layer says so.
    #[must_use]
    pub fn recorded_client(&self) -> Option<IpAddr> {
        let client = self.cx.client()?;
        Some(self.redaction.client(client.ip()))
    }

    /// Returns the status of the answer, once there is one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.stage {
            Stage::Gate => None,
            Stage::Head(status) => Some(status),
            Stage::Over(ending) => ending.status,
        }
    }

    /// Returns how the request ended, once it is over.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match self.stage {
            Stage::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// Tells whether a head record of this request was given to the sinks that demand one.
    #[must_use]
    pub fn has_head_record(&self) -> bool {
        self.has_head_record
    }

    /// Returns what was seen of the request, as the context of other crates' sinks.
    #[must_use]
    pub fn context(&self) -> &SecurityContext {
        &self.cx
    }

    /// Writes the whole event as one line of JSON, without a line end and outside of any chain.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(512);
        self.draft(self.whole(), &mut out);
        out.push(b'}');
        // The writer puts whole characters; a replacement would only show that it does not.
        String::from_utf8_lossy(&out).into_owned()
    }

    fn whole(&self) -> Form {
        match self.stage {
            Stage::Gate => Form::Gate,
            Stage::Head(_) => Form::Head,
            Stage::Over(_) => Form::Request,
        }
    }
}

impl fmt::Debug for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}
