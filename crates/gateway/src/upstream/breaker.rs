//! The circuit breaker of one server.
//!
//! After several failures in a row no request is sent for a while: each would wait for its timeout,
//! and a server that comes back would be overrun. Then one request tries; its outcome decides.
//!
//! | state | requests | changes |
//! |---|---|---|
//! | closed | pass | to open after `failures` in a row |
//! | open | are refused | to half-open after `open_seconds`, by the next request |
//! | half-open | one passes, the others are refused | to closed or open, by the outcome of that one; after `open_seconds` without an outcome another one tries |
//!
//! The outcome of a trial may be late: its client may send a body slowly. Without the second trial such
//! a client would keep the server from all others.
//!
//! A request that began before the breaker opened does not decide anything when it ends.
//!
//! Only failures in a row count. A rate of failures would need a window and a least number of requests,
//! and a server that fails now and then is better served by a retry.
//!
//! The breaker never ends a request that is being served. A refusal because of it is 503 `unavailable`
//! with `Retry-After`, unless another server takes the request.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// When a breaker opens, and for how long.
///
/// The keys `failures` (1 to 1000) and `open_seconds` (1 to 86400) of `[upstreams.breaker]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BreakerSettings {
    /// Failures in a row that open it. Default: 5.
    pub(crate) failures: u32,
    /// The time until one request may try. Default: 10 s.
    pub(crate) open: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            open: Duration::from_secs(10),
        }
    }
}

/// Counts failures and decides whether a server gets requests. Times are those of a monotonic clock.
#[derive(Debug)]
pub(super) struct Breaker {
    /// They do not change: a reload that changes them makes a new breaker.
    settings: BreakerSettings,
    /// Held for a few instructions, never while waiting.
    state: Mutex<State>,
}

/// The three states of the table above.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Requests pass. Counts failures since the last success.
    Closed { failures: u32 },
    /// One request is trying. Another one may try after this time.
    HalfOpen { until: Duration },
    /// No request passes before this time.
    Open { until: Duration },
}

/// How a request passed the breaker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Passage {
    /// The breaker was closed. Its outcome counts only if the breaker still is.
    Ordinary,
    /// It is the one that decides whether the breaker closes.
    Trial,
}

/// What an outcome changed.
///
/// For one line in the log and one count in the metrics, however many requests fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// A trial succeeded: the server gets requests again.
    Closed,
    /// Nothing that an operator needs to know.
    None,
    /// The last of the failures in a row: the server gets no requests.
    Opened,
}

impl Breaker {
    /// Starts closed.
    ///
    /// The first request of a server passes, whatever happened before the start.
    pub(super) const fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Returns how long no request passes. `None`: one would pass now.
    ///
    /// While a trial is running, no one knows when it ends; the time of an open breaker is returned.
    pub(super) fn time_until_open(&self, now: Duration) -> Option<Duration> {
        match *self.lock_state() {
            State::Closed { .. } => None,
            State::HalfOpen { until } | State::Open { until } => {
                until.checked_sub(now).filter(|wait| !wait.is_zero())
            }
        }
    }

    /// Lets a request pass. `None`: not now.
    ///
    /// It changes the state: the caller must report an outcome, or that there is none.
    pub(super) fn let_pass(&self, now: Duration) -> Option<Passage> {
        let mut state = self.lock_state();
        match *state {
            State::Closed { .. } => Some(Passage::Ordinary),
            State::HalfOpen { until } | State::Open { until } if until <= now => {
                let until = now + self.settings.open;
                *state = State::HalfOpen { until };
                Some(Passage::Trial)
            }
            State::HalfOpen { .. } | State::Open { .. } => None,
        }
    }

    /// Notes a success.
    ///
    /// In the closed state it also sets the count of failures to zero.
    pub(super) fn note_success(&self, passage: Passage) -> Change {
        let mut state = self.lock_state();
        match (*state, passage) {
            (State::Closed { .. }, _) => {
                *state = State::Closed { failures: 0 };
                Change::None
            }
            (State::HalfOpen { .. }, Passage::Trial) => {
                *state = State::Closed { failures: 0 };
                Change::Closed
            }
            // It began before the breaker opened and says nothing about now.
            _ => Change::None,
        }
    }

    /// Notes a failure.
    ///
    /// A trial that fails opens the breaker for the same time as before.
    pub(super) fn note_failure(&self, passage: Passage, now: Duration) -> Change {
        let mut state = self.lock_state();
        let until = now + self.settings.open;
        match (*state, passage) {
            (State::Closed { failures }, _) if failures + 1 >= self.settings.failures => {
                *state = State::Open { until };
                Change::Opened
            }
            (State::Closed { failures }, _) => {
                *state = State::Closed {
                    failures: failures + 1,
                };
                Change::None
            }
            (State::HalfOpen { .. }, Passage::Trial) => {
                *state = State::Open { until };
                Change::None
            }
            _ => Change::None,
        }
    }

    /// Notes that a request ended without an outcome, because its client left. Another may try.
    ///
    /// Without it a breaker could stay half-open for ever, after the client of the only trial left.
    pub(super) fn record_abandoned(&self, passage: Passage, now: Duration) {
        let mut state = self.lock_state();
        if matches!((*state, passage), (State::HalfOpen { .. }, Passage::Trial)) {
            *state = State::Open { until: now };
        }
    }

    /// Locks the state.
    /// Returns the state as one of `closed`, `half-open` and `open`.
    pub(super) fn state_name(&self) -> &'static str {
        match *self.lock_state() {
            State::Closed { .. } => "closed",
            State::HalfOpen { .. } => "half-open",
            State::Open { .. } => "open",
        }
    }

    /// Locks the state, also after a panic in another thread.
    fn lock_state(&self) -> MutexGuard<'_, State> {
        // One enum is valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn open() -> Breaker {
        let breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            assert_eq!(breaker.note_failure(Passage::Ordinary, S), Change::None);
        }
        assert_eq!(breaker.note_failure(Passage::Ordinary, S), Change::Opened);
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_does_not() {
        let breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            breaker.note_failure(Passage::Ordinary, S);
        }
        breaker.note_success(Passage::Ordinary);
        for _ in 0..4 {
            breaker.note_failure(Passage::Ordinary, S);
        }
        assert_eq!(breaker.let_pass(S), Some(Passage::Ordinary));
        assert_eq!(open().let_pass(S), None);
    }

    #[test]
    fn after_the_time_one_request_tries_and_its_success_closes_it() {
        let breaker = open();
        assert_eq!(breaker.time_until_open(S * 4), Some(S * 7));
        assert_eq!(breaker.let_pass(S * 10), None);
        assert_eq!(breaker.let_pass(S * 11), Some(Passage::Trial));
        assert_eq!(breaker.let_pass(S * 11), None);
        assert_eq!(breaker.note_success(Passage::Trial), Change::Closed);
        assert_eq!(breaker.let_pass(S * 11), Some(Passage::Ordinary));
    }

    #[test]
    fn a_trial_that_fails_waits_again_and_one_whose_client_left_does_not() {
        let breaker = open();
        breaker.let_pass(S * 11);
        assert_eq!(breaker.note_failure(Passage::Trial, S * 12), Change::None);
        assert_eq!(breaker.let_pass(S * 21), None);
        assert_eq!(breaker.let_pass(S * 22), Some(Passage::Trial));
        breaker.record_abandoned(Passage::Trial, S * 23);
        assert_eq!(breaker.let_pass(S * 23), Some(Passage::Trial));
    }

    #[test]
    fn requests_from_before_it_opened_do_not_decide() {
        let breaker = open();
        breaker.let_pass(S * 11);
        assert_eq!(breaker.note_success(Passage::Ordinary), Change::None);
        assert_eq!(
            breaker.note_failure(Passage::Ordinary, S * 11),
            Change::None
        );
        breaker.record_abandoned(Passage::Ordinary, S * 11);
        assert_eq!(breaker.let_pass(S * 20), None);
    }

    #[test]
    fn a_trial_without_an_outcome_keeps_others_out_for_the_same_time_only() {
        let breaker = open();
        assert_eq!(breaker.let_pass(S * 11), Some(Passage::Trial));
        assert_eq!(breaker.time_until_open(S * 15), Some(S * 6));
        assert_eq!(breaker.let_pass(S * 20), None);
        assert_eq!(breaker.let_pass(S * 21), Some(Passage::Trial));
        assert_eq!(breaker.note_success(Passage::Trial), Change::Closed);
    }
}
