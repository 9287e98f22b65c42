//! The end of the queue that the thread holds, and what it shares with the other end.

#[cfg(any(feature = "otlp", feature = "webhook"))]
use std::sync::mpsc::TryRecvError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvError, RecvTimeoutError},
    },
    time::Duration,
};

use palisade_core::SharedClock;
use tokio::sync::oneshot;

use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RequestRecord},
};

/// The outcome of a job that a caller waits for.
pub(in crate::sink) type Outcome = Result<(), SinkUnavailable>;
/// Is given the outcome. A caller that is gone gets none.
pub(in crate::sink) type Confirm = oneshot::Sender<Outcome>;

/// What the thread is asked to do.
pub(in crate::sink) enum Job {
    /// Take an event.
    Event(Arc<AuditEvent>),
    /// Make safe what was taken.
    Flush(Confirm),
    /// Take a record that a response waits for.
    Head(Arc<RequestRecord>, Confirm),
    /// Take the record of a request that is over.
    Request(Arc<RequestRecord>),
}

/// What both ends share.
#[derive(Debug, Default)]
pub(in crate::sink) struct QueueState {
    /// Records that wait, and reserved places.
    pub(super) used: AtomicUsize,
    /// Records that had no place, or that the thread lost.
    pub(super) lost: AtomicU64,
    /// Whether the last record was not kept.
    failing: AtomicBool,
    /// Whether a response waited for longer than the deadline, and no outcome was noted since.
    overdue: AtomicBool,
    /// When a request is admitted although the sink fails, in milliseconds of the monotonic clock.
    pub(super) probe_at: AtomicU64,
    /// Since when the thread works on what it took, in milliseconds of the monotonic clock. 0: it waits for a job.
    busy_since: AtomicU64,
}

/// The end of the queue that the thread holds.
pub(in crate::sink) struct JobReceiver {
    /// What the sinks sent, in their order.
    jobs: Receiver<Job>,
    /// The places, which are free again when a job is done.
    state: Arc<QueueState>,
    /// Tells how old a record is.
    clock: SharedClock,
}

/// Counts records that another thread lost.
#[cfg(feature = "webhook")]
pub(in crate::sink) struct LossCounter(Arc<QueueState>);

#[cfg(feature = "webhook")]
impl LossCounter {
    /// Counts lost records.
    pub(in crate::sink) fn lost(&self, records: u64) {
        self.0.count_lost(records);
    }
}

impl QueueState {
    /// Counts records that were lost.
    pub(super) fn count_lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    /// Notes that a response waited for longer than the deadline. Only the thread says that the sink fails: it logs that.
    pub(super) fn note_overdue(&self) {
        self.overdue.store(true, Ordering::Relaxed);
    }

    /// Returns whether the last record was not kept, or not in time.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed) || self.overdue.load(Ordering::Relaxed)
    }

    /// Returns for how long the thread has worked on what it took. `None`: it waits for a job.
    pub(super) fn busy_for(&self, now: Duration) -> Option<Duration> {
        let since = self.busy_since.load(Ordering::Relaxed);
        (since > 0).then(|| now.saturating_sub(Duration::from_millis(since)))
    }

    /// Frees places.
    pub(super) fn free(&self, places: usize) {
        let less = |used: usize| Some(used.saturating_sub(places));
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl JobReceiver {
    /// Returns the end of a queue for its thread.
    pub(super) fn new(jobs: Receiver<Job>, state: Arc<QueueState>, clock: SharedClock) -> Self {
        Self { jobs, state, clock }
    }

    /// Waits for a job. An error: the sink is gone, and nothing waits.
    ///
    /// # Errors
    ///
    /// The sink is gone, and nothing waits.
    pub(in crate::sink) fn recv(&self) -> Result<Job, RecvError> {
        self.state.busy_since.store(0, Ordering::Relaxed);
        self.took(self.jobs.recv())
    }

    /// Waits for a job, at most so long.
    ///
    /// # Errors
    ///
    /// The time is over, or the sink is gone.
    pub(in crate::sink) fn recv_timeout(&self, limit: Duration) -> Result<Job, RecvTimeoutError> {
        self.state.busy_since.store(0, Ordering::Relaxed);
        self.took(self.jobs.recv_timeout(limit))
    }

    /// Takes a job that waits.
    ///
    /// # Errors
    ///
    /// Nothing waits, or the sink is gone.
    #[cfg(any(feature = "otlp", feature = "webhook"))]
    pub(in crate::sink) fn try_recv(&self) -> Result<Job, TryRecvError> {
        self.state.busy_since.store(0, Ordering::Relaxed);
        self.took(self.jobs.try_recv())
    }

    /// Returns a counter of lost records for another thread.
    #[cfg(feature = "webhook")]
    pub(in crate::sink) fn loss_counter(&self) -> LossCounter {
        LossCounter(Arc::clone(&self.state))
    }

    /// Returns how many records are lost.
    #[cfg(feature = "webhook")]
    pub(in crate::sink) fn lost_records(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }

    /// Counts records that the thread lost.
    pub(in crate::sink) fn lost(&self, records: u64) {
        self.state.count_lost(records);
    }

    /// Returns the outcome for a head that is only counted: a sink that fails does not keep the count either.
    pub(in crate::sink) fn held_back(&self) -> Outcome {
        if self.state.is_failing() {
            Err(SinkUnavailable::Failing)
        } else {
            Ok(())
        }
    }

    /// Notes whether the last record was kept. Returns whether that is a change.
    pub(in crate::sink) fn note(&self, kept: bool) -> bool {
        self.state.overdue.store(false, Ordering::Relaxed);
        self.state.failing.swap(!kept, Ordering::Relaxed) == kept
    }

    /// Frees the place of a job. The thread works from here until it asks for the next one.
    fn took<E>(&self, job: Result<Job, E>) -> Result<Job, E> {
        let now = millis(self.clock.monotonic()).max(1);
        self.state.busy_since.store(now, Ordering::Relaxed);
        job.inspect(|job| {
            if !matches!(job, Job::Flush(_)) {
                self.state.free(1);
            }
        })
    }
}

/// Returns a time of the monotonic clock in milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
