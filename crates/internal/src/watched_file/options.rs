//! How often a file is checked, and how long an older state may stay in force.

use std::{fmt, sync::Arc, time::Duration};

type Now = dyn Fn() -> Duration + Send + Sync;

/// The bounds of a [`WatchedFile`](super::WatchedFile).
///
/// ```
/// use std::time::{Duration, Instant};
/// use palisade_internal::watched_file::Options;
///
/// let start = Instant::now();
/// let mut options = Options::new(1024 * 1024, move || start.elapsed());
/// options.interval = Duration::from_secs(5);
/// assert_eq!(options.max_stale_age, Duration::from_secs(15 * 60));
/// ```
#[derive(Clone)]
#[allow(clippy::exhaustive_structs)] // Within Palisade.
pub struct Options {
    /// The time between two checks. Default: one second.
    pub interval: Duration,
    /// The largest file in bytes; a larger one is refused.
    pub largest: u64,
    /// How long an older state stays in force while the file cannot be read. Default: 15 minutes;
    /// at least two intervals.
    pub max_stale_age: Duration,
    /// Reads a monotonic clock.
    now: Arc<Now>,
}

impl Options {
    /// The default time between two checks: one second.
    pub const INTERVAL: Duration = Duration::from_secs(1);
    /// The default bound on older states: 15 minutes.
    pub const MAX_STALE_AGE: Duration = Duration::from_secs(15 * 60);

    /// Uses the default times. `largest` is in bytes; `now` reads a monotonic clock.
    pub fn new(largest: u64, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            interval: Self::INTERVAL,
            largest,
            max_stale_age: Self::MAX_STALE_AGE,
            now: Arc::new(now),
        }
    }

    /// Sets the monotonic clock that measures the age of older states.
    pub fn set_clock(&mut self, now: impl Fn() -> Duration + Send + Sync + 'static) {
        self.now = Arc::new(now);
    }

    pub(super) fn now(&self) -> Duration {
        (self.now)()
    }

    /// Returns the bound on older states, at least two intervals: between two checks no state is old.
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
