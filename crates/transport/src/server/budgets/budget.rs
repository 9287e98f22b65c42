//! A number of frames that a connection may send: a burst, and a rate after it.

use tokio::time::Instant;

use crate::server::limits::FrameLimit;

/// A burst, a rate per second, and frames that were earned.
#[derive(Debug)]
pub(super) struct Budget {
    /// Burst and rate, from the limits of the server.
    limit: FrameLimit,
    /// In thousandths of a frame.
    left: u64,
    /// The time of the last refill.
    at: Instant,
}

impl Budget {
    /// Starts full.
    pub(super) fn new(limit: FrameLimit) -> Self {
        Self {
            limit,
            left: u64::from(limit.burst) * 1000,
            at: Instant::now(),
        }
    }

    /// Takes one frame from the budget. False if nothing is left.
    pub(super) fn spend(&mut self) -> bool {
        if self.left < 1000 {
            self.refill();
        }
        let spent = self.left.checked_sub(1000);
        self.left = spent.unwrap_or(self.left);
        spent.is_some()
    }

    /// Adds frames, up to the burst.
    pub(super) fn earn(&mut self, count: u32) {
        let full = u64::from(self.limit.burst) * 1000;
        self.left = self.left.saturating_add(u64::from(count) * 1000).min(full);
    }

    /// Adds what the rate allows. Called only when nothing is left, so that most frames need no
    /// clock.
    ///
    /// Time that passed while frames were left counts too, up to the burst. So a long
    /// pause earns one burst at most.
    fn refill(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let full = u64::from(self.limit.burst) * 1000;
        let gained = passed.saturating_mul(u64::from(self.limit.per_second));
        self.left = self.left.saturating_add(gained).min(full);
        self.at = now;
    }
}
