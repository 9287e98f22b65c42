//! A record before the handler starts.

use std::sync::Arc;

use http::request;
use palisade_core::{Guard, SecurityContext, Verdict};

use super::{AuditLayer, sinks::Begun};
use crate::event::{Seen, Stage};

/// Holds a request until a record of its coming is safe. Made by [`AuditLayer::gate`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditGate(AuditLayer);

palisade_core::layer!(AuditGate);

impl AuditGate {
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
        if !layer.0.requires_head_records {
            let reason = "the audit gate needs a fail-closed sink";
            return palisade_core::Rejection::misconfigured(reason).into();
        }
        // Applied twice, it waits once.
        if !cx.first_visit(Arc::as_ptr(&layer.0.redaction).addr()) {
            return Verdict::Admit(());
        }
        let seen = Seen::of(cx, head, &layer.0.redaction, &*layer.0.clock);
        let event = layer.event(cx, seen, Stage::Gate, false);
        let kept = layer
            .0
            .sinks
            .keep(Begun::ALL, &event, |sink, event| sink.record_gate(event));
        layer.verdict(kept)
    }
}
