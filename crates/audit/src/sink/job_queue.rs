//! The bounded queue between a sink and its thread.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use palisade_core::MaybeReady;
use tokio::sync::oneshot;

use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// The outcome of a flush.
type Flushed = Result<(), SinkUnavailable>;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Take an event.
    Event(Arc<AuditEvent>),
    /// Flush what was taken, and send the outcome.
    Flush(oneshot::Sender<Flushed>),
    /// Take the record of a request.
    Request(Arc<RequestRecord>),
}

/// The end of the queue that the sink holds. It never waits for the thread.
pub(super) struct JobQueue {
    queue: SyncSender<Job>,
    lost: Arc<AtomicU64>,
}

impl JobQueue {
    /// Makes a queue for so many jobs. The thread adds the records that it loses to the count.
    pub(super) fn new(capacity: usize) -> (Self, Receiver<Job>, Arc<AtomicU64>) {
        let (queue, jobs) = sync_channel(capacity);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        (Self { queue, lost }, jobs, counted)
    }

    /// Puts a record or an event into the queue. A full queue counts a lost record.
    pub(super) fn send(&self, job: Job) {
        if self.queue.try_send(job).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks the thread to flush.
    pub(super) fn flush(&self) -> MaybeReady<Flushed> {
        let (response, waiting) = oneshot::channel();
        match self.queue.try_send(Job::Flush(response)) {
            Ok(()) => MaybeReady::pending(async move {
                waiting.await.unwrap_or(Err(SinkUnavailable::Failing))
            }),
            Err(TrySendError::Full(_)) => MaybeReady::Ready(Err(SinkUnavailable::Full)),
            Err(TrySendError::Disconnected(_)) => MaybeReady::Ready(Err(SinkUnavailable::Closed)),
        }
    }

    /// Returns how many records the queue could not take, or the thread lost.
    pub(super) fn lost_records(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
