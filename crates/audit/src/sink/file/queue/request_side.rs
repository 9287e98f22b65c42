//! What requests call on the queue. Nothing here waits for the disk.
//!
//! A request reserves space when it starts ([`reserve`](Queue::reserve)), uses it for its records
//! and returns what it does not use. So a request that was admitted can also be recorded. Where a
//! response must wait for its record, the returned future ends when the writer reports a sync, or
//! with [`SinkUnavailable`] after the deadline.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use palisade_core::MaybeReady;
use tokio::sync::oneshot;

use super::{
    Queue, SinkResult,
    state::{QueuedRecord, State, SyncRequest, WriterState},
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RecordType, RequestRecord},
    sink::repeats::RepeatKey,
};

/// Space that one request reserves in fail-closed mode: one head record and one end record.
const PER_REQUEST: usize = 2;

impl Queue {
    /// Reserves space for the records of a request, so that what has started can also be recorded.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Full`] if the queue has no space, and the error of the sink if it fails or is closed. The
    /// refused request is counted as `turned_away`.
    pub(in crate::sink::file) fn reserve(&self) -> SinkResult {
        if !self.settings.policy.fails_closed() {
            return self.begin_open();
        }
        let mut state = self.lock();
        let fits = state.used().saturating_add(PER_REQUEST) <= self.settings.capacity;
        let fits = fits && !state.refuse_all;
        let response = state
            .ready()
            .and(fits.then_some(()).ok_or(SinkUnavailable::Full));
        match response {
            Ok(()) => state.reserved += PER_REQUEST,
            Err(_) => state.losses.turned_away += 1,
        }
        response
    }

    /// Admits a request that is served without a record too.
    ///
    /// Requests are refused only while the disk has little space and the operator chose
    /// `RefuseRequests` for that.
    fn begin_open(&self) -> SinkResult {
        let mut state = self.lock();
        if !state.refuse_all {
            return Ok(());
        }
        state.losses.turned_away += 1;
        Err(SinkUnavailable::Full)
    }

    /// Returns the space of a request that writes no record. Does nothing where none is reserved.
    pub(in crate::sink::file) fn release(&self) {
        if self.settings.policy.fails_closed() {
            self.lock().release(PER_REQUEST);
        }
    }

    /// Takes the last record of a request and returns at once.
    ///
    /// After a recorded head it is an `end` record. After a head that was only counted there is none. A record without
    /// space is dropped and counted, which cannot happen in fail-closed mode: its space was reserved.
    pub(in crate::sink::file) fn record_request(&self, event: &Arc<RequestRecord>) {
        let mut state = self.lock();
        let policy = self.settings.policy;
        let after_head = policy.waits() && event.has_head_record();
        if after_head && state.folds.take_counted_head(event.request_id()) {
            if policy.fails_closed() {
                state.release(1);
            }
            return;
        }
        let form = if after_head {
            RecordType::End
        } else {
            RecordType::Request
        };
        if !after_head && self.is_counted(&mut state, RepeatKey::of_request(event)) {
            if policy.fails_closed() {
                state.release(PER_REQUEST);
            }
            return;
        }
        let space = match (policy.fails_closed(), form) {
            (true, RecordType::End) => state.release(1),
            (true, _) => state.release(PER_REQUEST),
            (false, _) => state.items.len() < self.settings.capacity,
        };
        if !space || state.closed {
            state.losses.dropped += 1;
            return;
        }
        state.push(event, form);
        self.wake_if_worth(&mut state);
        let encoded = state.take_encoded();
        drop(state);
        drop(encoded);
    }

    /// Takes an event that is not a request.
    ///
    /// Events may use the space that requests reserved: a start or a reload is rare and important.
    /// An event beyond the capacity is dropped and counted as `events`.
    pub(in crate::sink::file) fn record_event(&self, event: &Arc<AuditEvent>) {
        let mut state = self.lock();
        if self.is_counted(&mut state, RepeatKey::of_event(event)) {
            return;
        }
        if state.closed || state.items.len() >= self.settings.capacity {
            state.losses.events += 1;
            return;
        }
        state
            .items
            .push_back(QueuedRecord::Event(Arc::clone(event)));
        self.wake_if_worth(&mut state);
    }

    /// Takes the head record of a request, for which space was reserved.
    ///
    /// The future is ready when the record is safe on the disk. A repetition that is only counted
    /// does not wait.
    pub(in crate::sink::file) fn record_head(
        &self,
        event: &Arc<RequestRecord>,
    ) -> MaybeReady<SinkResult> {
        let mut state = self.lock();
        let blocks = !self.settings.policy.fails_closed();
        if !blocks {
            state.release(1);
        }
        if self.is_counted(&mut state, RepeatKey::of_request(event)) {
            state.folds.head_was_counted(event.request_id());
            return MaybeReady::Ready(if blocks { Ok(()) } else { state.ready() });
        }
        if blocks && (state.closed || state.items.len() >= self.settings.capacity) {
            // The end of the request is not recorded either: it counts once.
            state.losses.dropped += 1;
            state.folds.head_was_counted(event.request_id());
            return MaybeReady::Ready(Ok(()));
        }
        let recorded = self.request_sync_of(state, event, RecordType::Head);
        if blocks { at_most(recorded) } else { recorded }
    }

    /// Returns whether a record is a repetition that is only counted. After the close nothing is
    /// counted.
    fn is_counted(&self, state: &mut State, key: Option<RepeatKey>) -> bool {
        let Some(key) = key.filter(|_| !state.closed) else {
            return false;
        };
        let counted = state.folds.counts(key, self.now());
        // The writer must know when the window is over.
        self.wake_if_idle(state);
        counted
    }

    /// Wakes the writer if it sleeps without a limit, so that it learns of a new window.
    fn wake_if_idle(&self, state: &mut State) {
        if state.sleep == WriterState::Idle {
            self.wake(state);
        }
    }

    /// Takes a record from before the handler, if there is space.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Full`] if not; the handler then does not start. A gate record has no reserved space, since
    /// the request that waits for it still has that of its head and end.
    pub(in crate::sink::file) fn record_gate(
        &self,
        event: &Arc<RequestRecord>,
    ) -> MaybeReady<SinkResult> {
        let state = self.lock();
        let blocks = !self.settings.policy.fails_closed();
        if state.used() >= self.settings.capacity {
            let full = Err(SinkUnavailable::Full);
            return MaybeReady::Ready(if blocks { Ok(()) } else { full });
        }
        let recorded = self.request_sync_of(state, event, RecordType::Gate);
        if blocks { at_most(recorded) } else { recorded }
    }

    /// Waits until everything that was taken so far is safe. It sets no deadline.
    pub(in crate::sink::file) fn flush(&self) -> MaybeReady<SinkResult> {
        let state = self.lock();
        if let Err(why) = state.ready() {
            return MaybeReady::Ready(Err(why));
        }
        // The caller of flush chooses how long to wait.
        self.request_sync(state, None)
    }

    /// Asks the writer to finish, and waits for its result.
    ///
    /// A second call returns the result of the first close. A writer that pauses after a failure is
    /// woken: it makes one more attempt and ends.
    pub(in crate::sink::file) fn close(&self) -> MaybeReady<SinkResult> {
        let mut state = self.lock();
        if state.closed {
            return MaybeReady::Ready(state.end);
        }
        state.closing = true;
        // Also out of the pause between two attempts.
        self.wake.notify_one();
        self.request_sync(state, None)
    }

    /// Adds a record and waits for it, at most the deadline of the queue.
    ///
    /// The record stays in the queue if the sink is failing: it is written once writing works again. So a request
    /// that was refused for that reason may have a record, but none that was answered is without one.
    fn request_sync_of(
        &self,
        mut state: MutexGuard<'_, State>,
        event: &Arc<RequestRecord>,
        form: RecordType,
    ) -> MaybeReady<SinkResult> {
        if state.closed {
            return MaybeReady::Ready(Err(SinkUnavailable::Closed));
        }
        state.push(event, form);
        if let Err(why) = state.ready() {
            // It is written once that works again; the end record shows that the response was 503.
            return MaybeReady::Ready(Err(why));
        }
        let deadline = self
            .clock
            .monotonic()
            .saturating_add(self.settings.deadline);
        self.request_sync(state, Some(deadline))
    }

    /// Registers a caller that waits for a sync. Without a deadline the watchdog does not end the
    /// wait.
    fn request_sync(
        &self,
        mut state: MutexGuard<'_, State>,
        deadline: Option<Duration>,
    ) -> MaybeReady<SinkResult> {
        let (response, waiting) = oneshot::channel();
        let number = state.sync_requests_made;
        state.sync_requests_made += 1;
        state.sync_requests.push(SyncRequest {
            number,
            deadline,
            response,
        });
        // A writer that collects is woken once, by the last one that it expects.
        let collects = state.sleep == WriterState::Collecting && !state.closing;
        if !collects || state.group.is_complete(state.sync_requests.len()) {
            self.wake(&mut state);
        }
        drop(state);
        MaybeReady::pending(async move { waiting.await.unwrap_or(Err(SinkUnavailable::Closed)) })
    }

    /// Wakes the writer if it is idle, or if it gathers records and the queue is half full.
    fn wake_if_worth(&self, state: &mut State) {
        let many = state.items.len() >= self.settings.capacity / 2;
        if state.sleep == WriterState::Idle || (many && state.sleep == WriterState::Gathering) {
            self.wake(state);
        }
    }

    /// Wakes the writer if it sleeps; a writer that works looks for more by itself.
    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.sleep) != WriterState::Awake {
            self.wake.notify_one();
        }
    }
}

/// Waits for a record, and lets the request go on whatever becomes of it. The record stays in the queue.
fn at_most(recorded: MaybeReady<SinkResult>) -> MaybeReady<SinkResult> {
    match recorded {
        MaybeReady::Ready(_) => MaybeReady::Ready(Ok(())),
        MaybeReady::Pending(recorded) => MaybeReady::pending(async move {
            let _ = recorded.await;
            Ok(())
        }),
    }
}
