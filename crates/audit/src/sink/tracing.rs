//! Writes records as log lines of `tracing`.
//!
//! Repeated refusals of one client are limited to one line in 60 seconds, so a client cannot fill
//! the log. The table of clients is bounded.

use std::sync::Arc;

use super::Sink;
use crate::{
    record::{AuditEvent, RequestRecord},
    sink::{repeat_lines::RepeatLines, repeats::RepeatKey},
};

/// Writes every record as a log line of `tracing`, level `INFO`, target `palisade::audit`.
///
/// The message is the record as JSON. `id`, `status`, `how` and `refused` are also fields, for
/// filters. Of each client address, guard and code only the first refusal in 60 seconds is a line,
/// and so with connection events of a client. The next line has the number of those between,
/// `held_back`.
///
/// A log can be lost or rewritten by the subscriber: for a trail that can be verified, use a
/// [`FileSink`](crate::FileSink).
///
/// ```
/// use palisade_audit::{AuditLayer, TracingSink};
///
/// let layer = AuditLayer::builder().sink(TracingSink::new()).build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracingSink {
    /// When lines were last written; shared by all clones.
    lines: Arc<RepeatLines>,
}

impl TracingSink {
    /// Returns a sink that has written no line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Sink for TracingSink {
    fn record_event(&self, event: &Arc<AuditEvent>) {
        // The record is only written when a subscriber is interested.
        if !tracing::enabled!(target: "palisade::audit", tracing::Level::INFO) {
            return;
        }
        let now = event.time().unwrap_or_default();
        let held_back = match RepeatKey::of_event(event).map(|key| self.lines.admit(key, now)) {
            Some(None) => return,
            Some(Some(held_back)) => held_back,
            None => 0,
        };
        let held_back = (held_back > 0).then_some(held_back);
        tracing::info!(
            target: "palisade::audit",
            event_id = event.id(),
            held_back,
            "{}",
            event.to_json()
        );
    }

    fn record_request(&self, event: &Arc<RequestRecord>) {
        if !tracing::enabled!(target: "palisade::audit", tracing::Level::INFO) {
            return;
        }
        let admitted =
            RepeatKey::of_request(event).map(|key| self.lines.admit(key, event.received_at()));
        let held_back = match admitted {
            Some(None) => return,
            Some(Some(held_back)) => held_back,
            None => 0,
        };
        let held_back = (held_back > 0).then_some(held_back);
        tracing::info!(
            target: "palisade::audit",
            id = %event.request_id(),
            status = event.status().map(|status| status.as_u16()),
            how = event.outcome().map(|outcome| outcome.kind.as_str()),
            refused = event.refusal_code(),
            held_back,
            "{}",
            event.to_json()
        );
    }
}
