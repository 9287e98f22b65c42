//! The time at which the guards decide, read once for all of them.
//!
//! A stack of five guards that each ask the system for the time spends more on that than on a limit. Guards
//! that use the system clock share a reading instead: [`SecurityContext::monotonic_time`] and
//! [`SecurityContext::unix_time`]. Other clocks, such as those of tests, are read each time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::SecurityContext;
use crate::clock::Clock;

/// The two readings in nanoseconds; 0 if there is none.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    monotonic: AtomicU64,
    unix: AtomicU64,
}

impl SecurityContext {
    /// Returns the monotonic time at which the guards decide over this request.
    ///
    /// For `admit`. If `clock` is the [`SystemClock`](crate::SystemClock), all guards of a request get one
    /// reading. It is taken again after a wait: when a guard needed longer for its decision
    /// ([`Verdict::Later`](crate::Verdict::Later)), and in a service behind another one. Any other clock is
    /// read. What ends later than `admit`, such as the duration of a request, must read the clock itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_core::{ManualClock, SecurityContext, SystemClock};
    ///
    /// let (mut head, ()) = http::Request::new(()).into_parts();
    /// let cx = SecurityContext::find_or_create(&mut head);
    /// let system = SystemClock::shared();
    /// assert_eq!(cx.monotonic_time(&*system), cx.monotonic_time(&*system));
    ///
    /// let clock = ManualClock::new(Duration::ZERO);
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(cx.monotonic_time(&clock).as_secs(), 5);
    /// ```
    #[must_use]
    pub fn monotonic_time(&self, clock: &dyn Clock) -> Duration {
        read_once(&self.0.arrival.monotonic, clock, Clock::monotonic)
    }

    /// Returns the wall-clock time at which the guards decide over this request, as
    /// [`monotonic_time`](Self::monotonic_time) does for monotonic time.
    #[must_use]
    pub fn unix_time(&self, clock: &dyn Clock) -> Duration {
        read_once(&self.0.arrival.unix, clock, Clock::unix_time)
    }

    /// Forgets the readings, after the request had to wait.
    pub(crate) fn forget_arrival(&self) {
        self.0.arrival.monotonic.store(0, Ordering::Relaxed);
        self.0.arrival.unix.store(0, Ordering::Relaxed);
    }
}

/// Returns the stored reading of the system clock, or reads it and stores it.
fn read_once(stored: &AtomicU64, clock: &dyn Clock, read: fn(&dyn Clock) -> Duration) -> Duration {
    if !clock.is_system() {
        return read(clock);
    }
    match stored.load(Ordering::Relaxed) {
        0 => {
            let now = read(clock);
            // Before the year 2554 it fits. Later every guard would read for itself.
            let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or(0);
            stored.store(nanoseconds, Ordering::Relaxed);
            now
        }
        nanoseconds => Duration::from_nanos(nanoseconds),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::clock::{ManualClock, SystemClock};

    fn context() -> SecurityContext {
        let (mut head, ()) = Request::new(()).into_parts();
        SecurityContext::find_or_create(&mut head)
    }

    #[test]
    fn the_system_clock_is_read_once_until_the_request_waits() {
        let (cx, clock) = (context(), SystemClock::default());
        let first = (cx.monotonic_time(&clock), cx.unix_time(&clock));
        while clock.monotonic() == first.0 {}
        assert_eq!(first, (cx.monotonic_time(&clock), cx.unix_time(&clock)));
        cx.forget_arrival();
        assert!(cx.monotonic_time(&clock) > first.0);
    }

    #[test]
    fn another_clock_is_read_each_time() {
        let (cx, clock) = (context(), ManualClock::new(Duration::ZERO));
        let _ = cx.monotonic_time(&SystemClock::default());
        assert_eq!(cx.monotonic_time(&clock), Duration::ZERO);
        clock.advance(Duration::from_secs(5));
        assert_eq!(cx.monotonic_time(&clock), Duration::from_secs(5));
        assert_eq!(cx.unix_time(&clock), Duration::from_secs(5));
    }
}
