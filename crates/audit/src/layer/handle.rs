//! Flushes and closes the sinks of a layer, so that no record is left in memory.
//!
//! The handle is separate from the layer, since the layer is moved into the service. All its waits
//! are bounded by the deadlines of the layer.

use std::{fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use super::Inner;
use crate::{
    block_on::block_on,
    chain::Anchor,
    error::SinkUnavailable,
    key::AuditKey,
    record::{AuditEvent, event_id},
};

/// Flushes and closes the sinks of a layer. From [`AuditLayer::handle`](crate::AuditLayer::handle).
///
/// Clones refer to the same layer. Dropping a handle does nothing.
///
/// ```
/// use palisade_audit::{AuditEvent, AuditLayer, MemorySink, event_id};
///
/// let memory = MemorySink::new();
/// let layer = AuditLayer::builder().sink(memory.clone()).build()?;
/// let handle = layer.handle();
/// handle.record(AuditEvent::new(event_id::SERVICE_STOPPING));
/// handle.close_blocking()?;
/// assert_eq!(memory.events().len(), 1);
/// assert_eq!(handle.lost_records(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AuditHandle {
    /// What the layer and its handles share.
    inner: Arc<Inner>,
}

impl AuditHandle {
    /// Returns a handle of a layer.
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Records an event that is not a request, as
    /// [`AuditLayer::record`](crate::AuditLayer::record).
    ///
    /// It never waits. A sink without space counts the event as lost.
    pub fn record(&self, event: AuditEvent) {
        self.inner.record(event);
    }

    /// Uses another key for codes from now on: those of chosen values, pseudonyms and unknown paths.
    ///
    /// The change is an event in the trail, with the public identifiers of both keys, and each record has that of its key.
    /// The same value has another code afterwards. Keep the old key for as long as its records must be searchable; to
    /// forget who they are about, destroy it. Requests in progress keep the key with which they began. The key that is
    /// used already changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditKey, AuditLayer, MemorySink};
    ///
    /// let memory = MemorySink::new();
    /// let layer = AuditLayer::builder()
    ///     .sink(memory.clone())
    ///     .correlation_key(AuditKey::generate()?)
    ///     .pseudonymize_principals()
    ///     .build()?;
    /// let new = AuditKey::generate()?;
    /// layer.handle().rotate_correlation_key(new.clone());
    /// assert!(memory.lines()[1].contains(&new.id()));
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn rotate_correlation_key(&self, key: AuditKey) {
        self.inner.rotate_correlation_key(key);
    }

    /// Waits until everything that was recorded so far is safe, at most for the close deadline.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make its records safe in time.
    pub async fn flush(&self) -> Result<(), SinkUnavailable> {
        let limit = self.inner.close_deadline;
        self.inner.sinks.flush(limit).get().await
    }

    /// Waits for open requests, then closes all sinks: what was recorded is made safe, and nothing
    /// more is taken.
    ///
    /// Call it when the server has stopped. `axum::serve` with graceful shutdown returns when the
    /// connections are closed. The end of a streamed body may be recorded a moment later, and this
    /// waits for it, by default 10 seconds
    /// ([`close_deadline`](crate::AuditLayerBuilder::close_deadline)). Requests that are open after
    /// that are counted in an event, and as lost when they end.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the sinks are closed as far as it came. Call it again to wait for
    /// them.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe, or not in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::AuditLayer;
    ///
    /// # async fn serve() {}
    /// async fn run(layer: AuditLayer) -> Result<(), Box<dyn std::error::Error>> {
    ///     let audit = layer.handle();
    ///     serve().await; // with the layer, until the signal to stop
    ///     audit.close().await?;
    ///     println!("the last record: {:?}", audit.anchor());
    ///     Ok(())
    /// }
    /// ```
    pub async fn close(&self) -> Result<(), SinkUnavailable> {
        self.close_within(self.inner.close_deadline).await
    }

    /// Closes as [`close`](Self::close), with another limit to the wait. Zero waits for no request.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe, or not in time.
    pub async fn close_within(&self, limit: Duration) -> Result<(), SinkUnavailable> {
        if !limit.is_zero() {
            self.wait_for_open_requests(limit).await;
        }
        let open = u64::try_from(self.open_requests()).unwrap_or(u64::MAX);
        if open > 0 {
            let event = AuditEvent::new(event_id::CLOSED_WITH_OPEN_REQUESTS);
            self.record(event.number("open_requests", open));
        }
        let inner = &self.inner;
        inner.record_left_out();
        inner.sinks.close(inner.close_deadline).get().await
    }

    /// Returns how many requests have started and have not ended, including bodies that are still
    /// sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditLayer, MemorySink};
    ///
    /// let layer = AuditLayer::builder().sink(MemorySink::new()).build()?;
    /// assert_eq!(layer.handle().open_requests(), 0);
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.inner.open.count()
    }

    /// Waits until no request is open, at most `limit`.
    async fn wait_for_open_requests(&self, limit: Duration) {
        let Some(mut none_left) = self.inner.open.none_left() else {
            return;
        };
        let mut over = self.inner.sinks.timer().after(limit);
        poll_fn(|task| {
            let none_left = pin!(&mut none_left).poll(task).is_ready();
            match none_left || pin!(&mut over).poll(task).is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Closes as [`close`](Self::close) and blocks the thread until that is done.
    ///
    /// For programs without a runtime. Never call it on a thread that runs tasks: it would block
    /// them.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable`] if a sink could not make everything safe.
    pub fn close_blocking(&self) -> Result<(), SinkUnavailable> {
        block_on(self.close())
    }

    /// Returns the last record that is safe, of the first sink that has a chain.
    ///
    /// Keep it outside of the machine: [`VerifyOptions::anchor`](crate::VerifyOptions::anchor) then
    /// finds a trail whose end was cut off. `None` if no sink has a chain, or nothing was recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{AuditEvent, AuditLayer, FileSink, VerifyOptions, event_id, verify_file};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
    /// layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
    /// layer.handle().close_blocking()?;
    /// let kept = layer.handle().anchor().expect("there are records").to_string();
    ///
    /// // Later, with what was written down elsewhere:
    /// let options = VerifyOptions::new().anchor(kept.parse()?);
    /// assert!(verify_file(&path, &options)?.is_intact());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        self.inner.sinks.anchor()
    }

    /// Returns how many records were lost, over all sinks: the queue was full, or the sink was
    /// closed.
    ///
    /// A [`FileSink`](crate::FileSink) also writes the number into the trail, as a record `lost`.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.inner.sinks.lost_records()
    }

    /// Returns how often sinks panicked. The record was lost to that sink, and not to the others.
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
