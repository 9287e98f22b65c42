//! The time that sessions end by.

use std::time::Duration;

use palisade_core::SharedClock;

/// Wall-clock time that does not go back in this process.
///
/// It starts at the wall clock and goes on with monotonic time. If the wall clock is ahead of that (it
/// was wrong at the start, or the machine slept), the wall clock counts. So a clock that is set back
/// prolongs no session, and all processes of a fleet agree but for the error of their clocks.
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
