//! Where events go.

mod detached;
mod memory;
mod tracing;

use std::{fmt, sync::Arc};

use palisade_core::Soon;

pub use self::{detached::DetachedSink, memory::MemorySink, tracing::TracingSink};
use crate::{Anchor, AuditEvent, RequestRecord, SinkUnavailable};

/// Takes the events of an [`AuditLayer`](crate::AuditLayer).
///
/// Its methods run where requests run, some of them inside `Drop`: none may block, and none may
/// keep more than it has room for. A sink that has work to do hands it to a thread of its own.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use palisade_audit::{AuditLayer, RequestRecord, Sink};
///
/// /// Counts refusals, for an alarm.
/// #[derive(Debug, Default)]
/// struct Refusals(AtomicU64);
///
/// impl Sink for Refusals {
///     fn record_request(&self, event: &Arc<RequestRecord>) {
///         if event.refusal_code().is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let refusals = Arc::new(Refusals::default());
/// let layer = AuditLayer::builder().sink(Arc::clone(&refusals)).build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Takes what happened to a request: exactly once for every request that [`begin`](Self::reserve) allowed.
    fn record_request(&self, event: &Arc<RequestRecord>);

    /// Takes an event that is no request. Default: it is ignored.
    fn record_event(&self, event: &Arc<AuditEvent>) {
        let _ = event;
    }

    /// Tells whether a record must be kept before an answer may start.
    fn requires_head_records(&self) -> bool {
        false
    }

    /// Hears that a request has come, and makes room for its records.
    ///
    /// # Errors
    ///
    /// A sink that demands heads and cannot take one says so; the request is then refused.
    fn reserve(&self) -> Result<(), SinkUnavailable> {
        Ok(())
    }

    /// Takes a request back for which [`begin`](Self::reserve) made room and which another sink refused.
    fn release(&self) {}

    /// Keeps a head (once a request at most), and answers when it is safe.
    fn record_head(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        let _ = event;
        Soon::Now(Ok(()))
    }

    /// Keeps a record from before the handler, and answers when it is safe.
    fn record_gate(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        let _ = event;
        Soon::Now(Ok(()))
    }

    /// Makes everything safe that was taken so far, and answers when that is done.
    fn flush(&self) -> Soon<Result<(), SinkUnavailable>> {
        Soon::Now(Ok(()))
    }

    /// Ends the work: everything that was taken is made safe, nothing more is taken.
    fn close(&self) -> Soon<Result<(), SinkUnavailable>> {
        self.flush()
    }

    /// Returns the last record that is safe, if the sink keeps a chain.
    fn anchor(&self) -> Option<Anchor> {
        None
    }

    /// Returns how many requests were not recorded.
    fn lost_records(&self) -> u64 {
        0
    }
}

/// A sink that is shared with whoever reads it.
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

    fn reserve(&self) -> Result<(), SinkUnavailable> {
        (**self).reserve()
    }

    fn release(&self) {
        (**self).release();
    }

    fn record_head(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        (**self).record_head(event)
    }

    fn record_gate(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        (**self).record_gate(event)
    }

    fn flush(&self) -> Soon<Result<(), SinkUnavailable>> {
        (**self).flush()
    }

    fn close(&self) -> Soon<Result<(), SinkUnavailable>> {
        (**self).close()
    }

    fn anchor(&self) -> Option<Anchor> {
        (**self).anchor()
    }

    fn lost_records(&self) -> u64 {
        (**self).lost_records()
    }
}
