//! How often a file is looked at, and for how long an older state may stay in force.

use std::{fmt, sync::Arc, time::Duration};

type Now = dyn Fn() -> Duration + Send + Sync;

/// The bounds of a [`WatchedFile`](super::WatchedFile).
#[derive(Clone)]
#[allow(clippy::exhaustive_structs)] // Within Palisade.
pub struct Options {
    /// How often the thread looks.
    pub interval: Duration,
    /// A larger file is refused.
    pub largest: u64,
    /// How long an older state stays in force while the file cannot be read.
    pub max_stale_age: Duration,
    now: Arc<Now>,
}

impl Options {
    /// The usual time between two looks: one second.
    pub const INTERVAL: Duration = Duration::from_secs(1);
    /// The usual bound on older states: 15 minutes.
    pub const MAX_STALE_AGE: Duration = Duration::from_secs(15 * 60);

    /// The usual bounds. `now` reads a monotonic clock.
    pub fn new(largest: u64, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            interval: Self::INTERVAL,
            largest,
            max_stale_age: Self::MAX_STALE_AGE,
            now: Arc::new(now),
        }
    }

    pub(super) fn now(&self) -> Duration {
        (self.now)()
    }

    /// Between two looks no state is old, however short the bound is.
    pub(super) fn max_stale(&self) -> Duration {
        self.max_stale_age.max(self.interval * 2)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("interval", &self.interval)
            .field("largest", &self.largest)
            .field("max_stale_age", &self.max_stale_age)
            .finish_non_exhaustive()
    }
}
