//! Refusals: recorded, logged if the server is at fault, and rendered for this request.
//!
//! The guards and [`refuse`](crate::refuse) call it. Rendering cannot fail; a renderer that panics
//! is handled by the caller.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, Version, header, request};
use palisade_internal::log_limit::LogLimitTable;

use super::{SecurityContext, observations::Refusal};
use crate::{
    clock::{Clock as _, SystemClock},
    rejection::{DEFAULT_RENDERER, Rejection, Renderer, render_grpc},
};

/// An unread body up to this many bytes is left to the server; a longer one closes an HTTP/1
/// connection.
const SMALL_BODY: u64 = 8 * 1024;

/// Bounds the log lines of server faults (misconfigured guards, handlers that panic), which every
/// request could cause.
///
/// Lines are told apart by guard, code and reason. Each is written at once the first time, then at most
/// once a minute with a count.
static FAULTS: LogLimitTable = LogLimitTable::per_minute();

/// Returns how many lines of this kind were held back, if one is to be written now.
fn is_due(guard: &str, code: &str, reason: &str, now: Duration) -> Option<u64> {
    FAULTS.admit(&[guard, code, reason], now)
}

/// Logs a fault of the server, if a line is due.
fn log_fault(guard: &'static str, code: &'static str, reason: &str, now: Duration) {
    if let Some(held_back) = is_due(guard, code, reason, now) {
        tracing::error!(
            target: "palisade", guard, code, reason, held_back,
            "a request failed by a fault of the server"
        );
    }
}

impl SecurityContext {
    /// Records a refusal, and logs it if its code says that the server is at fault.
    pub(crate) fn refuse(&self, guard: &'static str, rejection: &mut Rejection) {
        let reason = rejection.take_reason();
        let code = rejection.code();
        if matches!(code, "internal_error" | "misconfigured") {
            let now = SystemClock::default().monotonic();
            log_fault(guard, code, reason.as_deref().unwrap_or_default(), now);
        }
        let refusal = Refusal::new(guard, rejection, reason);
        self.records().observations_mut().refuse(refusal);
    }

    /// Renders a refusal with the renderer of the stack.
    pub(crate) fn render(&self, rejection: Rejection) -> Response<Bytes> {
        match self.0.renderer.get() {
            Some(renderer) => self.render_by(&**renderer, rejection),
            None => self.render_by_default(rejection),
        }
    }

    /// Renders a refusal as [`ProblemJson`](crate::ProblemJson) does, or for gRPC.
    pub(crate) fn render_by_default(&self, rejection: Rejection) -> Response<Bytes> {
        self.render_by(&DEFAULT_RENDERER, rejection)
    }

    /// Renders in the gRPC form or by a renderer. Then adds what the connection needs: `Connection:
    /// close`, or no body for `HEAD`.
    fn render_by(&self, renderer: &dyn Renderer, rejection: Rejection) -> Response<Bytes> {
        let exposed = self.0.expose.load(Ordering::Relaxed);
        let exposed = exposed.then(|| rejection.clone());
        let mut response = match &self.0.grpc {
            Some(content_type) => render_grpc(rejection, content_type),
            None => renderer.render(rejection),
        };
        if self.0.close_on_refusal {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if self.0.is_head {
            // hyper would send the body over HTTP/2, and the client reset the stream.
            let length = std::mem::take(response.body_mut()).len();
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
        }
        if let Some(rejection) = exposed {
            response.extensions_mut().insert(rejection);
        }
        response
    }

    /// Sets the renderer. The first call wins; exposing stays on once any layer asked for it.
    pub(crate) fn render_with(&self, renderer: Arc<dyn Renderer>, expose: bool) {
        let _ = self.0.renderer.set(renderer);
        self.0.expose.fetch_or(expose, Ordering::Relaxed);
    }
}

/// The headers of a request that say what its body is: the first line of each.
///
/// They are found in one pass. Most requests have none of them, and a look-up by name, which hashes it, costs more than
/// to compare it with those of a whole request.
#[derive(Default)]
pub(super) struct BodyHeaders<'a> {
    length: Option<&'a HeaderValue>,
    transfer_encoding: bool,
    content_type: Option<&'a HeaderValue>,
}

impl<'a> BodyHeaders<'a> {
    pub(super) fn of(head: &'a request::Parts) -> Self {
        let mut found = Self::default();
        for (name, value) in &head.headers {
            if name == header::CONTENT_LENGTH {
                found.length.get_or_insert(value);
            } else if name == header::CONTENT_TYPE {
                found.content_type.get_or_insert(value);
            } else if name == header::TRANSFER_ENCODING {
                found.transfer_encoding = true;
            }
        }
        found
    }

    /// Tells whether a refusal would leave a body on an HTTP/1 connection that is not worth reading.
    pub(super) fn leave_much_unread(&self, version: Version) -> bool {
        if version >= Version::HTTP_2 {
            return false;
        }
        if self.transfer_encoding {
            return true;
        }
        let Some(length) = self.length else {
            return false;
        };
        let length = length.to_str().ok().and_then(|text| text.parse().ok());
        length.is_none_or(|length: u64| length > SMALL_BODY)
    }

    /// Returns the content type of a gRPC request, which its refusal must have too.
    pub(super) fn grpc_content_type(&self) -> Option<HeaderValue> {
        let value = self.content_type?;
        let rest = value.as_bytes().strip_prefix(b"application/grpc")?;
        let whole = matches!(rest.first(), None | Some(b'+' | b';' | b'-'));
        whole.then(|| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_requests_that_meet_one_fault_write_one_line_a_minute() {
        let second = Duration::from_secs(1);
        let written = |from: u64| {
            let times = (0..1_000_000_u32).map(|number| second / 1_000_000 * number);
            let base = Duration::from_secs(from);
            times
                .filter(|time| is_due("test", "misconfigured", "why", base + *time).is_some())
                .count()
        };
        assert_eq!(written(100), 1);
        assert_eq!(written(110), 0);
        assert_eq!(written(300), 1);
    }

    #[test]
    fn faults_do_not_hide_each_other() {
        let now = Duration::from_secs(1_000);
        let reasons: Vec<String> = (0..17).map(|number| format!("reason {number}")).collect();
        for reason in &reasons {
            let written = is_due("test", "misconfigured", reason, now);
            assert_eq!(written, Some(0), "{reason}");
        }
        assert_eq!(
            is_due("another", "misconfigured", &reasons[0], now),
            Some(0)
        );
        assert_eq!(is_due("test", "misconfigured", &reasons[0], now), None);
    }
}
