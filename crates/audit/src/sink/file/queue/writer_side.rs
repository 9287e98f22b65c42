//! What the writer thread and the watchdog call on the queue.
//!
//! The writer takes batches, reports results and closes the queue. The watchdog ends waits that are
//! too long and logs a disk that does not respond. Results are sent after the lock is released.

use std::{
    mem,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Batch, Queue, QueuedRecord, SinkResult,
    state::{State, SyncRequest, WriterState},
};
use crate::{chain::Anchor, error::SinkUnavailable, record::RequestRecord};

/// How long the writer gathers records before it writes again, while no response waits for one.
const GATHER: Duration = Duration::from_millis(20);

/// The most encoded records that are kept for requests to free, a few hundred bytes each.
const MAX_ENCODED: usize = 4096;

impl Queue {
    /// Waits for work and takes all of it. `due` limits the wait; `None` waits until a record
    /// comes.
    ///
    /// With waiting callers it waits a moment for those who may come too. Without one it first gathers records for 20 milliseconds, so that one write has
    /// many.
    pub(in crate::sink::file) fn take(
        &self,
        into: &mut Vec<QueuedRecord>,
        due: Option<Duration>,
    ) -> Batch {
        let mut state = self.collect(self.lock());
        if !state.is_urgent() {
            state = self.sleep(state, WriterState::Gathering, Some(GATHER));
        }
        if !state.is_urgent() && state.is_still() {
            state = self.free_encoded(state);
        }
        if !state.is_urgent() && state.is_still() {
            let window = state.folds.due_in(self.clock.monotonic());
            let due = [due, window].into_iter().flatten().min();
            state = self.sleep(state, WriterState::Idle, due);
        }
        let now = self.clock.monotonic();
        let closing = state.closing;
        let folded = state.folds.take_due(now, closing);
        into.extend(state.items.drain(..));
        Batch {
            below: state.sync_requests_made,
            is_sync_requested: !state.sync_requests.is_empty(),
            closing: state.closing,
            losses: state.take_losses(),
            folded,
        }
    }

    /// Waits a moment for more callers if some wait already, so that one sync serves them all.
    fn collect<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let before = state.sync_requests.len();
        if before == 0 || state.closing {
            return state;
        }
        let Some(wait) = state.group.wait(before) else {
            return state;
        };
        let mut state = self.sleep(state, WriterState::Collecting, Some(wait));
        let after = state.sync_requests.len();
        state.group.note_wait(before, after);
        state
    }

    /// Hands encoded records back to the requests, each of which frees two.
    ///
    /// A request allocated what a record holds. If this thread freed it, both would compete for the lock of the
    /// allocator, and the requests would find no memory in the cache of their own thread. What goes beyond the limit
    /// is freed here, after the lock.
    pub(in crate::sink::file) fn give_back(&self, encoded: &mut Vec<Arc<RequestRecord>>) {
        let mut state = self.lock();
        let space = MAX_ENCODED.saturating_sub(state.encoded.len());
        let given = encoded.len().min(space);
        state.encoded.extend(encoded.drain(..given));
        drop(state);
        encoded.clear();
    }

    /// Frees what was handed back, since no request comes to do it. The lock is released meanwhile.
    fn free_encoded<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let encoded = mem::take(&mut state.encoded);
        if encoded.is_empty() {
            return state;
        }
        drop(state);
        drop(encoded);
        self.lock()
    }

    /// Reports the result of an attempt to all sync requests below a number.
    ///
    /// After a failure all later ones with a deadline get the error too, without waiting for the next attempt: a
    /// client that waits for a disk that just failed only blocks a connection. Later ones without a deadline keep
    /// waiting.
    pub(in crate::sink::file) fn complete(&self, below: u64, response: SinkResult, safe: Anchor) {
        let mut state = self.lock();
        state.failing = response.is_err() || below < state.late_below;
        state.safe = safe;
        let failing = state.failing;
        let answered = state.take_sync_requests(|request| {
            request.number < below || (failing && request.deadline.is_some())
        });
        let (waiting, took) = (state.sync_requests.len(), state.last_attempt);
        state.group.note_sync(answered.len(), waiting, took);
        drop(state);
        send(answered, response);
    }

    /// Waits before the next attempt. Returns false if the sink is being closed: then there is
    /// none.
    pub(in crate::sink::file) fn pause(&self, pause: Duration) -> bool {
        let state = self.lock();
        if state.closing {
            return false;
        }
        let state = self.wake.wait_timeout(state, pause);
        !state.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Closes the queue: it takes no more records, and every wait ends. Only the first call counts.
    ///
    /// `unwritten` records and those that came after the last batch are counted as dropped. It runs also when the
    /// writer thread panicked.
    pub(in crate::sink::file) fn end_all(
        &self,
        below: u64,
        end: SinkResult,
        safe: Anchor,
        unwritten: usize,
    ) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.closed = true;
        state.end = end;
        state.safe = safe;
        // What came after the writer took for the last time is not written.
        let late = mem::take(&mut state.items).len();
        let dropped = late.saturating_add(unwritten);
        state.losses.dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
        let about = state.take_sync_requests(|request| request.number < below || late == 0);
        let left = state.take_sync_requests(|_| true);
        drop(state);
        send(about, end);
        send(left, Err(SinkUnavailable::Closed));
    }

    /// Ends waits whose deadline has passed with [`TimedOut`](crate::SinkUnavailable::TimedOut).
    ///
    /// Returns false once the queue is closed: the watchdog then ends.
    pub(in crate::sink::file) fn expire(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let late = state
            .take_sync_requests(|request| request.deadline.is_some_and(|deadline| deadline <= now));
        if let Some(latest) = late.iter().map(|request| request.number).max() {
            state.failing = true;
            state.late_below = latest.saturating_add(1);
        }
        let goes_on = !state.closed;
        drop(state);
        send(late, Err(SinkUnavailable::TimedOut));
        goes_on
    }

    /// Notes when everything that was written was safe last, and when the last checkpoint was made.
    pub(in crate::sink::file) fn note_progress(
        &self,
        synced: Duration,
        checkpoint: Option<Duration>,
    ) {
        let mut state = self.lock();
        state.synced_at = synced;
        state.checkpoint_at = checkpoint.or(state.checkpoint_at);
    }

    /// Returns a snapshot of the counters for the metrics. Ages are measured now.
    #[cfg(feature = "metrics")]
    pub(in crate::sink::file) fn figures(&self) -> crate::sink::file::trail_metrics::TrailMetrics {
        let now = self.clock.monotonic();
        let state = self.lock();
        crate::sink::file::trail_metrics::TrailMetrics {
            last_record: state.safe.sequence(),
            lost: state.lost_total + state.losses.dropped + state.losses.events,
            turned_away: state.turned_away_total + state.losses.turned_away,
            folded: state.folds.total,
            waiting: state.items.len(),
            failing: state.failing,
            hanging: state.hanging,
            sync_age: now.saturating_sub(state.synced_at),
            checkpoint_age: state.checkpoint_at.map(|at| now.saturating_sub(at)),
        }
    }

    /// Notes what the records of refusals took of their budget.
    pub(in crate::sink::file) fn refusal_was_written(&self, bytes: usize, estimated: bool) {
        self.lock().folds.was_written(bytes, estimated);
    }

    /// Sets what is done while the disk has little space.
    pub(in crate::sink::file) fn set_low_space(&self, count_refusals: bool, refuse_all: bool) {
        let mut state = self.lock();
        state.folds.count_only = count_refusals;
        state.refuse_all = refuse_all;
    }

    /// Notes that the writer begins to write (when), or that it is done.
    pub(in crate::sink::file) fn writing_since(&self, since: Option<Duration>) {
        let mut state = self.lock();
        let before = mem::replace(&mut state.writing_since, since);
        if let (Some(began), None) = (before, since) {
            state.last_attempt = self.clock.monotonic().saturating_sub(began);
        }
    }

    /// Logs once that a write takes longer than the deadline, and once that it is over.
    ///
    /// In drop-and-count mode nothing else would show a disk that hangs: no request waits, and the queue fills
    /// silently.
    pub(in crate::sink::file) fn tell_hanging(&self) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let hangs = state
            .writing_since
            .is_some_and(|since| now.saturating_sub(since) > self.settings.deadline);
        let was_hanging = mem::replace(&mut state.hanging, hangs);
        let waiting = state.items.len();
        drop(state);
        match (was_hanging, hangs) {
            (false, true) => {
                tracing::error!(target: "palisade::audit", waiting, "the disk of the audit trail does not respond");
            }
            (true, false) => {
                tracing::info!(target: "palisade::audit", waiting, "the disk of the audit trail responds again");
            }
            _ => {}
        }
    }

    /// Sleeps until the queue wakes the writer, at most `limit`. The lock is released meanwhile.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        how: WriterState,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.sleep = how;
        let awake = |state: &mut State| state.sleep != WriterState::Awake;
        let mut state = match limit {
            Some(limit) => {
                self.wake
                    .wait_timeout_while(state, limit, awake)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .wake
                .wait_while(state, awake)
                .unwrap_or_else(PoisonError::into_inner),
        };
        state.sleep = WriterState::Awake;
        state
    }
}

/// Sends outside of the lock: this may run code of the receiver.
fn send(requests: Vec<SyncRequest>, response: SinkResult) {
    for request in requests {
        // A receiver that is gone does not need it.
        let _ = request.response.send(response);
    }
}
