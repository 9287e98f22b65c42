//! The wall clock as expiry dates need it: what has expired stays expired when the clock steps back.
//!
//! The time is an argument: the caller reads the system clock, or a manual one in tests.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Smaller steps back are not reported: threads read the clock in no certain order.
const NOT_A_STEP: Duration = Duration::from_secs(1);
/// The latest time is stored at most this often, so that threads seldom write to the same memory.
const RESOLUTION: Duration = Duration::from_millis(100);

/// Remembers the latest reading of a wall clock. When the clock steps back, the time stays at that
/// reading until the clock has caught up.
///
/// After a step back of more than `max_step`, the new time is accepted. The readings before were
/// wrong, and to refuse everything for so long would be worse.
///
/// Never blocks and allocates nothing; threads share one value.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::wall_clock::WallClock;
///
/// let clock = WallClock::new(WallClock::MAX_STEP);
/// let seconds = Duration::from_secs;
/// assert_eq!(clock.read(seconds(1_000)).now, seconds(1_000));
///
/// let reading = clock.read(seconds(940)); // The clock was set back by a minute.
/// assert_eq!(reading.now, seconds(1_000));
/// assert_eq!(reading.stepped_back, Some(seconds(60)));
/// ```
#[derive(Debug)]
pub struct WallClock {
    /// The latest reading, in nanoseconds since the Unix epoch.
    latest: AtomicU64,
    /// The largest step back that is not accepted.
    max_step: Duration,
    /// The time is held at this moment, and the step was reported.
    held: AtomicBool,
}

/// A reading of a [`WallClock`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Within Palisade.
pub struct Reading {
    /// The time to decide by, since the Unix epoch.
    pub now: Duration,
    /// By how much the clock stepped back. Reported once for each step.
    pub stepped_back: Option<Duration>,
}

impl WallClock {
    /// The default bound on steps back that are held: one day, as long as tokens live at most.
    pub const MAX_STEP: Duration = Duration::from_secs(86_400);

    /// Holds the time after steps back of at most `max_step`.
    #[must_use]
    pub const fn new(max_step: Duration) -> Self {
        Self {
            latest: AtomicU64::new(0),
            max_step,
            held: AtomicBool::new(false),
        }
    }

    /// Takes a reading of the clock and returns the time to decide by. Never blocks.
    ///
    /// Steps back of up to one second are not reported.
    pub fn read(&self, wall: Duration) -> Reading {
        let noted = self.latest.load(Ordering::Relaxed);
        let latest = Duration::from_nanos(noted);
        let step = latest.saturating_sub(wall);
        if step <= NOT_A_STEP {
            if wall >= latest + RESOLUTION {
                self.latest.fetch_max(nanoseconds(wall), Ordering::Relaxed);
            }
            if self.held.load(Ordering::Relaxed) {
                self.held.store(false, Ordering::Relaxed);
            }
            let now = wall.max(latest);
            return Reading {
                now,
                stepped_back: None,
            };
        }
        if step > self.max_step {
            let believed = self.latest.compare_exchange(
                noted,
                nanoseconds(wall),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            return Reading {
                now: wall,
                stepped_back: believed.is_ok().then_some(step),
            };
        }
        let first = !self.held.load(Ordering::Relaxed) && !self.held.swap(true, Ordering::Relaxed);
        Reading {
            now: latest,
            stepped_back: first.then_some(step),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(clock: &WallClock, wall: u64, now: u64, step: Option<u64>) {
        let reading = Reading {
            now: Duration::from_secs(now),
            stepped_back: step.map(Duration::from_secs),
        };
        assert_eq!(clock.read(Duration::from_secs(wall)), reading, "at {wall}");
    }

    #[test]
    fn time_stands_still_after_a_step_back_and_it_is_told_once() {
        let clock = WallClock::new(Duration::from_secs(100));
        check(&clock, 1_000, 1_000, None);
        check(&clock, 999, 1_000, None);
        check(&clock, 950, 1_000, Some(50));
        check(&clock, 951, 1_000, None);
        check(&clock, 1_001, 1_001, None);
        check(&clock, 901, 1_001, Some(100));
    }

    #[test]
    fn a_step_beyond_the_bound_is_believed_and_told_once() {
        let clock = WallClock::new(Duration::from_secs(100));
        check(&clock, 1_000, 1_000, None);
        check(&clock, 899, 899, Some(101));
        check(&clock, 900, 900, None);
    }
}
