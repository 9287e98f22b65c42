//! Between the requests and the thread that writes: bounded, and never waited for by a request.

mod request_side;
mod state;
mod writer_side;

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::SharedClock;

use self::state::State;
pub(super) use self::state::{Losses, QueuedRecord};
pub(super) use crate::sink::repeats::{RepeatCount, RepeatSettings};
use crate::{chain::Anchor, error::SinkUnavailable, sink::repeats::RepeatTable};

type SinkResult = Result<(), SinkUnavailable>;

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
    pub(super) fold: RepeatSettings,
}

/// What the writer took.
#[derive(Debug)]
pub(super) struct Batch {
    /// Asks below this number are about it, or about what was taken before.
    pub(super) below: u64,
    /// A caller waits for it.
    pub(super) asked: bool,
    /// It is the last time.
    pub(super) closing: bool,
    /// What could not be taken since the last time.
    pub(super) losses: Losses,
    /// Repetitions whose window is over.
    pub(super) folded: Vec<RepeatCount>,
}

impl Queue {
    pub(super) fn new(settings: Settings, clock: SharedClock) -> Self {
        Self {
            state: Mutex::new(State::new(RepeatTable::new(settings.fold))),
            wake: Condvar::new(),
            clock,
            settings,
        }
    }

    pub(super) fn safe(&self) -> Anchor {
        self.lock().safe
    }

    pub(super) fn lost_records(&self) -> u64 {
        let state = self.lock();
        state.lost_before + state.losses.dropped + state.losses.turned_away + state.losses.events
    }

    pub(super) fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }

    pub(super) fn fails_closed(&self) -> bool {
        self.settings.fail_closed
    }

    pub(super) fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    fn now(&self) -> (Duration, Duration) {
        (self.clock.unix_time(), self.clock.monotonic())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
