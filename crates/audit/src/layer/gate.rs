//! A record before the handler starts.
//!
//! The gate is the innermost guard, where the principal is known. It gives each fail-closed sink
//! a record of type `gate` and waits for it, so that the handler never starts unrecorded. If no
//! sink can keep the record in time, the request is refused with 503.

use std::sync::Arc;

use http::request;
use palisade_core::{Guard, SecurityContext, Verdict};

use super::{AuditLayer, sinks::ReservedSinks};
use crate::record::{Detail, RequestSnapshot, Stage};

/// Holds a request back until a record of its arrival is safe. Made by [`AuditLayer::gate`].
///
/// Place it innermost, directly around the handler. Without it, a fail-closed layer holds back the response, but
/// the handler has run by then: an order is placed, and no record says so. With it, an act that cannot be
/// recorded does not happen. It costs a second wait for the disk.
///
/// If no sink can keep the record in time, the request is refused with 503 and the handler does not start.
/// Without a fail-closed sink every request is refused as misconfigured (500). An [`AuditRule`](crate::AuditRule) does not
/// leave out its record.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink};
/// use tower::ServiceBuilder;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let audit = AuditLayer::builder().sink(FileSink::builder(&path).fail_closed().open()?).build()?;
/// let gate = audit.gate();
/// // Outermost the layer, innermost the gate; all other guards are between them.
/// let stack = ServiceBuilder::new().layer(audit).layer(gate);
/// # let _ = stack;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditGate(AuditLayer);

palisade_core::layer!(AuditGate);

impl AuditGate {
    /// Returns the gate of a layer, with the same sinks.
    pub(super) fn new(layer: AuditLayer) -> Self {
        Self(layer)
    }
}

impl Guard for AuditGate {
    type Pass = ();

    fn name(&self) -> &'static str {
        "audit_gate"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        let layer = &self.0;
        // Without a sink that waits for its disk a gate could promise nothing; the builder of a
        // stack learns that at the first request, as with every part that misses another.
        if !layer.0.fails_closed {
            let reason = "the audit gate needs a fail-closed sink";
            return palisade_core::Rejection::misconfigured(reason).into();
        }
        // Applied twice, it waits once.
        // The next address is another name than that of the layer, and of no other part.
        if !cx.first_visit(Arc::as_ptr(&layer.0).addr().wrapping_add(1)) {
            return Verdict::Admit(());
        }
        let snapshot = RequestSnapshot::capture(cx, head, layer.0.redaction(), &*layer.0.clock);
        let event = layer
            .event(cx, snapshot, Stage::Gate, None, Detail::FULL)
            .into();
        let recorded =
            layer
                .0
                .sinks
                .record_before_response(ReservedSinks::ALL, &event, |sink, event| {
                    sink.record_gate(event)
                });
        layer.verdict(recorded)
    }
}
