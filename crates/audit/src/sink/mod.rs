//! Where events go.

mod detached;
mod memory;
mod tracing;

use std::{fmt, sync::Arc};

use palisade_core::Soon;

pub use self::{detached::DetachedSink, memory::MemorySink, tracing::TracingSink};
use crate::{Anchor, AuditEvent, Event, Unavailable};

/// Takes the events of an [`AuditLayer`](crate::AuditLayer).
///
/// Its methods run where requests run, some of them inside `Drop`: none may block, and none may
/// keep more than it has room for. A sink that has work to do hands it to a thread of its own.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use palisade_audit::{AuditLayer, Event, Sink};
///
/// /// Counts refusals, for an alarm.
/// #[derive(Debug, Default)]
/// struct Refusals(AtomicU64);
///
/// impl Sink for Refusals {
///     fn end(&self, event: &Arc<Event>) {
///         if event.refusal().is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let refusals = Arc::new(Refusals::default());
/// let layer = AuditLayer::builder().sink(Arc::clone(&refusals)).build()?;
/// # let _ = layer; Ok::<(), palisade_audit::AuditError>(())
/// ```
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Takes what happened to a request: exactly once for every request that [`begin`](Self::begin) allowed.
    fn end(&self, event: &Arc<Event>);

    /// Takes an event that is no request. Default: it is ignored.
    fn event(&self, event: &Arc<AuditEvent>) {
        let _ = event;
    }

    /// Tells whether a record must be kept before an answer may start.
    fn demands_heads(&self) -> bool {
        false
    }

    /// Hears that a request has come, and makes room for its records.
    ///
    /// # Errors
    ///
    /// A sink that demands heads and cannot take one says so; the request is then refused.
    fn begin(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    /// Takes a request back for which [`begin`](Self::begin) made room and which another sink refused.
    fn forget(&self) {}

    /// Keeps a head (once a request at most), and answers when it is safe.
    fn head(&self, event: &Arc<Event>) -> Soon<Result<(), Unavailable>> {
        let _ = event;
        Soon::Now(Ok(()))
    }

    /// Keeps a record from before the handler, and answers when it is safe.
    fn gate(&self, event: &Arc<Event>) -> Soon<Result<(), Unavailable>> {
        let _ = event;
        Soon::Now(Ok(()))
    }

    /// Makes everything safe that was taken so far, and answers when that is done.
    fn flush(&self) -> Soon<Result<(), Unavailable>> {
        Soon::Now(Ok(()))
    }

    /// Ends the work: everything that was taken is made safe, nothing more is taken.
    fn close(&self) -> Soon<Result<(), Unavailable>> {
        self.flush()
    }

    /// Returns the last record that is safe, if the sink keeps a chain.
    fn anchor(&self) -> Option<Anchor> {
        None
    }

    /// Returns how many requests were not recorded.
    fn lost(&self) -> u64 {
        0
    }
}

/// A sink that is shared with whoever reads it.
impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn end(&self, event: &Arc<Event>) {
        (**self).end(event);
    }

    fn event(&self, event: &Arc<AuditEvent>) {
        (**self).event(event);
    }

    fn demands_heads(&self) -> bool {
        (**self).demands_heads()
    }

    fn begin(&self) -> Result<(), Unavailable> {
        (**self).begin()
    }

    fn forget(&self) {
        (**self).forget();
    }

    fn head(&self, event: &Arc<Event>) -> Soon<Result<(), Unavailable>> {
        (**self).head(event)
    }

    fn gate(&self, event: &Arc<Event>) -> Soon<Result<(), Unavailable>> {
        (**self).gate(event)
    }

    fn flush(&self) -> Soon<Result<(), Unavailable>> {
        (**self).flush()
    }

    fn close(&self) -> Soon<Result<(), Unavailable>> {
        (**self).close()
    }

    fn anchor(&self) -> Option<Anchor> {
        (**self).anchor()
    }

    fn lost(&self) -> u64 {
        (**self).lost()
    }
}
