//! The side of the requests: nothing here waits.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use palisade_core::Soon;
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

/// Records of one request in fail-closed mode: head and end.
const PER_REQUEST: usize = 2;

impl Queue {
    /// Reserves space for the records of a request, so that what has begun can also be recorded.
    pub(in crate::sink::file) fn reserve(&self) -> SinkResult {
        if !self.settings.fail_closed {
            return self.begin_open();
        }
        let mut state = self.lock();
        let fits = state.used().saturating_add(PER_REQUEST) <= self.settings.capacity;
        let fits = fits && !state.refuse_all;
        let answer = state
            .ready()
            .and(fits.then_some(()).ok_or(SinkUnavailable::Full));
        match answer {
            Ok(()) => state.reserved += PER_REQUEST,
            Err(_) => state.losses.turned_away += 1,
        }
        answer
    }

    /// In drop-and-count mode requests are refused only if the operator asked for that on a disk that
    /// is nearly full.
    fn begin_open(&self) -> SinkResult {
        let mut state = self.lock();
        if !state.refuse_all {
            return Ok(());
        }
        state.losses.turned_away += 1;
        Err(SinkUnavailable::Full)
    }

    /// Releases the space.
    pub(in crate::sink::file) fn release(&self) {
        if self.settings.fail_closed {
            self.lock().release(PER_REQUEST);
        }
    }

    /// Takes the last record of a request.
    pub(in crate::sink::file) fn record_request(&self, event: &Arc<RequestRecord>) {
        let mut state = self.lock();
        let after_head = self.settings.fail_closed && event.has_head_record();
        if after_head && state.folds.take_counted_head(event.request_id()) {
            state.release(1);
            return;
        }
        let form = if after_head {
            RecordType::End
        } else {
            RecordType::Request
        };
        if !after_head && self.is_counted(&mut state, RepeatKey::of_request(event)) {
            if self.settings.fail_closed {
                state.release(PER_REQUEST);
            }
            return;
        }
        let space = match (self.settings.fail_closed, form) {
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
    }

    /// Takes an event that is not a request. It may use the space that requests reserved, as little as
    /// it is: a start or a reload matters more than the last place.
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

    /// Takes the head of a request, for which there is space.
    pub(in crate::sink::file) fn record_head(
        &self,
        event: &Arc<RequestRecord>,
    ) -> Soon<SinkResult> {
        let mut state = self.lock();
        state.release(1);
        if self.is_counted(&mut state, RepeatKey::of_request(event)) {
            state.folds.head_was_counted(event.request_id());
            return Soon::Now(state.ready());
        }
        self.ask_for(state, event, RecordType::Head)
    }

    /// Returns whether something is a repetition that is only counted. After the close nothing is.
    fn is_counted(&self, state: &mut State, key: Option<RepeatKey>) -> bool {
        let Some(key) = key.filter(|_| !state.closed) else {
            return false;
        };
        let counted = state.folds.counts(key, self.now());
        // The writer must know when the window is over.
        self.wake_if_idle(state);
        counted
    }

    fn wake_if_idle(&self, state: &mut State) {
        if state.sleep == WriterState::Idle {
            self.wake(state);
        }
    }

    /// Takes a record from before the handler, if there is space.
    pub(in crate::sink::file) fn record_gate(
        &self,
        event: &Arc<RequestRecord>,
    ) -> Soon<SinkResult> {
        let state = self.lock();
        if state.used() >= self.settings.capacity {
            return Soon::Now(Err(SinkUnavailable::Full));
        }
        self.ask_for(state, event, RecordType::Gate)
    }

    /// Asks for everything that was taken so far.
    pub(in crate::sink::file) fn flush(&self) -> Soon<SinkResult> {
        let state = self.lock();
        if let Err(why) = state.ready() {
            return Soon::Now(Err(why));
        }
        // The caller of flush chooses how long to wait.
        self.ask(state, None)
    }

    /// Lets the writer finish.
    pub(in crate::sink::file) fn close(&self) -> Soon<SinkResult> {
        let mut state = self.lock();
        if state.closed {
            return Soon::Now(state.end);
        }
        state.closing = true;
        // Also out of the pause between two attempts.
        self.wake.notify_one();
        self.ask(state, None)
    }

    fn ask_for(
        &self,
        mut state: MutexGuard<'_, State>,
        event: &Arc<RequestRecord>,
        form: RecordType,
    ) -> Soon<SinkResult> {
        if state.closed {
            return Soon::Now(Err(SinkUnavailable::Closed));
        }
        state.push(event, form);
        if let Err(why) = state.ready() {
            // It is written once that works again; the end record shows that the response was 503.
            return Soon::Now(Err(why));
        }
        let deadline = self
            .clock
            .monotonic()
            .saturating_add(self.settings.deadline);
        self.ask(state, Some(deadline))
    }

    fn ask(
        &self,
        mut state: MutexGuard<'_, State>,
        deadline: Option<Duration>,
    ) -> Soon<SinkResult> {
        let (answer, waiting) = oneshot::channel();
        let number = state.asked;
        state.asked += 1;
        state.asks.push(SyncRequest {
            number,
            deadline,
            answer,
        });
        self.wake(&mut state);
        drop(state);
        Soon::later(async move { waiting.await.unwrap_or(Err(SinkUnavailable::Closed)) })
    }

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
