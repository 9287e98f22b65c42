//! The bounded queue between a sink and its thread.
//!
//! The capacity counts records that wait and places that requests reserved. Only a sink that fails closed reserves: two
//! places for a request, one for its head and one for its end. A place is free again when the thread takes the record.
//!
//! While the sink fails, a sink that fails closed refuses requests, but for one a second: it shows whether sending works
//! again.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    task::Poll,
    time::Duration,
};

use palisade_core::{MaybeReady, SharedClock};
use tokio::sync::oneshot;

use super::LossPolicy;
use crate::{
    deadline_timer::DeadlineTimer,
    error::{AuditBuildError, SinkUnavailable},
    record::{AuditEvent, RequestRecord},
};

/// Places that one request reserves: one for its head and one for its end.
const PER_REQUEST: usize = 2;
/// The pause between two requests that are admitted while the sink fails.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// The outcome of a job that a caller waits for.
pub(super) type Outcome = Result<(), SinkUnavailable>;
/// Is given the outcome. A caller that is gone gets none.
pub(super) type Confirm = oneshot::Sender<Outcome>;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Take an event.
    Event(Arc<AuditEvent>),
    /// Make safe what was taken.
    Flush(Confirm),
    /// Take a record that a response waits for.
    Head(Arc<RequestRecord>, Confirm),
    /// Take the record of a request that is over.
    Request(Arc<RequestRecord>),
}

/// Limits of a queue.
#[derive(Clone, Debug)]
pub(super) struct QueueSettings {
    /// The most records that wait.
    pub(super) capacity: usize,
    /// What happens to a request without a record.
    pub(super) policy: LossPolicy,
    /// How long a response waits.
    pub(super) deadline: Duration,
    /// Measures the deadline.
    pub(super) clock: SharedClock,
}

impl QueueSettings {
    /// The default of all deadlines.
    pub(super) const DEADLINE: Duration = Duration::from_secs(2);

    /// Returns the settings of a queue for which no response waits.
    pub(super) fn unwaited(capacity: usize, clock: SharedClock) -> Self {
        Self {
            capacity,
            policy: LossPolicy::DropAndCount,
            deadline: Self::DEADLINE,
            clock,
        }
    }

    /// Finds settings that cannot work.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for no space for one request, or a deadline of zero.
    pub(super) fn check(&self) -> Result<(), AuditBuildError> {
        let invalid = |setting, problem| Err(AuditBuildError::InvalidSetting { setting, problem });
        match self.capacity {
            0 => invalid("capacity", "use a capacity of 1 record or more"),
            1 if self.policy.waits() => invalid(
                "capacity",
                "a request has two records: use a capacity of 2 or more",
            ),
            _ if self.deadline.is_zero() => invalid("commit_deadline", "use more than zero"),
            _ => Ok(()),
        }
    }
}

/// The end of the queue that the sink holds. It never waits for the thread.
pub(super) struct JobQueue {
    jobs: Sender<Job>,
    state: Arc<QueueState>,
    settings: QueueSettings,
    timer: Arc<DeadlineTimer>,
}

/// The methods of [`Sink`](super::Sink) for a sink with a member `queue`.
macro_rules! sink_methods_of_queue {
    () => {
        fn record_request(&self, record: &Arc<RequestRecord>) {
            self.queue.send_request(record);
        }

        fn record_event(&self, event: &Arc<AuditEvent>) {
            self.queue.send_event(event);
        }

        fn requires_head_records(&self) -> bool {
            self.queue.policy().waits()
        }

        fn fails_closed(&self) -> bool {
            self.queue.policy().fails_closed()
        }

        fn reserve(&self) -> Result<(), SinkUnavailable> {
            self.queue.reserve()
        }

        fn release(&self) {
            self.queue.release();
        }

        fn record_head(
            &self,
            record: &Arc<RequestRecord>,
        ) -> MaybeReady<Result<(), SinkUnavailable>> {
            self.queue.send_head(record)
        }

        fn record_gate(
            &self,
            record: &Arc<RequestRecord>,
        ) -> MaybeReady<Result<(), SinkUnavailable>> {
            self.queue.send_gate(record)
        }

        fn flush(&self) -> MaybeReady<Result<(), SinkUnavailable>> {
            self.queue.flush()
        }

        fn lost_records(&self) -> u64 {
            self.queue.lost_records()
        }
    };
}
pub(super) use sink_methods_of_queue;

/// What both ends share.
#[derive(Debug, Default)]
pub(super) struct QueueState {
    /// Records that wait, and reserved places.
    used: AtomicUsize,
    /// Records that had no place, or that the thread lost.
    lost: AtomicU64,
    /// Whether the last record was not kept.
    failing: AtomicBool,
    /// When a request is admitted although the sink fails, in milliseconds of the monotonic clock.
    probe_at: AtomicU64,
}

/// The end of the queue that the thread holds.
pub(super) struct JobReceiver {
    jobs: Receiver<Job>,
    state: Arc<QueueState>,
}

/// Counts records that another thread lost.
#[cfg(feature = "webhook")]
pub(super) struct LossCounter(Arc<QueueState>);

#[cfg(feature = "webhook")]
impl LossCounter {
    /// Counts lost records.
    pub(super) fn lost(&self, records: u64) {
        self.0.lost.fetch_add(records, Ordering::Relaxed);
    }
}

impl JobQueue {
    /// Makes a queue, and its end for the thread.
    pub(super) fn new(settings: QueueSettings) -> (Self, JobReceiver) {
        // Without a bound of its own: each job but a flush has a place.
        let (sender, receiver) = channel();
        let state = Arc::<QueueState>::default();
        let received = JobReceiver {
            jobs: receiver,
            state: Arc::clone(&state),
        };
        let timer = Arc::new(DeadlineTimer::new(Arc::clone(&settings.clock)));
        let queue = Self {
            jobs: sender,
            state,
            settings,
            timer,
        };
        (queue, received)
    }

    /// Returns what happens to a request without a record.
    pub(super) fn policy(&self) -> LossPolicy {
        self.settings.policy
    }

    /// Puts an event into the queue. A full queue counts a lost record.
    pub(super) fn send_event(&self, event: &Arc<AuditEvent>) {
        let placed = self.take_places(1);
        self.send_counted(placed, Job::Event(Arc::clone(event)));
    }

    /// Puts the last record of a request into the queue. A full queue counts a lost record.
    pub(super) fn send_request(&self, record: &Arc<RequestRecord>) {
        let reserves = self.settings.policy.fails_closed();
        if reserves && !record.has_head_record() {
            self.state.free(PER_REQUEST - 1);
        }
        let placed = reserves || self.take_places(1);
        self.send_counted(placed, Job::Request(Arc::clone(record)));
    }

    /// Reserves places for a request, if the sink fails closed.
    pub(super) fn reserve(&self) -> Outcome {
        if !self.settings.policy.fails_closed() {
            return Ok(());
        }
        if self.state.failing.load(Ordering::Relaxed) && !self.may_probe() {
            return Err(SinkUnavailable::Failing);
        }
        let placed = self.take_places(PER_REQUEST);
        placed.then_some(()).ok_or(SinkUnavailable::Full)
    }

    /// Frees the places of a request that another sink refused.
    pub(super) fn release(&self) {
        if self.settings.policy.fails_closed() {
            self.state.free(PER_REQUEST);
        }
    }

    /// Puts a record into the queue that a response waits for. Its place was reserved, if the sink fails closed.
    pub(super) fn send_head(&self, record: &Arc<RequestRecord>) -> MaybeReady<Outcome> {
        let placed = self.settings.policy.fails_closed() || self.take_places(1);
        self.wait_for(placed, record)
    }

    /// Puts a record from before the handler into the queue. It has no reserved place.
    pub(super) fn send_gate(&self, record: &Arc<RequestRecord>) -> MaybeReady<Outcome> {
        let placed = self.take_places(1);
        self.wait_for(placed, record)
    }

    /// Asks the thread to flush.
    pub(super) fn flush(&self) -> MaybeReady<Outcome> {
        let (response, waiting) = oneshot::channel();
        match self.jobs.send(Job::Flush(response)) {
            Ok(()) => MaybeReady::pending(async move {
                waiting.await.unwrap_or(Err(SinkUnavailable::Failing))
            }),
            Err(_) => MaybeReady::Ready(Err(SinkUnavailable::Closed)),
        }
    }

    /// Returns how many records the queue could not take, or the thread lost.
    pub(super) fn lost_records(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }

    fn wait_for(&self, placed: bool, record: &Arc<RequestRecord>) -> MaybeReady<Outcome> {
        let closed = self.settings.policy.fails_closed();
        let unless_closed = |why| MaybeReady::Ready(if closed { Err(why) } else { Ok(()) });
        if !placed {
            return unless_closed(SinkUnavailable::Full);
        }
        let (response, waiting) = oneshot::channel();
        if self
            .jobs
            .send(Job::Head(Arc::clone(record), response))
            .is_err()
        {
            self.state.free(1);
            return unless_closed(SinkUnavailable::Closed);
        }
        if !closed && self.state.failing.load(Ordering::Relaxed) {
            return MaybeReady::Ready(Ok(()));
        }
        let over = self.timer.after(self.settings.deadline);
        let (state, timer) = (Arc::clone(&self.state), Arc::clone(&self.timer));
        MaybeReady::pending(async move {
            let outcome = within(waiting, over).await;
            drop(timer);
            if outcome == Err(SinkUnavailable::TimedOut) {
                state.failing.store(true, Ordering::Relaxed);
            }
            if closed { outcome } else { Ok(()) }
        })
    }

    /// Sends a job that has a place, or counts a lost record.
    fn send_counted(&self, placed: bool, job: Job) {
        let sent = placed && self.jobs.send(job).is_ok();
        if placed && !sent {
            self.state.free(1);
        }
        if !sent {
            self.state.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_places(&self, places: usize) -> bool {
        let capacity = self.settings.capacity;
        let more = |used: usize| used.checked_add(places).filter(|used| *used <= capacity);
        let used = &self.state.used;
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Returns whether a request may try although the sink fails: one a second.
    fn may_probe(&self) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = self.settings.clock.monotonic();
        let next = millis(now.saturating_add(PROBE_PAUSE));
        let due = |at: u64| (at <= millis(now)).then_some(next);
        let probe_at = &self.state.probe_at;
        probe_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, due)
            .is_ok()
    }
}

impl QueueState {
    fn free(&self, places: usize) {
        let less = |used: usize| Some(used.saturating_sub(places));
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl JobReceiver {
    /// Waits for a job. An error: the sink is gone, and nothing waits.
    pub(super) fn recv(&self) -> Result<Job, RecvError> {
        self.jobs.recv().inspect(|job| self.took(job))
    }

    /// Waits for a job, at most so long.
    #[cfg(any(feature = "otlp", feature = "webhook"))]
    pub(super) fn recv_timeout(&self, limit: Duration) -> Result<Job, RecvTimeoutError> {
        self.jobs.recv_timeout(limit).inspect(|job| self.took(job))
    }

    /// Takes a job that waits.
    #[cfg(any(feature = "otlp", feature = "webhook"))]
    pub(super) fn try_recv(&self) -> Result<Job, TryRecvError> {
        self.jobs.try_recv().inspect(|job| self.took(job))
    }

    /// Returns a counter of lost records for another thread.
    #[cfg(feature = "webhook")]
    pub(super) fn loss_counter(&self) -> LossCounter {
        LossCounter(Arc::clone(&self.state))
    }

    /// Counts records that the thread lost.
    pub(super) fn lost(&self, records: u64) {
        self.state.lost.fetch_add(records, Ordering::Relaxed);
    }

    /// Notes whether the last record was kept. Returns whether that is a change.
    pub(super) fn note(&self, kept: bool) -> bool {
        self.state.failing.swap(!kept, Ordering::Relaxed) == kept
    }

    fn took(&self, job: &Job) {
        if !matches!(job, Job::Flush(_)) {
            self.state.free(1);
        }
    }
}

/// Waits for an outcome, at most until `over` is ready.
async fn within(
    mut waiting: oneshot::Receiver<Outcome>,
    mut over: oneshot::Receiver<()>,
) -> Outcome {
    poll_fn(|task| {
        if let Poll::Ready(outcome) = Pin::new(&mut waiting).poll(task) {
            return Poll::Ready(outcome.unwrap_or(Err(SinkUnavailable::Failing)));
        }
        Pin::new(&mut over)
            .poll(task)
            .map(|_| Err(SinkUnavailable::TimedOut))
    })
    .await
}
