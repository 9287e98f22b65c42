//! The bounded queue between the requests and the writer thread.
//!
//! `request_side` has what requests call: it takes the lock for a moment and never waits for the
//! disk. `writer_side` has what the writer thread and the watchdog call. `state` is what the lock
//! protects.
//!
//! A full queue refuses the request (fail-closed) or drops the record and counts it. A poisoned
//! lock is used as it is: a panic elsewhere must not stop the audit trail.
//!
//! # Places
//!
//! The capacity counts records, and places that open requests reserved. In fail-closed mode a request takes two
//! places when it starts: one for its head, which is free again when the head is written, and one for its end. So
//! a record of a request that was admitted always fits. In the other modes nothing is reserved, and a record that
//! does not fit is counted as lost.

mod group_commit;
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
use crate::{
    chain::Anchor,
    error::SinkUnavailable,
    sink::{LossPolicy, repeats::RepeatTable},
};

/// Success, or the reason why a record is not safe on the disk.
type SinkResult = Result<(), SinkUnavailable>;

/// The queue. One instance for each file sink, shared by requests, writer thread and watchdog.
#[derive(Debug)]
pub(super) struct Queue {
    /// Held for short steps only, never during a write or while a response is released.
    state: Mutex<State>,
    /// Wakes the writer thread from its sleep or from the pause between two attempts.
    wake: Condvar,
    /// Measures deadlines and windows; tests set a manual clock.
    clock: SharedClock,
    /// Fixed when the sink is opened.
    settings: Settings,
}

/// Limits of a queue, from the builder of the file sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The most records that wait for the writer, including space reserved by requests.
    pub(super) capacity: usize,
    /// How long a response waits for its record before it is refused.
    pub(super) deadline: Duration,
    /// What happens to a request without a record.
    pub(super) policy: LossPolicy,
    /// When repeated refusals are counted instead of recorded one by one.
    pub(super) fold: RepeatSettings,
}

/// The result of one [`take`](Queue::take): what the writer must do now, besides the records.
#[derive(Debug)]
pub(super) struct Batch {
    /// Sync requests with a number below this one are answered after the next sync.
    pub(super) below: u64,
    /// Whether a caller waits for a sync. If so, the writer syncs at once.
    pub(super) is_sync_requested: bool,
    /// Whether the sink is being closed: after this batch the writer ends.
    pub(super) closing: bool,
    /// Losses since the last batch. The writer records them as `lost`.
    pub(super) losses: Losses,
    /// Counts of repetitions whose window has ended. Each becomes a record `folded`.
    pub(super) folded: Vec<RepeatCount>,
}

impl Queue {
    /// Returns an empty queue. The writer thread counts as awake until it first sleeps.
    pub(super) fn new(settings: Settings, clock: SharedClock) -> Self {
        Self {
            state: Mutex::new(State::new(RepeatTable::new(settings.fold))),
            wake: Condvar::new(),
            clock,
            settings,
        }
    }

    /// Returns the last record that is safe on the disk, as the writer reported it last.
    pub(super) fn safe(&self) -> Anchor {
        self.lock().safe
    }

    /// Returns how many records were not kept since the sink was opened.
    ///
    /// Dropped records, refused requests and lost events all count.
    pub(super) fn lost_records(&self) -> u64 {
        let state = self.lock();
        state.lost_before + state.losses.dropped + state.losses.turned_away + state.losses.events
    }

    /// Returns the wall-clock time, since the Unix epoch.
    pub(super) fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }

    /// Returns what happens to a request without a record.
    pub(super) fn policy(&self) -> LossPolicy {
        self.settings.policy
    }

    /// Returns how long a response may wait for its record.
    pub(super) fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    /// Returns the wall-clock time and the monotonic time.
    fn now(&self) -> (Duration, Duration) {
        (self.clock.unix_time(), self.clock.monotonic())
    }

    /// Takes the lock. A poisoned lock is used: the state is consistent after each step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
