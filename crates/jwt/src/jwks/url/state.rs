//! The known keys and their age. Times are of the monotonic clock.
//!
//! A failed fetch keeps the keys and delays the next attempt.

use std::{sync::Arc, time::Duration};

use crate::keys::KeySet;

/// After the first failed fetch; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two attempts in an outage.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The state at one moment; replaced as a whole.
#[derive(Debug, Default)]
pub(super) struct State {
    /// `None` before the first successful fetch.
    fetched: Option<Fetched>,
    /// Failed fetches since the last successful one.
    failures: u32,
    /// The next fetch is not started before.
    pause_until: Duration,
}

/// A successful fetch.
#[derive(Clone, Debug)]
struct Fetched {
    keys: Arc<KeySet>,
    /// When it ended.
    at: Duration,
    /// How long its keys are fresh.
    lifetime: Duration,
}

impl State {
    pub(super) fn fetched(keys: KeySet, at: Duration, lifetime: Duration) -> Self {
        Self {
            fetched: Some(Fetched {
                keys: Arc::new(keys),
                at,
                lifetime,
            }),
            failures: 0,
            pause_until: Duration::ZERO,
        }
    }

    /// Keeps the keys and waits longer each time: 1, 2, 4 … 60 seconds.
    pub(super) fn failed(&self, now: Duration) -> Self {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(6))
            .min(LONGEST_PAUSE);
        Self {
            fetched: self.fetched.clone(),
            failures: self.failures.saturating_add(1),
            pause_until: now + pause,
        }
    }

    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        self.fetched
            .as_ref()
            .map(|fetched| Arc::clone(&fetched.keys))
    }

    /// The keys, unless they have reached the maximum age.
    pub(super) fn usable(&self, now: Duration, hard_age: Duration) -> Option<Arc<KeySet>> {
        let fetched = self.fetched.as_ref()?;
        (fetched.age(now) < hard_age).then(|| Arc::clone(&fetched.keys))
    }

    /// Returns whether four fifths of the lifetime have passed.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.fetched
            .as_ref()
            .is_none_or(|fetched| fetched.age(now) >= fetched.lifetime / 5 * 4)
    }

    /// Returns whether the lifetime has passed, or there are no keys.
    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        self.fetched
            .as_ref()
            .is_none_or(|fetched| fetched.age(now) >= fetched.lifetime)
    }

    /// Returns whether the last fetch failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Returns whether the pause after a failed fetch is over.
    pub(super) fn may_fetch(&self, now: Duration) -> bool {
        now >= self.pause_until
    }

    pub(super) fn fetched_at(&self) -> Option<Duration> {
        self.fetched.as_ref().map(|fetched| fetched.at)
    }

    /// How long until the next fetch is due.
    pub(super) fn next_look(&self, now: Duration) -> Duration {
        let due = self
            .fetched
            .as_ref()
            .map_or(now, |fetched| fetched.at + fetched.lifetime / 5 * 4);
        due.max(self.pause_until).saturating_sub(now)
    }
}

impl Fetched {
    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.at)
    }
}
