//! The end of the work: nothing that was taken is left in memory.

use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::Duration,
};

use super::Inner;
use crate::{Anchor, AuditEvent, SinkUnavailable, event_id};

/// Flushes and closes the sinks of a layer. Clones do the same.
#[derive(Clone)]
pub struct AuditHandle {
    inner: Arc<Inner>,
}

impl AuditHandle {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Records an event that is no request, as [`AuditLayer::record`](crate::AuditLayer::record).
    pub fn record(&self, event: AuditEvent) {
        self.inner.record(event);
    }

    /// Waits until everything that was recorded so far is safe.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make it so.
    pub async fn flush(&self) -> Result<(), SinkUnavailable> {
        let patience = self.inner.close_deadline;
        self.inner.sinks.flush(patience).get().await
    }

    /// Waits for the requests that are under way, then ends the work of all sinks: what was recorded
    /// is made safe, and nothing more is taken.
    ///
    /// Call it when the server has stopped. `axum::serve` with graceful shutdown returns when the
    /// connections are closed; the end of a streamed body may be recorded a moment later, and this
    /// waits for it, by default 10 seconds ([`close_deadline`](crate::AuditLayerBuilder::close_deadline)).
    /// What is open then is counted in an event, and counted as lost when it ends.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe, or not in time.
    pub async fn close(&self) -> Result<(), SinkUnavailable> {
        self.close_within(self.inner.close_deadline).await
    }

    /// Closes as [`close`](Self::close), with another limit to the wait. Zero waits for no request.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe, or not in time.
    pub async fn close_within(&self, patience: Duration) -> Result<(), SinkUnavailable> {
        if !patience.is_zero() {
            self.none_open(patience).await;
        }
        let open = u64::try_from(self.open_requests()).unwrap_or(u64::MAX);
        if open > 0 {
            let event = AuditEvent::new(event_id::CLOSED_WITH_OPEN_REQUESTS);
            self.record(event.number("open_requests", open));
        }
        let inner = &self.inner;
        inner.sinks.close(inner.close_deadline).get().await
    }

    /// Returns how many requests are under way.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.inner.open.count()
    }

    /// Waits until no request is under way.
    async fn none_open(&self, patience: Duration) {
        let Some(mut none_left) = self.inner.open.none_left() else {
            return;
        };
        let mut over = self.inner.sinks.timer().after(patience);
        poll_fn(|task| {
            let none_left = pin!(&mut none_left).poll(task).is_ready();
            match none_left || pin!(&mut over).poll(task).is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Ends the work as [`close`](Self::close) and blocks until it is done: for programs without a
    /// runtime, and never for a thread that runs tasks.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe.
    pub fn close_blocking(&self) -> Result<(), SinkUnavailable> {
        block_on(self.close())
    }

    /// Returns the last record that is safe: keep it outside, and a cut trail shows.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        self.inner.sinks.anchor()
    }

    /// Returns how many requests could not be recorded, over all sinks.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.inner.sinks.lost_records()
    }

    /// Returns how often sinks panicked.
    #[must_use]
    pub fn sink_panics(&self) -> u64 {
        self.inner.sinks.failures()
    }
}

impl fmt::Debug for AuditHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditHandle")
            .field("sinks", &self.inner.sinks)
            .field("open_requests", &self.open_requests())
            .finish_non_exhaustive()
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut task = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
