//! How long requests took, in intervals that double.
//!
//! Eighteen intervals cover everything from a cache hit to a streamed response. Their ends are known before the
//! first record is read, so one pass and a fixed memory suffice.

use std::time::Duration;

/// The upper end of the first interval, in microseconds.
const FIRST: u64 = 250;
/// Intervals: below 250 µs, then each twice as long, up to 16 seconds, and longer.
const INTERVALS: usize = 18;

/// Counts durations in intervals that double.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    /// Durations by interval. The last one has no upper end.
    intervals: [u64; INTERVALS],
    /// The longest duration, which the last interval does not tell.
    longest: Duration,
}

impl Latency {
    /// Counts one duration.
    pub(super) fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let doublings = (micros / FIRST)
            .checked_ilog2()
            .map_or(0, |log| log as usize + 1);
        if let Some(count) = self.intervals.get_mut(doublings.min(INTERVALS - 1)) {
            *count = count.saturating_add(1);
        }
        self.longest = self.longest.max(duration);
    }

    /// Returns how many durations were counted.
    pub(super) fn count(&self) -> u64 {
        self.intervals
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Returns the upper end of each interval with its count, up to the last one that is not empty.
    pub(super) fn intervals(&self) -> impl Iterator<Item = (Duration, u64)> {
        let used = self
            .intervals
            .iter()
            .rposition(|count| *count > 0)
            .map_or(0, |last| last + 1);
        let end = |index: usize| match index + 1 == INTERVALS {
            true => self.longest,
            false => Duration::from_micros(FIRST << index),
        };
        (0..used)
            .zip(&self.intervals)
            .map(move |(index, count)| (end(index), *count))
    }

    /// Returns a duration that this part of all requests, in thousandths, did not exceed. It is the
    /// upper end of an interval, so at most twice the true value.
    pub(super) fn quantile(&self, thousandths: u64) -> Duration {
        let wanted = self.count().saturating_mul(thousandths).div_ceil(1000);
        let mut sum = 0_u64;
        for (end, count) in self.intervals() {
            sum = sum.saturating_add(count);
            if sum >= wanted {
                return end.min(self.longest);
            }
        }
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_stand_in_intervals_that_double() {
        let mut latency = Latency::default();
        for micros in [0, 249, 250, 499, 500, 1_000_000, 600_000_000] {
            latency.add(Duration::from_micros(micros));
        }
        let used: Vec<_> = latency
            .intervals()
            .filter(|(_, count)| *count > 0)
            .collect();
        let ends = [250, 500, 1000, 1_024_000, 600_000_000].map(Duration::from_micros);
        assert_eq!(
            used,
            ends.into_iter().zip([2, 2, 1, 1, 1]).collect::<Vec<_>>()
        );
        assert_eq!(latency.count(), 7);
    }

    #[test]
    fn a_quantile_is_the_end_of_its_interval_and_never_beyond_the_longest() {
        let mut latency = Latency::default();
        for millis in 1..=100 {
            latency.add(Duration::from_millis(millis));
        }
        assert_eq!(latency.quantile(500), Duration::from_millis(64));
        assert_eq!(latency.quantile(990), Duration::from_millis(100));
        assert_eq!(Latency::default().quantile(500), Duration::ZERO);
    }
}
