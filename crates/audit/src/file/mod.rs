//! The trail in a file: one line a record, each tied to all before it.

mod builder;
mod checkpoints;
mod drafts;
#[cfg(feature = "metrics")]
mod figures;
mod health;
mod journal;
mod notes;
mod queue;
mod recover;
mod retention;
mod space;
mod store;
#[cfg(test)]
mod tests;
mod watch;
mod worker;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::Soon;

use self::queue::Queue;
pub use self::{builder::FileSinkBuilder, space::LowSpaceAction};
use crate::{Anchor, AuditEvent, RequestRecord, Sink, SinkUnavailable};

/// Keeps records in a file, on a thread of its own, and ties each to all before it.
///
/// Two promises can be had. *Drop and count*, the default: no request ever waits for the disk; what
/// finds no room is counted, and the count is a record of the chain. *Fail closed*
/// ([`fail_closed`](FileSinkBuilder::fail_closed)): no answer starts before its record is safe on the
/// disk; while that does not work, requests are refused with 503.
///
/// Clones write to the same file. When the last one is gone the thread finishes its work; to wait
/// for that, use [`AuditHandle::close`](crate::AuditHandle::close).
///
/// ```no_run
/// use palisade_audit::{AuditKey, AuditLayer, FileSink};
///
/// let file = FileSink::builder("audit.jsonl")
///     .key(AuditKey::from_file("/etc/example/audit.key")?)
///     .fail_closed()
///     .open()?;
/// let layer = AuditLayer::builder().sink(file).build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone)]
pub struct FileSink(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    path: PathBuf,
}

impl FileSink {
    /// Starts to describe a sink that writes to a file.
    pub fn builder(path: impl Into<PathBuf>) -> FileSinkBuilder {
        FileSinkBuilder::new(path.into())
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Records an event that is no request. It never waits; without room it is counted as lost.
    pub fn record(&self, event: AuditEvent) {
        Sink::record_event(self, &Arc::new(event));
    }

    fn new(queue: Arc<Queue>, path: PathBuf) -> Self {
        Self(Arc::new(Inner { queue, path }))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Asks and does not wait: this may run anywhere.
        drop(self.queue.close());
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink")
            .field("path", &self.0.path)
            .field("fail_closed", &self.0.queue.fails_closed())
            .finish_non_exhaustive()
    }
}

impl Sink for FileSink {
    fn record_request(&self, event: &Arc<RequestRecord>) {
        self.0.queue.record_request(event);
    }

    fn record_event(&self, event: &Arc<AuditEvent>) {
        if event.time().is_some() {
            return self.0.queue.record_event(event);
        }
        let now = self.0.queue.unix_time();
        let event = AuditEvent::clone(event).recorded_at(now);
        self.0.queue.record_event(&Arc::new(event));
    }

    fn requires_head_records(&self) -> bool {
        self.0.queue.fails_closed()
    }

    fn reserve(&self) -> Result<(), SinkUnavailable> {
        self.0.queue.reserve()
    }

    fn release(&self) {
        self.0.queue.release();
    }

    fn record_head(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        self.0.queue.record_head(event)
    }

    fn record_gate(&self, event: &Arc<RequestRecord>) -> Soon<Result<(), SinkUnavailable>> {
        self.0.queue.record_gate(event)
    }

    fn flush(&self) -> Soon<Result<(), SinkUnavailable>> {
        self.0.queue.flush()
    }

    fn close(&self) -> Soon<Result<(), SinkUnavailable>> {
        self.0.queue.close()
    }

    fn anchor(&self) -> Option<Anchor> {
        Some(self.0.queue.safe()).filter(|safe| *safe != Anchor::GENESIS)
    }

    fn lost_records(&self) -> u64 {
        self.0.queue.lost_records()
    }
}
