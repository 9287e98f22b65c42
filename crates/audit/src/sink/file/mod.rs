//! Writes the audit trail to a file: one record a line, each chained to all records before it.
//!
//! The sink has three threads. Requests put records into the `queue` and do not touch the disk. The
//! `writer_thread` seals them (`journal`), writes and syncs them (`storage`) and releases responses
//! that wait. The `watchdog` refuses responses that wait longer than the deadline.
//!
//! `recovery` runs once, when the file is opened. `retention` deletes old parts, `compression` compresses them on a
//! thread of its own, `low_space` reacts
//! to a disk that is nearly full, and `checkpoint_writer` copies the end of the chain to another
//! file.
//!
//! A failed write is repeated from memory. Meanwhile a fail-closed sink refuses requests with 503,
//! and any other sink drops records and counts them.

mod builder;
mod open;
mod queue;
mod writer_thread;
mod watchdog;
mod recovery;
#[cfg(feature = "zstd")]
mod compression;
mod retention;
mod checked_part;
mod low_space;
mod checkpoint_places;
mod checkpoint_writer;
mod journal;
mod writer_records;
mod unsealed_buffer;
mod storage;
mod store;
mod file_locks;
mod write_health;
#[cfg(feature = "metrics")]
mod trail_metrics;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_core::MaybeReady;

use self::queue::Queue;
pub use self::{builder::FileSinkBuilder, low_space::LowSpaceAction};
use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
    sink::Sink,
};

/// Writes records to a file, each chained to all records before it by a hash.
///
/// # Three modes
///
/// *Drop and count*, the default: no request waits for the disk. A record for which the queue has
/// no space is dropped and counted, and the count is a record of the chain.
///
/// *Fail closed* ([`fail_closed`](FileSinkBuilder::fail_closed)): no response starts before its
/// record is on the disk. While the disk cannot be written, requests are refused with 503.
///
/// *Block* ([`LossPolicy::Block`](crate::LossPolicy::Block)): a response waits for its record, at most the commit
/// deadline, and then starts without it.
///
/// # Full and broken disks
///
/// A failed write is cut off and repeated, up to once a second. After a failed sync the records are
/// written to a new file, since the operating system may have dropped them. The failure is logged
/// once, then once a minute, and its end once. Records wait in memory, up to
/// [`capacity`](FileSinkBuilder::capacity).
///
/// # Closing
///
/// Clones write to the same file. When the last clone is dropped, the writer thread finishes its
/// work. To wait for that, use [`AuditHandle::close`](crate::AuditHandle::close).
///
/// # Verification
///
/// [`verify_file`](crate::verify_file) checks the file and its older parts, also while a sink
/// writes.
///
/// # Examples
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

/// What all clones of a sink share.
struct Inner {
    /// The queue to the writer thread.
    queue: Arc<Queue>,
    /// The path of the file.
    path: PathBuf,
}

impl FileSink {
    /// Returns the settings of a sink that writes to this file. Nothing is opened before
    /// [`open`](FileSinkBuilder::open).
    pub fn builder(path: impl Into<PathBuf>) -> FileSinkBuilder {
        FileSinkBuilder::new(path.into())
    }

    /// Returns the path of the file that is written. Older parts are in the same folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Records an event that is not a request. It never waits.
    ///
    /// An event for which the queue has no space is dropped and counted as lost. If it has no time,
    /// it gets the current one.
    pub fn record(&self, event: AuditEvent) {
        Sink::record_event(self, &Arc::new(event));
    }

    /// Returns a sink for a queue whose threads run.
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
            .field("policy", &self.0.queue.policy())
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
        self.0.queue.policy().waits()
    }

    fn fails_closed(&self) -> bool {
        self.0.queue.policy().fails_closed()
    }

    fn reserve(&self) -> Result<(), SinkUnavailable> {
        self.0.queue.reserve()
    }

    fn release(&self) {
        self.0.queue.release();
    }

    fn record_head(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.0.queue.record_head(event)
    }

    fn record_gate(&self, event: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.0.queue.record_gate(event)
    }

    fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.0.queue.flush()
    }

    fn close(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
        self.0.queue.close()
    }

    fn anchor(&self) -> Option<Anchor> {
        Some(self.0.queue.safe()).filter(|safe| *safe != Anchor::GENESIS)
    }

    fn lost_records(&self) -> u64 {
        self.0.queue.lost_records()
    }
}
