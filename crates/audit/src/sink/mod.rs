//! Sinks: where records are written to.
//!
//! [`Sink`] is the trait. [`FileSink`] writes a hash chain to a file, [`MemorySink`] keeps the
//! latest records, [`TracingSink`] writes log lines, [`SyslogSink`] sends them to a syslog server,
//! `OtlpSink` to an OpenTelemetry collector, `WebhookSink` to any server by POST, and
//! [`DetachedSink`] runs a slow sink on a separate thread. The layer calls all sinks of a request in the order in which they were added.

mod file;
mod tracing;
mod syslog;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "webhook")]
mod webhook;
mod detached;
#[cfg(any(feature = "otlp", feature = "webhook"))]
mod http_settings;
#[cfg(any(feature = "otlp", feature = "webhook"))]
mod batches;
#[cfg(any(feature = "otlp", feature = "webhook"))]
mod http;
#[cfg(any(feature = "otlp", feature = "syslog-tls", feature = "webhook"))]
mod tls;
mod job_queue;
mod loss_policy;
mod memory;
mod repeat_filter;
mod repeats;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

#[cfg(feature = "otlp")]
pub use self::otlp::{OtlpSink, OtlpSinkBuilder};
#[cfg(feature = "webhook")]
pub use self::webhook::{WebhookSink, WebhookSinkBuilder};
pub use self::{
    detached::{DetachedSink, DetachedSinkBuilder},
    file::{FileSink, FileSinkBuilder, LowSpaceAction},
    loss_policy::LossPolicy,
    memory::MemorySink,
    syslog::{SyslogAddress, SyslogSink, SyslogSinkBuilder},
    tracing::TracingSink,
};
use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// Takes the records of an [`AuditLayer`](crate::AuditLayer).
///
/// For each request the layer calls, in this order:
///
/// 1. [`reserve`](Self::reserve), on admission. If another sink refuses, [`release`](Self::release)
///    follows and nothing else.
/// 2. [`record_gate`](Self::record_gate), before the handler, if there is an
///    [`AuditGate`](crate::AuditGate).
/// 3. [`record_head`](Self::record_head), before the response starts.
/// 4. [`record_request`](Self::record_request), exactly once, when the request is over.
///
/// Steps 2 and 3 happen only if [`requires_head_records`](Self::requires_head_records) is true.
///
/// # Blocking and memory
///
/// The methods run where requests run, some of them inside `Drop`. None may block, and none may
/// keep more than it has space for. A sink with slow work gives it to a thread; [`DetachedSink`]
/// does that for any sink.
///
/// # Panics and deadlines
///
/// A panic is caught and counted, and the other sinks still get the record. A future that is not
/// ready at the layer's deadline counts as [`SinkUnavailable::TimedOut`]; it is dropped then.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use palisade_audit::{AuditLayer, RequestRecord, Sink};
///
/// /// Counts refusals, for an alarm.
/// #[derive(Debug, Default)]
/// struct RefusalCounter(AtomicU64);
///
/// impl Sink for RefusalCounter {
///     fn record_request(&self, record: &Arc<RequestRecord>) {
///         if record.refusal_code().is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let refusals = Arc::new(RefusalCounter::default());
/// let layer = AuditLayer::builder().sink(Arc::clone(&refusals)).build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Takes the record of a request that is over.
    ///
    /// Called exactly once for every request that [`reserve`](Self::reserve) allowed. It may run inside `Drop`, when
    /// a client disconnects, and so must neither block nor panic.
    fn record_request(&self, event: &Arc<RequestRecord>);

    /// Takes an event that is not a request. Default: it is ignored.
    ///
    /// It must not wait. A sink without space counts the event in
    /// [`lost_records`](Self::lost_records).
    fn record_event(&self, event: &Arc<AuditEvent>) {
        let _ = event;
    }

    /// Returns whether a record must be safe before a response may start. Default: false.
    ///
    /// Read once, when the layer is built.
    fn requires_head_records(&self) -> bool {
        false
    }

    /// Returns whether a request is refused that this sink cannot record. Default:
    /// [`requires_head_records`](Self::requires_head_records).
    ///
    /// False for a sink that responses wait for, but not without an end ([`LossPolicy::Block`]).
    fn fails_closed(&self) -> bool {
        self.requires_head_records()
    }

    /// Reserves space for the records of a request that has arrived. Default: there is space.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if there is none. The [`SinkPolicy`](crate::SinkPolicy) decides whether
    /// the request is refused.
    fn reserve(&self) -> Result<(), SinkUnavailable> {
        Ok(())
    }

    /// Releases what [`reserve`](Self::reserve) reserved, for a request that another sink refused.
    ///
    /// Default: nothing is done. No record follows for this request.
    fn release(&self) {}

    /// Keeps a head record, at most one a request. The value is ready when the record is safe.
    ///
    /// The response waits for it, at most the deadline of the layer. After that the future is
    /// dropped.
    fn record_head(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        let _ = event;
        MaybeReady::Ready(Ok(()))
    }

    /// Keeps a record from before the handler. The value is ready when the record is safe.
    ///
    /// The handler waits for it. Only an [`AuditGate`](crate::AuditGate) causes this call.
    fn record_gate(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        let _ = event;
        MaybeReady::Ready(Ok(()))
    }

    /// Makes everything safe that was taken so far. The value is ready when that is done.
    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        MaybeReady::Ready(Ok(()))
    }

    /// Makes everything safe that was taken, and takes nothing more. Default:
    /// [`flush`](Self::flush).
    fn close(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.flush()
    }

    /// Returns the last record that is safe, if the sink has a hash chain. Default: `None`.
    fn anchor(&self) -> Option<Anchor> {
        None
    }

    /// Returns how many requests and events were not recorded, since the sink was made. Default: 0.
    ///
    /// [`AuditHandle::lost_records`](crate::AuditHandle::lost_records) is the sum over all sinks. An alarm on it
    /// tells an operator that the trail has holes.
    fn lost_records(&self) -> u64 {
        0
    }
}

/// A sink that is shared with the code that reads it.
impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn record_request(&self, event: &Arc<RequestRecord>) {
        (**self).record_request(event);
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        (**self).record_event(event);
    }

    fn requires_head_records(&self) -> bool {
        (**self).requires_head_records()
    }

    fn fails_closed(&self) -> bool {
        (**self).fails_closed()
    }

    fn reserve(&self) -> Result<(), SinkUnavailable> {
        (**self).reserve()
    }

    fn release(&self) {
        (**self).release();
    }

    fn record_head(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        (**self).record_head(event)
    }

    fn record_gate(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        (**self).record_gate(event)
    }

    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        (**self).flush()
    }

    fn close(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        (**self).close()
    }

    fn anchor(&self) -> Option<Anchor> {
        (**self).anchor()
    }

    fn lost_records(&self) -> u64 {
        (**self).lost_records()
    }
}
