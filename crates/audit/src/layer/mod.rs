//! The outermost layer: it sees a request first and its end last.
//!
//! `builder` has the settings, `guard` runs a request, `sinks` calls the sinks so that none harms
//! the others, `gate` is the second, innermost guard, and `handle` closes the sinks.

mod builder;
mod gate;
mod guard;
mod handle;
mod left_out;
mod open_requests;
mod rules;
mod sinks;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use palisade_core::{Rejection, SharedClock};

pub use self::{
    builder::AuditLayerBuilder,
    gate::AuditGate,
    guard::AuditPass,
    handle::AuditHandle,
    rules::{AuditLevel, AuditRule},
    sinks::SinkPolicy,
};
use self::{
    left_out::LeftOut,
    open_requests::OpenRequests,
    rules::Rules,
    sinks::{ReservedSinks, Sinks},
};
use crate::{
    error::SinkUnavailable,
    key::AuditKey,
    record::redaction::Redaction,
    record::{AuditEvent, event_id},
};

/// Records every request once, whatever its outcome. Put it outermost.
///
/// A refusal, a panic of the handler, a client that disconnects and a body that is not read to its
/// end are outcomes like others. Cloning is cheap; clones share sinks and counters.
///
/// # Failure
///
/// By default the layer never holds a request back: a record that no sink can keep is lost, and
/// counted. With a [fail-closed](crate::FileSinkBuilder::fail_closed) sink no response starts
/// before its record is safe, and while none can be kept, requests are refused with 503 Service
/// Unavailable.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, MemorySink, event_id};
///
/// let memory = MemorySink::new();
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
/// assert!(memory.lines()[0].contains("service.started"));
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
///
/// A service on the internet: the trail in a file that must be written before a response starts, and a copy for the log of
/// the container that may be lost.
///
/// ```
/// use std::time::Duration;
/// use palisade_audit::{AuditLayer, FileSink, SinkPolicy, TracingSink};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder()
///     .sink(FileSink::builder(&path).fail_closed().open()?)
///     .sink_with(SinkPolicy::BestEffort, TracingSink::new())
///     .mask_client_address()
///     .close_deadline(Duration::from_secs(10))
///     .build()?;
/// # layer.handle().close_blocking()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Without a sink it is not built: a service that records nothing must not look like one that does.
///
/// ```
/// use palisade_audit::{AuditBuildError, AuditLayer};
///
/// assert!(matches!(AuditLayer::builder().build(), Err(AuditBuildError::NoSink)));
/// ```
#[derive(Clone)]
#[must_use]
pub struct AuditLayer(Arc<Inner>);

palisade_core::layer!(AuditLayer);

/// What all clones of a layer share.
pub(crate) struct Inner {
    /// Times of records and deadlines.
    clock: SharedClock,
    /// What may be recorded of request heads. Replaced when its key is.
    redaction: RwLock<Arc<Redaction>>,
    /// Which requests are recorded.
    rules: Rules,
    /// The sinks with their policies.
    sinks: Sinks,
    /// Whether a sink needs a record before the response. Without one, requests have one record
    /// less.
    requires_head_records: bool,
    /// Whether a sink refuses requests that it cannot record.
    fails_closed: bool,
    /// How many requests have no record of their end yet. A stop waits for them.
    open: OpenRequests,
    /// Requests without a record, by the rules.
    left_out: LeftOut,
    /// The longest wait of a close.
    close_deadline: Duration,
    /// The refusal while no record can be kept: 503 with `Retry-After`.
    unavailable: Rejection,
}

impl Inner {
    /// Records an event with the time of this clock, and without what may not be recorded.
    fn record(&self, event: AuditEvent) {
        let event = event.recorded_at(self.clock.unix_time());
        let event = event.redacted(&self.redaction());
        self.sinks.record_event(&Arc::new(event));
    }

    /// Ends a request without a record, as the rules say. Once a minute the trail says of how many this is so.
    fn leave_out(&self, reserved: ReservedSinks) {
        self.sinks.leave_out(reserved);
        if self.left_out.add(self.clock.monotonic()) {
            self.record_left_out();
        }
    }

    /// Records how many requests were left out since the last such event, if there are any.
    fn record_left_out(&self) {
        if let count @ 1.. = self.left_out.take() {
            self.record(AuditEvent::new(event_id::LEFT_OUT).number("count", count));
        }
    }

    /// Returns what may be recorded now.
    fn redaction(&self) -> Arc<Redaction> {
        let redaction = self.redaction.read();
        Arc::clone(&redaction.unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses another key for codes from now on, and records that.
    fn rotate_correlation_key(&self, key: AuditKey) {
        let mut event = AuditEvent::new(event_id::CORRELATION_KEY).text("key", key.id());
        {
            let current = self.redaction.write();
            let mut current = current.unwrap_or_else(PoisonError::into_inner);
            let before = current.key.as_ref().map(AuditKey::id);
            if before.as_ref() == Some(&key.id()) {
                return;
            }
            if let Some(before) = before {
                event = event.text("previous", before);
            }
            *current = Arc::new(current.with_key(key));
        }
        self.record(event);
    }
}

impl AuditLayer {
    /// Returns the settings of a layer. It needs at least one sink.
    pub fn builder() -> AuditLayerBuilder {
        AuditLayerBuilder::default()
    }

    /// Returns a guard that holds a request back until a record of its arrival is safe.
    ///
    /// Put it innermost, where the principal is known: the handler then never starts unrecorded. It
    /// costs one more wait for the disk. Without a fail-closed sink it refuses every request as
    /// misconfigured.
    pub fn gate(&self) -> AuditGate {
        AuditGate::new(self.clone())
    }

    /// Returns whether a sink refuses requests that it cannot record. Without one, a [`gate`](Self::gate) would
    /// refuse every request.
    #[must_use]
    pub fn is_fail_closed(&self) -> bool {
        self.0.fails_closed
    }

    /// Returns the handle that flushes and closes the sinks. Close it after the server has stopped.
    #[must_use]
    pub fn handle(&self) -> AuditHandle {
        AuditHandle::new(Arc::clone(&self.0))
    }

    /// Records an event that is not a request: a start, a reload, a refused connection.
    ///
    /// It never waits. A sink without space counts the event as lost.
    pub fn record(&self, event: AuditEvent) {
        self.0.record(event);
    }

    /// Returns the monotonic time.
    fn now(&self) -> Duration {
        self.0.clock.monotonic()
    }

    /// Returns the refusal for a sink that cannot keep a record, with the reason for the audit log.
    fn refuse(&self, why: SinkUnavailable) -> Box<Rejection> {
        Box::new(self.0.unavailable.clone().with_reason(why.as_str()))
    }
}

impl fmt::Debug for AuditLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer")
            .field("sinks", &self.0.sinks)
            .field("redaction", &self.0.redaction())
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}
