//! The bounded queue between a sink and its thread.
//!
//! The capacity counts records that wait and places that requests reserved. Only a sink that fails closed reserves: two
//! places for a request, one for its head and one for its end. A place is free again when the thread takes the record.
//!
//! While the sink fails, a sink that fails closed refuses requests, but for one a second: it shows whether sending works
//! again.

mod receiver;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Sender, channel},
    },
    task::Poll,
    time::Duration,
};

use palisade_core::{MaybeReady, SharedClock};
use tokio::sync::oneshot;

#[cfg(any(feature = "otlp", feature = "webhook"))]
pub(super) use self::receiver::Confirm;
#[cfg(feature = "webhook")]
pub(super) use self::receiver::LossCounter;
pub(super) use self::receiver::{Job, JobReceiver, Outcome};
use self::receiver::{QueueState, millis};
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
    /// Returns the default settings of a sink that sends over a connection.
    pub(super) fn of_connection(clock: SharedClock) -> Self {
        Self::unwaited(4096, clock)
    }

    /// Returns the settings of a queue for which no response waits.
    pub(super) fn unwaited(capacity: usize, clock: SharedClock) -> Self {
        Self {
            capacity,
            policy: LossPolicy::DropAndCount,
            deadline: Duration::from_secs(2),
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

/// The methods of a builder whose queue is the member `$queue`, as [`QueueSettings::of_connection`] returns it.
macro_rules! queue_setting_methods {
    ($($queue:ident).+) => {
        /// Sets how many records may wait in memory. Default: 4096, about 4 MB; not 0.
        ///
        /// Further ones are lost and counted.
        pub fn capacity(mut self, records: usize) -> Self {
            self.$($queue).+.capacity = records;
            self
        }

        /// Sets how long a response waits for its record, where the [policy](Self::policy) says that it waits.
        /// Default: 2 seconds; not 0.
        pub fn commit_deadline(mut self, deadline: std::time::Duration) -> Self {
            self.$($queue).+.deadline = deadline;
            self
        }

        /// Measures deadlines, pauses and the age of what waits by this clock. Default: the system clock.
        ///
        /// The times in records are those of the layer.
        pub fn clock(mut self, clock: palisade_core::SharedClock) -> Self {
            self.$($queue).+.clock = clock;
            self
        }
    };
}
pub(super) use queue_setting_methods;

/// The end of the queue that the sink holds. It never waits for the thread.
pub(super) struct JobQueue {
    /// Without a bound. The places of the state are the bound.
    jobs: Sender<Job>,
    /// How many places are taken, and what was lost.
    state: Arc<QueueState>,
    /// Size, policy, deadline and clock.
    settings: QueueSettings,
    /// Ends the waits of responses at their deadline.
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

impl JobQueue {
    /// Makes a queue, and its end for the thread.
    pub(super) fn new(settings: QueueSettings) -> (Self, JobReceiver) {
        // Without a bound of its own: each job but a flush has a place.
        let (sender, receiver) = channel();
        let state = Arc::<QueueState>::default();
        let clock = Arc::clone(&settings.clock);
        let received = JobReceiver::new(receiver, Arc::clone(&state), clock);
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

    /// Reserves places for a request, if the sink fails closed. A request without places counts as lost: by the
    /// policy of the layer it may go on without a record.
    pub(super) fn reserve(&self) -> Outcome {
        if !self.settings.policy.fails_closed() {
            return Ok(());
        }
        self.try_reserve().inspect_err(|_| self.state.count_lost(1))
    }

    fn try_reserve(&self) -> Outcome {
        if self.state.is_failing() && !self.may_probe() {
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
        if !closed && self.is_failing() {
            return MaybeReady::Ready(Ok(()));
        }
        let over = self.timer.after(self.settings.deadline);
        let (state, timer) = (Arc::clone(&self.state), Arc::clone(&self.timer));
        MaybeReady::pending(async move {
            let outcome = within(waiting, over).await;
            drop(timer);
            if outcome == Err(SinkUnavailable::TimedOut) {
                state.note_overdue();
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
            self.state.count_lost(1);
        }
    }

    fn take_places(&self, places: usize) -> bool {
        let capacity = self.settings.capacity;
        let more = |used: usize| used.checked_add(places).filter(|used| *used <= capacity);
        let used = &self.state.used;
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Returns whether the sink fails, or its thread has not asked for a job for as long as a response waits. The layer
    /// may end each wait before that deadline, so that no wait notes it.
    fn is_failing(&self) -> bool {
        let busy = self.state.busy_for(self.settings.clock.monotonic());
        if busy.is_some_and(|busy| busy >= self.settings.deadline) {
            self.state.note_overdue();
        }
        self.state.is_failing()
    }

    /// Returns whether a request may try although the sink fails: one a second.
    fn may_probe(&self) -> bool {
        let now = self.settings.clock.monotonic();
        let next = millis(now.saturating_add(PROBE_PAUSE));
        let due = |at: u64| (at <= millis(now)).then_some(next);
        let probe_at = &self.state.probe_at;
        probe_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, due)
            .is_ok()
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
