//! The pause before the server is tried again: exponential backoff with jitter.
//!
//! The connection manager records successes and failures here and asks for the next pause.

use std::time::Duration;

/// The first pause. Jitter adds up to as much again, so that many nodes do not try at the same moment.
const FIRST: u64 = 250;

/// The longest pause for a server that cannot be reached, in milliseconds before jitter. The try is
/// cheap.
const LONGEST_UNREACHABLE: u64 = 1_000;

/// The longest pause for a server that passes the probe and then fails real calls, in milliseconds
/// before jitter. Each new try costs requests a failure.
const LONGEST_UNRELIABLE: u64 = 30_000;

/// A connection that worked for this long counts as good and resets the backoff.
const PROVEN: Duration = Duration::from_secs(10);

/// Counts failures, and derives the next pause from them. Takes the time as an argument.
///
/// A server that cannot be reached is tried every second or two: that costs one connection attempt. One that
/// accepts connections and then fails requests is tried less and less often, since each try makes requests fail.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// Probes that failed since the server was last used.
    failed_probes: u32,
    /// Connections in a row that passed the probe and soon failed.
    short_lives: u32,
    /// When the last probe succeeded. What fails soon after counts as unreliable.
    up_since: Duration,
}

impl Backoff {
    /// Records that the probe succeeded.
    pub(super) const fn record_connected(&mut self, now: Duration) {
        self.failed_probes = 0;
        self.up_since = now;
    }

    /// Records that the connection was given up.
    pub(super) fn record_failed(&mut self, now: Duration) {
        if now.saturating_sub(self.up_since) >= PROVEN {
            self.short_lives = 0;
        }
        self.short_lives = self.short_lives.saturating_add(1);
    }

    /// Records that a try to connect failed.
    pub(super) const fn record_failed_probe(&mut self) {
        self.failed_probes = self.failed_probes.saturating_add(1);
    }

    /// Returns the pause before the next try; the first one after a proven connection comes at once.
    pub(super) fn pause(&self, random: u64) -> Duration {
        let unreachable = doubled(self.failed_probes).min(LONGEST_UNREACHABLE);
        let unreliable = doubled(self.short_lives.saturating_sub(1)).min(LONGEST_UNRELIABLE);
        let pause = unreachable.max(unreliable);
        let jitter = random.checked_rem(pause).unwrap_or(0);
        Duration::from_millis(pause + jitter)
    }
}

/// Returns 0, then the first pause, then twice as much each time.
fn doubled(times: u32) -> u64 {
    match times.checked_sub(1) {
        None => 0,
        Some(doublings) => FIRST.saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_server_that_fails_soon_after_each_probe_is_tried_less_and_less() {
        let mut backoff = Backoff::default();
        let mut now = seconds(100);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            backoff.record_connected(now);
            now += Duration::from_millis(5);
            backoff.record_failed(now);
            let pause = backoff.pause(0);
            pauses.push(pause.as_millis());
            now += pause;
        }
        let expected = [
            0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000,
        ];
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_connection_that_served_for_a_while_is_tried_again_at_once() {
        let mut backoff = Backoff::default();
        for life in [0, 0, 0, 10] {
            backoff.record_connected(seconds(100));
            backoff.record_failed(seconds(100 + life));
        }
        assert_eq!(backoff.pause(7), Duration::ZERO);
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_tried_every_second_or_two() {
        let mut backoff = Backoff::default();
        backoff.record_failed(seconds(100));
        for _ in 0..100 {
            backoff.record_failed_probe();
        }
        assert_eq!(backoff.pause(0), seconds(1));
        assert!(backoff.pause(u64::MAX) < seconds(2));
    }
}
