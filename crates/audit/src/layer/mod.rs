//! The layer: hears of every request first and of its end last.

mod builder;
mod gate;
mod guard;
mod handle;
mod open_requests;
mod sinks;
mod timer;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::{Rejection, SharedClock};

pub(crate) use self::handle::block_on;
pub use self::{
    builder::AuditLayerBuilder, gate::AuditGate, guard::AuditPass, handle::AuditHandle,
    sinks::SinkPolicy,
};
use self::{open_requests::OpenRequests, sinks::Sinks};
use crate::{AuditEvent, SinkUnavailable, redact::Redaction};

/// Records every request once, however it ends. Stands outermost.
///
/// In its default form it never holds a request up. With a sink that is
/// [fail-closed](crate::FileSinkBuilder::fail_closed), no answer starts before its record is safe.
#[derive(Clone)]
#[must_use]
pub struct AuditLayer(Arc<Inner>);

palisade_core::layer!(AuditLayer);

pub(crate) struct Inner {
    clock: SharedClock,
    redaction: Arc<Redaction>,
    sinks: Sinks,
    requires_head_records: bool,
    open: OpenRequests,
    close_deadline: Duration,
    unavailable: Rejection,
}

impl Inner {
    fn record(&self, event: AuditEvent) {
        let event = event.recorded_at(self.clock.unix_time());
        let event = event.with_client(|client| self.redaction.client(client));
        self.sinks.record_event(&Arc::new(event));
    }
}

impl AuditLayer {
    /// Starts to describe a layer. It needs a sink.
    pub fn builder() -> AuditLayerBuilder {
        AuditLayerBuilder::default()
    }

    /// Returns a guard that holds a request until a record of its coming is safe, before the handler
    /// starts. It belongs innermost, where it is known who asks. For acts that must not happen
    /// unrecorded; it costs one more wait for the disk. Where no sink is fail-closed it could promise
    /// nothing, and refuses every request as misconfigured.
    pub fn gate(&self) -> AuditGate {
        AuditGate::new(self.clone())
    }

    /// Tells whether a sink holds answers back until their record is safe. Without one, a
    /// [`gate`](Self::gate) would refuse every request.
    #[must_use]
    pub fn is_fail_closed(&self) -> bool {
        self.0.requires_head_records
    }

    /// Returns what flushes and closes the sinks. Close it after the server has stopped.
    #[must_use]
    pub fn handle(&self) -> AuditHandle {
        AuditHandle::new(Arc::clone(&self.0))
    }

    /// Records an event that is no request: a start, a reload, a refused connection.
    ///
    /// It never waits. A sink without room counts the event as lost.
    pub fn record(&self, event: AuditEvent) {
        self.0.record(event);
    }

    fn now(&self) -> Duration {
        self.0.clock.monotonic()
    }

    fn refuse(&self, why: SinkUnavailable) -> Box<Rejection> {
        Box::new(self.0.unavailable.clone().with_reason(why.as_str()))
    }
}

impl fmt::Debug for AuditLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer")
            .field("sinks", &self.0.sinks)
            .field("redaction", &self.0.redaction)
            .finish_non_exhaustive()
    }
}
