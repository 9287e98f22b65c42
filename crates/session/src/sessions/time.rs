//! The time that sessions end by.

use std::time::Duration;

use palisade_core::SharedClock;

/// Wall-clock time that is never behind the start of this process plus monotonic time.
///
/// If the wall clock is ahead of that (it was wrong at the start, or the machine slept), the wall clock counts. So a
/// clock that is set back below that line prolongs no session. A clock that jumped ahead and is set right again
/// takes the time back to the line: sessions that seemed to have ended last again, and none lasts longer than it
/// should. All processes of a fleet agree but for the error of their clocks.
#[derive(Debug)]
pub(super) struct SessionTime {
    clock: SharedClock,
    /// The wall clock at the start.
    wall: Duration,
    /// The monotonic clock at the start.
    monotonic: Duration,
}

impl SessionTime {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            wall: clock.unix_time(),
            monotonic: clock.monotonic(),
            clock,
        }
    }

    pub(super) fn now(&self) -> Duration {
        let passed = self.clock.monotonic().saturating_sub(self.monotonic);
        self.clock.unix_time().max(self.wall.saturating_add(passed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use palisade_core::Clock;

    use super::*;

    /// A wall clock and a monotonic clock that are set apart.
    #[derive(Clone, Debug)]
    struct Apart(Arc<Mutex<(u64, u64)>>);

    impl Clock for Apart {
        fn unix_time(&self) -> Duration {
            Duration::from_secs(self.0.lock().unwrap().0)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.lock().unwrap().1)
        }
    }

    #[test]
    fn time_is_never_behind_the_start_plus_monotonic_time() {
        let clock = Apart(Arc::new(Mutex::new((1_000, 0))));
        let time = SessionTime::new(Arc::new(clock.clone()));
        for (wall, monotonic, expected) in [
            (1_010, 10, 1_010),
            // Set back: below the start, and above it.
            (500, 20, 1_020),
            (1_005, 30, 1_030),
            // Ahead, and right again.
            (9_000, 40, 9_000),
            (1_050, 50, 1_050),
        ] {
            *clock.0.lock().unwrap() = (wall, monotonic);
            assert_eq!(time.now(), Duration::from_secs(expected), "{wall}");
        }
    }
}
