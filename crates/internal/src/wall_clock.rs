//! The wall clock as expiry dates need it: what has expired stays expired when the clock steps back.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Smaller steps back are not told: threads read the clock in no certain order.
const NOT_A_STEP: Duration = Duration::from_secs(1);
/// The latest time is noted this often, so that threads seldom write to the same memory.
const RESOLUTION: Duration = Duration::from_millis(100);

/// Remembers the latest reading of a wall clock. When the clock steps back, time stands still at
/// that reading until the clock has caught up.
///
/// A step back of more than `max_step` is believed: the readings before were wrong, and refusing
/// everything for so long would be worse.
#[derive(Debug)]
pub struct WallClock {
    /// Nanoseconds since the Unix epoch.
    latest: AtomicU64,
    max_step: Duration,
    held: AtomicBool,
}

/// A reading of a [`WallClock`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Within Palisade.
pub struct Reading {
    /// The time to decide by.
    pub now: Duration,
    /// By how much the clock stepped back; told once for each step.
    pub stepped_back: Option<Duration>,
}

impl WallClock {
    /// The usual bound on steps back that are held: a day, as long as tokens live at most.
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
