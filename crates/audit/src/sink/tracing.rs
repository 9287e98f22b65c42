//! Events as events of `tracing`.

use std::sync::Arc;

use super::Sink;
use crate::{AuditEvent, Event};

/// Tells every request to `tracing`, at level `INFO`, target `palisade::audit`.
///
/// The message is the record; `id`, `status`, `how` and `refused` are fields of their own, for
/// filters. What a subscriber does with it is not ours: for a trail, use a [`FileSink`](crate::FileSink).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingSink;

impl TracingSink {
    /// Makes one.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Sink for TracingSink {
    fn event(&self, event: &Arc<AuditEvent>) {
        if tracing::enabled!(target: "palisade::audit", tracing::Level::INFO) {
            tracing::info!(target: "palisade::audit", event_id = event.id(), "{}", event.to_json());
        }
    }

    fn end(&self, event: &Arc<Event>) {
        // The record is only written when somebody listens.
        if !tracing::enabled!(target: "palisade::audit", tracing::Level::INFO) {
            return;
        }
        tracing::info!(
            target: "palisade::audit",
            id = %event.request_id(),
            status = event.status().map(|status| status.as_u16()),
            how = event.ending().map(|ending| ending.how.as_str()),
            refused = event.refusal(),
            "{}",
            event.to_json()
        );
    }
}
