//! Begins the trace of each request (W3C Trace Context), and its `tracing` span.

use std::{num::NonZeroU32, sync::OnceLock};

use http::request;
use palisade_internal::method_name;

use crate::{
    context::{InboundTrace, SecurityContext, Trace},
    guard::{Guard, Outcome, Verdict},
    layer,
};

/// Gives each request a place in a trace: [`SecurityContext::trace`], and a span named `request`.
///
/// Place it outermost. `Shield` does so. Both headers of the request, `traceparent` and `tracestate`, are always
/// removed, so that no handler passes on what a client chose.
///
/// Default: each request begins a new trace, with the number of its `X-Request-Id`. What the client sent is kept as a
/// [link](crate::TraceContext::link): it cannot put its requests into the trace of somebody else, nor
/// decide whether they are recorded. With [`accept_from_proxies`](TraceLayerBuilder::accept_from_proxies) the inbound trace
/// goes on, if the request came [through a trusted proxy](crate::ClientInfo::is_through_proxy).
///
/// The span has the level INFO and the target `palisade`. Events of the handler and of its body are inside. Its fields:
///
/// | field | value | known |
/// |---|---|---|
/// | `method` | the method; `_OTHER` for one that is not of RFC 9110 or RFC 5789 | at once |
/// | `trace_id` | 32 hexadecimal digits | with the client address |
/// | `route` | the template of the route | with the route |
/// | `principal` | the identifier of the principal, escaped; none with [`without_principal`](TraceLayerBuilder::without_principal) | with the principal |
/// | `status`, `outcome` | status and [`OutcomeKind`](crate::OutcomeKind) | at the end |
///
/// No path, query, header or body is in it.
///
/// It refuses nothing. Costs one allocation a request, and the span where a subscriber wants it.
///
/// ```
/// use palisade_core::TraceLayer;
///
/// let default = TraceLayer::new();
/// let behind_envoy = TraceLayer::builder().accept_from_proxies().build();
/// ```
///
/// For a busy service: one trace of a hundred is recorded, and spans name no person. The choice is made from the number of
/// the trace, so all spans of a request share it:
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_core::{Guard, TraceLayer};
///
/// let hundred = NonZeroU32::new(100).expect("not zero");
/// let layer = TraceLayer::builder().record_one_of(hundred).without_principal().build();
/// assert_eq!(layer.name(), "trace");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TraceLayer {
    accepts: bool,
    one_of: NonZeroU32,
    names_principal: bool,
}

layer!(TraceLayer);

impl TraceLayer {
    /// Begins a new trace for each request, and records all. The same as `builder().build()`.
    pub const fn new() -> Self {
        Self {
            accepts: false,
            one_of: NonZeroU32::MIN,
            names_principal: true,
        }
    }

    /// Starts to configure the guard.
    pub const fn builder() -> TraceLayerBuilder {
        TraceLayerBuilder { layer: Self::new() }
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Configures a [`TraceLayer`]. Made by [`TraceLayer::builder`].
///
/// Default: no inbound trace is accepted, all traces are recorded, and the span names the principal.
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_core::TraceLayer;
///
/// let hundred = NonZeroU32::new(100).unwrap();
/// let layer = TraceLayer::builder().accept_from_proxies().record_one_of(hundred).build();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TraceLayerBuilder {
    layer: TraceLayer,
}

impl TraceLayerBuilder {
    /// Continues the trace that a trusted proxy sends in `traceparent`. Default: off.
    ///
    /// Whether it is recorded is then decided by the proxy. A proxy that takes part in no trace passes on what a
    /// client sent: turn this on only if the proxy writes the header itself.
    pub fn accept_from_proxies(mut self) -> Self {
        self.layer.accepts = true;
        self
    }

    /// Records one of so many traces that begin here. Default: 1, all.
    ///
    /// The number of the trace decides, which no client chooses. For the others, `traceparent` says that they are not
    /// recorded.
    pub fn record_one_of(mut self, traces: NonZeroU32) -> Self {
        self.layer.one_of = traces;
        self
    }

    /// Leaves the principal out of the span, and so out of all log lines of a request. Default: it is there, in clear.
    ///
    /// For services whose principals are persons: an issuer may name them by their email address. Pseudonyms of an
    /// audit trail do not change the span.
    ///
    /// ```
    /// use palisade_core::TraceLayer;
    ///
    /// let layer = TraceLayer::builder().without_principal().build();
    /// ```
    pub fn without_principal(mut self) -> Self {
        self.layer.names_principal = false;
        self
    }

    /// Builds the layer.
    pub fn build(self) -> TraceLayer {
        self.layer
    }
}

impl Guard for TraceLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "trace"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        let empty = tracing::field::Empty;
        cx.begin_trace(Trace {
            accepts: self.accepts,
            one_of: self.one_of,
            names_principal: self.names_principal,
            inbound: InboundTrace::take(&mut head.headers),
            span: tracing::info_span!(
                target: "palisade", "request",
                method = method_name::known(&head.method), trace_id = empty, route = empty,
                principal = empty, status = empty, outcome = empty,
            ),
            decided: OnceLock::new(),
        });
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, (): (), outcome: Outcome) {
        cx.note_outcome(outcome.kind.as_str(), outcome.status);
    }
}
