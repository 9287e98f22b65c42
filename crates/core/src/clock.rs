//! Time as an argument: every decision that depends on it takes a [`Clock`].
//!
//! [`SystemClock`] is the default of every layer; tests pass a [`ManualClock`].

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A clock shared by several layers. Make one with [`SystemClock::shared`] or
/// [`ManualClock::shared`].
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use palisade_core::{ManualClock, SharedClock, SystemClock};
///
/// let default: SharedClock = SystemClock::shared();
///
/// let manual = ManualClock::new(Duration::ZERO);
/// let shared: SharedClock = manual.shared();
/// manual.advance(Duration::from_secs(5));
/// assert_eq!(shared.monotonic().as_secs(), 5);
/// ```
pub type SharedClock = Arc<dyn Clock>;

/// Reads the time in two ways: wall-clock time, and monotonic time.
///
/// Both return at once and never fail.
///
/// Layers take a clock in their builder and use [`SystemClock`] by default. Implement the trait only
/// if the time comes from elsewhere. Both methods are called on the request path: they must not block.
///
/// Why two readings: an administrator or NTP may set the wall clock back. A limit that measured with
/// it would then wait for hours.
///
/// # Examples
///
/// A clock for a system whose wall clock is ahead by a known time:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::{Clock, SystemClock};
///
/// #[derive(Debug)]
/// struct Corrected {
///     ahead_by: Duration,
/// }
///
/// impl Clock for Corrected {
///     fn unix_time(&self) -> Duration {
///         SystemClock::default().unix_time().saturating_sub(self.ahead_by)
///     }
///
///     fn monotonic(&self) -> Duration {
///         SystemClock::default().monotonic()
///     }
/// }
///
/// let clock = Corrected { ahead_by: Duration::from_secs(60) };
/// assert!(clock.unix_time() < SystemClock::default().unix_time());
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Wall-clock time since the Unix epoch. For expiry dates and records; it may jump.
    fn unix_time(&self) -> Duration;

    /// Time since a fixed moment of this process. For limits and durations; it never goes back.
    fn monotonic(&self) -> Duration;

    /// Tells whether this is the clock of the system as it is, so that all guards of a request may share one
    /// reading of it. Default: no.
    #[doc(hidden)]
    fn is_system(&self) -> bool {
        false
    }
}

/// The clock of the operating system. The default.
///
/// A system time before 1970 reads as the epoch, so that credentials with a start date are not yet
/// valid.
///
/// Monotonic time starts at the first reading in this process, so two processes cannot compare theirs.
///
/// ```
/// use palisade_core::{Clock, SystemClock};
///
/// let clock = SystemClock::default();
/// let earlier = clock.monotonic();
/// assert!(clock.monotonic() >= earlier);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Returns the system clock as a [`SharedClock`].
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

    fn is_system(&self) -> bool {
        true
    }
}

/// A clock for tests: it moves only by [`advance`](Self::advance). Clones share the time.
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
///
/// A test keeps the clock and gives the layers [`shared`](Self::shared). It then waits for a minute
/// in no time, and the result does not depend on how fast the machine is.
#[derive(Clone, Debug)]
pub struct ManualClock {
    /// Wall-clock time at the start.
    origin: Duration,
    /// Nanoseconds since the start, shared by all clones.
    passed: Arc<AtomicU64>,
}

impl ManualClock {
    /// Makes a clock at `unix_time` since the epoch. Its monotonic time begins at zero.
    #[must_use]
    pub fn new(unix_time: Duration) -> Self {
        Self {
            origin: unix_time,
            passed: Arc::default(),
        }
    }

    /// Moves both readings forward, for every clone.
    ///
    /// Resolution: one nanosecond.
    pub fn advance(&self, by: Duration) {
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.passed.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// Returns this clock as a [`SharedClock`]. This value still moves it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_core::{Clock, ManualClock};
    ///
    /// let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    /// let of_a_layer = clock.shared();
    /// clock.advance(Duration::from_secs(3600));
    /// assert_eq!(of_a_layer.unix_time(), Duration::from_secs(1_800_003_600));
    /// ```
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
