//! Counts requests that the rules leave out, for an event of the trail.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use palisade_internal::log_limit::LogLimit;

/// How many requests were left out since the last event about them.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// Requests since the last event.
    count: AtomicU64,
    /// One event a minute.
    turn: LogLimit,
}

impl Default for LeftOut {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            turn: LogLimit::per_minute(),
        }
    }
}

impl LeftOut {
    /// Counts one. Returns whether an event is due.
    pub(super) fn add(&self, now: Duration) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.turn.admit(now).is_some()
    }

    /// Returns the number, which begins again.
    pub(super) fn take(&self) -> u64 {
        self.count.swap(0, Ordering::Relaxed)
    }
}
