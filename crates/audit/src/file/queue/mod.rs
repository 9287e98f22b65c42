//! Between the requests and the thread that writes: bounded, and never waited for by a request.

mod state;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::{SharedClock, Soon};
use tokio::sync::oneshot;

use self::state::{Ask, Sleep, State};
pub(super) use self::state::{Item, Losses};
use crate::{Anchor, Event, Unavailable, event::Form};

/// How long the writer gathers records before it writes again, when nobody waits for one.
const GATHER: Duration = Duration::from_millis(20);
/// Records of one request in fail-closed mode: head and end.
const PER_REQUEST: usize = 2;

type Answer = Result<(), Unavailable>;

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    clock: SharedClock,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) capacity: usize,
    pub(super) deadline: Duration,
    pub(super) fail_closed: bool,
}

/// What the writer took.
#[derive(Debug)]
pub(super) struct Taken {
    /// Asks below this number are about it, or about what was taken before.
    pub(super) below: u64,
    /// Somebody waits for it.
    pub(super) asked: bool,
    /// It is the last time.
    pub(super) closing: bool,
    /// What could not be taken since the last time.
    pub(super) losses: Losses,
}

impl Queue {
    pub(super) fn new(settings: Settings, clock: SharedClock) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            clock,
            settings,
        }
    }

    // === The side of the requests ===

    /// Makes room for the records of a request, so that what has begun can also be recorded.
    pub(super) fn begin(&self) -> Answer {
        if !self.settings.fail_closed {
            return Ok(());
        }
        let mut state = self.lock();
        let fits = state.used().saturating_add(PER_REQUEST) <= self.settings.capacity;
        let answer = state
            .ready()
            .and(fits.then_some(()).ok_or(Unavailable::Full));
        match answer {
            Ok(()) => state.reserved += PER_REQUEST,
            Err(_) => state.losses.turned_away += 1,
        }
        answer
    }

    /// Gives the room back.
    pub(super) fn forget(&self) {
        if self.settings.fail_closed {
            self.lock().release(PER_REQUEST);
        }
    }

    /// Takes the last record of a request.
    pub(super) fn end(&self, event: &Arc<Event>) {
        let mut state = self.lock();
        let after_head = self.settings.fail_closed && event.has_head();
        let form = if after_head { Form::End } else { Form::Request };
        let room = match (self.settings.fail_closed, form) {
            (true, Form::End) => state.release(1),
            (true, _) => state.release(PER_REQUEST),
            (false, _) => state.items.len() < self.settings.capacity,
        };
        if !room || state.closed {
            state.losses.dropped += 1;
            return;
        }
        state.push(event, form);
        self.wake_if_worth(&mut state);
    }

    /// Takes the head of a request, for which there is room.
    pub(super) fn head(&self, event: &Arc<Event>) -> Soon<Answer> {
        let mut state = self.lock();
        state.release(1);
        self.ask_for(state, event, Form::Head)
    }

    /// Takes a record from before the handler, if there is room.
    pub(super) fn gate(&self, event: &Arc<Event>) -> Soon<Answer> {
        let state = self.lock();
        if state.used() >= self.settings.capacity {
            return Soon::Now(Err(Unavailable::Full));
        }
        self.ask_for(state, event, Form::Gate)
    }

    /// Asks for everything that was taken so far.
    pub(super) fn flush(&self) -> Soon<Answer> {
        let state = self.lock();
        if let Err(why) = state.ready() {
            return Soon::Now(Err(why));
        }
        // Whoever flushes chooses how long to wait.
        self.ask(state, None)
    }

    /// Lets the writer finish.
    pub(super) fn close(&self) -> Soon<Answer> {
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
        event: &Arc<Event>,
        form: Form,
    ) -> Soon<Answer> {
        if state.closed {
            return Soon::Now(Err(Unavailable::Closed));
        }
        state.push(event, form);
        if let Err(why) = state.ready() {
            // It is written once that works again; the end record tells that it was answered with 503.
            return Soon::Now(Err(why));
        }
        let deadline = self
            .clock
            .monotonic()
            .saturating_add(self.settings.deadline);
        self.ask(state, Some(deadline))
    }

    fn ask(&self, mut state: MutexGuard<'_, State>, deadline: Option<Duration>) -> Soon<Answer> {
        let (answer, waiting) = oneshot::channel();
        let number = state.asked;
        state.asked += 1;
        state.asks.push(Ask {
            number,
            deadline,
            answer,
        });
        self.wake(&mut state);
        drop(state);
        Soon::later(async move { waiting.await.unwrap_or(Err(Unavailable::Closed)) })
    }

    fn wake_if_worth(&self, state: &mut State) {
        let many = state.items.len() >= self.settings.capacity / 2;
        if state.sleep == Sleep::Idle || (many && state.sleep == Sleep::Gathering) {
            self.wake(state);
        }
    }

    /// Wakes the writer if it sleeps; a writer that works looks for more by itself.
    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.sleep) != Sleep::Awake {
            self.wake.notify_one();
        }
    }

    // === The side of the writer ===

    /// Waits for work, at most `due`, and takes all of it.
    pub(super) fn take(&self, into: &mut Vec<Item>, due: Option<Duration>) -> Taken {
        let mut state = self.lock();
        if !state.is_urgent() {
            state = self.sleep(state, Sleep::Gathering, Some(GATHER));
        }
        if !state.is_urgent() && state.is_still() {
            state = self.sleep(state, Sleep::Idle, due);
        }
        into.extend(state.items.drain(..));
        Taken {
            below: state.asked,
            asked: !state.asks.is_empty(),
            closing: state.closing,
            losses: state.take_losses(),
        }
    }

    /// Tells everybody below a number that what they wait for is safe. If it is not, all who have a
    /// deadline hear that: they need not wait for the next attempt to know.
    pub(super) fn answer(&self, below: u64, answer: Answer, safe: Anchor) {
        let mut state = self.lock();
        state.failing = answer.is_err();
        state.safe = safe;
        let failing = state.failing;
        let answered =
            state.take_asks(|ask| ask.number < below || (failing && ask.deadline.is_some()));
        drop(state);
        send(answered, answer);
    }

    /// Waits a while before the next attempt. Returns false if there shall be none.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let state = self.lock();
        if state.closing {
            return false;
        }
        let state = self.wake.wait_timeout(state, pause);
        !state.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Ends the queue: nothing is taken any more, everybody is answered. Only the first end counts.
    pub(super) fn end_all(&self, below: u64, end: Answer, safe: Anchor, unwritten: usize) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.closed = true;
        state.end = end;
        state.safe = safe;
        // What came after the writer took for the last time is not written.
        let late = std::mem::take(&mut state.items).len();
        let dropped = late.saturating_add(unwritten);
        state.losses.dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
        let about = state.take_asks(|ask| ask.number < below || late == 0);
        let left = state.take_asks(|_| true);
        drop(state);
        send(about, end);
        send(left, Err(Unavailable::Closed));
    }

    /// Gives up on answers that are late. Returns false when there will be no more.
    pub(super) fn expire(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let late = state.take_asks(|ask| ask.deadline.is_some_and(|deadline| deadline <= now));
        state.failing |= !late.is_empty();
        let goes_on = !state.closed;
        drop(state);
        send(late, Err(Unavailable::TimedOut));
        goes_on
    }

    pub(super) fn safe(&self) -> Anchor {
        self.lock().safe
    }

    pub(super) fn lost(&self) -> u64 {
        let state = self.lock();
        state.lost_before + state.losses.dropped + state.losses.turned_away
    }

    pub(super) fn fails_closed(&self) -> bool {
        self.settings.fail_closed
    }

    pub(super) fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        how: Sleep,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.sleep = how;
        let awake = |state: &mut State| state.sleep != Sleep::Awake;
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
        state.sleep = Sleep::Awake;
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers outside of the lock: it may run the code of whoever waits.
fn send(asks: Vec<Ask>, answer: Answer) {
    for ask in asks {
        // Whoever left does not need it.
        let _ = ask.answer.send(answer);
    }
}
