//! Time as an argument: every decision that depends on it takes a [`Clock`].

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A clock that many parts share.
pub type SharedClock = Arc<dyn Clock>;

/// Tells the time, twice: as the world counts it, and as it passes.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since the Unix epoch. For expiry dates and records; it may jump.
    fn unix_time(&self) -> Duration;

    /// Time since some fixed moment of this process. For limits and durations; it never goes back.
    fn monotonic(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Returns the system's clock, ready to be shared.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

// The one place that may ask the operating system.
#[allow(clippy::disallowed_methods)]
impl Clock for SystemClock {
    fn unix_time(&self) -> Duration {
        // A clock set before 1970 counts as the epoch: everything with a start date is then not yet valid.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        ORIGIN.get_or_init(Instant::now).elapsed()
    }
}

/// A clock that stands still until a test moves it. Clones share the time.
///
/// ```
/// use std::time::Duration;
/// use palisade_core::{Clock, ManualClock};
///
/// let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.unix_time().as_secs(), 1_700_000_060);
/// assert_eq!(clock.monotonic().as_secs(), 60);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    origin: Duration,
    passed: Arc<AtomicU64>,
}

impl ManualClock {
    /// Makes a clock that shows `unix_time` and has not run yet.
    #[must_use]
    pub fn new(unix_time: Duration) -> Self {
        Self {
            origin: unix_time,
            passed: Arc::default(),
        }
    }

    /// Moves both readings forward, for every clone.
    pub fn advance(&self, by: Duration) {
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.passed.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// Returns this clock as one that many parts share; the original still moves it.
    #[must_use]
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }
}

impl Clock for ManualClock {
    fn unix_time(&self) -> Duration {
        self.origin + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.passed.load(Ordering::SeqCst))
    }
}
