//! The trace of a request (W3C Trace Context), and its `tracing` span.
//!
//! [`TraceLayer`](crate::TraceLayer) begins both before it is known who sent the request. So the inbound identifiers are
//! stored, and the first read of [`SecurityContext::trace`] decides about them. Reads before the client address layer
//! trust no one.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64, NonZeroU128},
    sync::OnceLock,
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use palisade_internal::hex;
use tracing::{Span, field, span::Entered};

use super::{SecurityContext, request_id::next_number};
use crate::routes::RouteMatch;

/// The header with the identifiers of trace and span.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with what vendors add to a trace.
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Characters of a `traceparent` of version 00.
const PARENT_LENGTH: usize = 55;
/// The longest `tracestate` that is passed on (W3C Trace Context, section 3.3.1.5).
const LONGEST_STATE: usize = 512;

/// The place of one request in a trace: identifiers of the trace and of the request's own span.
///
/// Returned by [`SecurityContext::trace`]. The identifiers are no secrets, and a client sees them where it gets
/// `X-Request-Id`: grant nothing for them.
///
/// | who sent `traceparent` | trace | inbound span |
/// |---|---|---|
/// | no one, or it is malformed | a new one | none |
/// | a client | a new one | the [link](Self::link) |
/// | a trusted proxy, if [accepted](crate::TraceLayerBuilder::accept_from_proxies) | the inbound one | the [parent](Self::parent_id) |
///
/// ```
/// use http::HeaderMap;
/// use palisade_core::SecurityContext;
///
/// /// Adds the trace to a request for another service.
/// fn continue_trace(cx: &SecurityContext, headers: &mut HeaderMap) {
///     if let Some(trace) = cx.trace() {
///         trace.set_headers(headers);
///     }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceContext {
    trace: NonZeroU128,
    span: NonZeroU64,
    parent: Option<NonZeroU64>,
    link: Option<(NonZeroU128, NonZeroU64)>,
    is_sampled: bool,
    /// Of a trace that goes on. A new trace has none.
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// Returns the identifier of the trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        text_of_trace(self.trace)
    }

    /// Returns the identifier of the span of this request: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        text_of_span(self.span)
    }

    /// Returns the identifier of the span that caused this request. `None`: the trace begins here.
    #[must_use]
    pub fn parent_id(&self) -> Option<String> {
        self.parent.map(text_of_span)
    }

    /// Returns trace and span that a client named, and that are not trusted. `None`: it named none.
    ///
    /// The client chose both. They may be those of another client's request.
    #[must_use]
    pub fn link(&self) -> Option<(String, String)> {
        self.link
            .map(|(trace, span)| (text_of_trace(trace), text_of_span(span)))
    }

    /// Tells whether the spans of this trace are recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// Sets `traceparent` and `tracestate` for a request to another service. What is there is replaced.
    pub fn set_headers(&self, headers: &mut HeaderMap) {
        headers.remove(TRACESTATE);
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
        let flags = u8::from(self.is_sampled);
        let parent = format!("00-{}-{}-{flags:02x}", self.trace_id(), self.span_id());
        // Digits and hyphens are a header value.
        if let Ok(value) = HeaderValue::from_str(&parent) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

fn text_of_trace(id: NonZeroU128) -> String {
    format!("{id:032x}")
}

fn text_of_span(id: NonZeroU64) -> String {
    format!("{id:016x}")
}

/// The identifiers that came with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InboundTrace {
    trace: NonZeroU128,
    parent: NonZeroU64,
    is_sampled: bool,
    state: Option<HeaderValue>,
}

impl InboundTrace {
    /// Takes both headers out of a request. `None`: there is no `traceparent`, or it is malformed or there twice.
    pub(crate) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let mut sent = headers.get_all(TRACEPARENT).iter();
        let first = sent.next().cloned();
        let is_only = sent.next().is_none();
        let state = take_state(headers);
        headers.remove(TRACEPARENT);
        let mut inbound = Self::parse(first.filter(|_| is_only)?.as_bytes())?;
        inbound.state = state;
        Some(inbound)
    }

    /// Reads `version-trace-span-flags`. A later version may have more after that.
    fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(PARENT_LENGTH)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let [version] = hex::decode::<1>(parts.next()?)?;
        let is_length_right = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.first().is_none_or(|byte| *byte == b'-'),
        };
        let trace = u128::from_be_bytes(hex::decode(parts.next()?)?);
        let parent = u64::from_be_bytes(hex::decode(parts.next()?)?);
        let [flags] = hex::decode::<1>(parts.next()?)?;
        if !is_length_right || parts.next().is_some() {
            return None;
        }
        Some(Self {
            trace: NonZeroU128::new(trace)?,
            parent: NonZeroU64::new(parent)?,
            is_sampled: flags & 1 == 1,
            state: None,
        })
    }
}

/// Takes `tracestate`, with its lines as one. `None`: there is none, or it is too long or no printable text.
fn take_state(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(TRACESTATE).iter();
    let lines: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
    let joined = lines.join(&b","[..]);
    headers.remove(TRACESTATE);
    let is_text = joined
        .iter()
        .all(|byte| *byte == b' ' || byte.is_ascii_graphic());
    let is_kept = !joined.is_empty() && joined.len() <= LONGEST_STATE && is_text;
    is_kept.then(|| HeaderValue::from_bytes(&joined).ok())?
}

/// What [`TraceLayer`](crate::TraceLayer) stores of a request.
pub(crate) struct Trace {
    /// Whether a trusted proxy may name the trace.
    pub(crate) accepts: bool,
    /// Of how many new traces one is recorded.
    pub(crate) one_of: NonZeroU32,
    /// Whether the span has the principal.
    pub(crate) names_principal: bool,
    /// What was sent, until it is known who sent it.
    pub(crate) inbound: Option<InboundTrace>,
    /// Entered while the handler and the body run.
    pub(crate) span: Span,
    /// Set at the first read.
    pub(crate) decided: OnceLock<TraceContext>,
}

impl Trace {
    /// Continues the inbound trace, or begins one.
    fn decide(&self, cx: &SecurityContext) -> TraceContext {
        let is_trusted = self.accepts && cx.client().is_some_and(|it| it.is_through_proxy());
        let [span, _] = next_number();
        let span = NonZeroU64::new(span).unwrap_or(NonZeroU64::MIN);
        let decided = match &self.inbound {
            Some(inbound) if is_trusted => TraceContext {
                trace: inbound.trace,
                span,
                parent: Some(inbound.parent),
                link: None,
                is_sampled: inbound.is_sampled,
                state: inbound.state.clone(),
            },
            inbound => {
                let trace = NonZeroU128::new(cx.request_id().number());
                let trace = trace.unwrap_or(NonZeroU128::MIN);
                TraceContext {
                    trace,
                    span,
                    parent: None,
                    link: inbound.as_ref().map(|it| (it.trace, it.parent)),
                    is_sampled: trace.get().is_multiple_of(u128::from(self.one_of.get())),
                    state: None,
                }
            }
        };
        self.span
            .record("trace_id", field::display(decided.trace_id()));
        decided
    }
}

impl SecurityContext {
    /// Returns the trace of this request. `None`: no [`TraceLayer`](crate::TraceLayer) is outside.
    ///
    /// The first read decides whether the inbound trace goes on. Guards outside the client address layer must not read it in
    /// `admit`.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        let trace = self.0.trace.get()?;
        Some(trace.decided.get_or_init(|| trace.decide(self)))
    }

    /// Begins the trace. The first call wins.
    pub(crate) fn begin_trace(&self, trace: Trace) {
        let _ = self.0.trace.set(Box::new(trace));
    }

    /// Enters the span of the request, if there is one. It is left when the result is dropped.
    pub(crate) fn enter_span(&self) -> Option<Entered<'_>> {
        self.0.trace.get().map(|trace| trace.span.enter())
    }

    /// Notes the template of the route in the span.
    pub(super) fn note_route(&self) {
        if let (Some(trace), Some(RouteMatch::Found(rule))) = (self.0.trace.get(), self.route()) {
            trace.span.record("route", rule.template());
        }
    }

    /// Notes the principal in the span. Its name is escaped: an issuer of tokens may have chosen it.
    pub(super) fn note_principal(&self) {
        if let (Some(trace), Some(who)) = (self.0.trace.get(), self.principal())
            && trace.names_principal
        {
            trace.span.record("principal", field::debug(who.id()));
        }
    }

    /// Notes the end of the request in the span.
    pub(crate) fn note_outcome(&self, kind: &'static str, status: Option<StatusCode>) {
        let (Some(trace), Some(_)) = (self.0.trace.get(), self.trace()) else {
            return;
        };
        trace.span.record("outcome", kind);
        if let Some(status) = status {
            trace.span.record("status", status.as_u16());
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("inbound", &self.inbound)
            .field("decided", &self.decided)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[track_caller]
    fn check(text: &str, is_valid: bool) {
        assert_eq!(
            InboundTrace::parse(text.as_bytes()).is_some(),
            is_valid,
            "{text}"
        );
    }

    #[test]
    fn a_traceparent_is_read_as_the_standard_says() {
        check(PARENT, true);
        check(&PARENT.replacen("00", "cc", 1), true);
        check(&format!("cc{}-more", &PARENT[2..]), true);
        for malformed in [
            "",
            "00",
            &PARENT[..54],
            &format!("{PARENT}-more"),
            &format!("{PARENT} "),
            &format!("cc{}x", &PARENT[2..]),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.to_uppercase(),
            &PARENT.replace('-', "_"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031\r\n-b7ad6b7169203331-01",
        ] {
            check(malformed, false);
        }
    }

    #[test]
    fn both_headers_are_taken_and_two_parents_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        headers.append(TRACESTATE, HeaderValue::from_static("a=1"));
        headers.append(TRACESTATE, HeaderValue::from_static("b=2"));
        let inbound = InboundTrace::take(&mut headers);
        let state = inbound.and_then(|it| it.state);
        assert_eq!(state, Some(HeaderValue::from_static("a=1,b=2")));
        assert!(headers.is_empty());
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert_eq!(InboundTrace::take(&mut headers), None);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_state_that_is_long_or_no_text_is_dropped() {
        for state in ["", "a=\u{e9}", "a\tb", &"a".repeat(LONGEST_STATE + 1)] {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(state.as_bytes());
            headers.extend(value.ok().map(|value| (TRACESTATE, value)));
            assert_eq!(take_state(&mut headers), None, "{state}");
        }
    }
}
