//! Requests over time, in at most 96 intervals of equal length.
//!
//! The length is not known before the last record was read. It begins with a second and is doubled
//! whenever the intervals do not suffice.
//!
//! Lengths are powers of two in seconds. So two intervals become exactly one, and a trail of any length needs one
//! pass: a minute has intervals of a second, a day of about 17 minutes, a year of about four days.

use std::time::Duration;

/// The most intervals. An even number, so that pairs can be merged.
const MAX_INTERVALS: usize = 96;

/// Answered and refused requests in consecutive intervals.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// The beginning of the first interval, in seconds since the Unix epoch. A multiple of the
    /// length.
    start: u64,
    /// The length of an interval in seconds, a power of two.
    length: u64,
    /// Consecutive, from the first record to the last. When there would be too many, pairs are
    /// merged.
    intervals: Vec<Interval>,
}

/// The requests of one interval.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Interval {
    /// Requests that the handler answered.
    pub(super) answered: u64,
    /// Requests that a guard refused.
    pub(super) refused: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            start: 0,
            length: 1,
            intervals: Vec::new(),
        }
    }
}

impl Timeline {
    /// Counts requests at a time since the Unix epoch. Earlier times than before are accepted: a request has the
    /// time of its arrival, and its record the place of its end.
    pub(super) fn add(&mut self, time: Duration, refused: bool, count: u64) {
        let second = time.as_secs();
        if self.intervals.is_empty() {
            self.start = second;
        }
        while !self.fits(second) {
            self.double();
        }
        self.begin_at(second);
        let index = usize::try_from((second - self.start) / self.length).unwrap_or(usize::MAX);
        if self.intervals.len() <= index {
            self.intervals.resize(index + 1, Interval::default());
        }
        if let Some(interval) = self.intervals.get_mut(index) {
            let counted = match refused {
                true => &mut interval.refused,
                false => &mut interval.answered,
            };
            *counted = counted.saturating_add(count);
        }
    }

    /// Returns the beginning in seconds since the Unix epoch, the length in seconds, and the counts.
    pub(super) fn intervals(&self) -> (u64, u64, &[Interval]) {
        (self.start, self.length, &self.intervals)
    }

    /// Tells whether all intervals, with the one of this second, are few enough.
    fn fits(&self, second: u64) -> bool {
        let first = self.start.min(second) / self.length;
        let end = self.start / self.length + self.intervals.len() as u64;
        let last = (second / self.length).max(end.saturating_sub(1));
        last - first < MAX_INTERVALS as u64
    }

    /// Makes intervals twice as long, and merges those that are now one. The beginning is rounded down to the new
    /// length.
    fn double(&mut self) {
        let first = self.start / self.length;
        self.length = self.length.saturating_mul(2);
        let mut merged: Vec<Interval> = Vec::new();
        for (index, interval) in (first..).zip(&self.intervals) {
            let place = usize::try_from(index / 2 - first / 2).unwrap_or(usize::MAX);
            if merged.len() <= place {
                merged.push(Interval::default());
            }
            if let Some(sum) = merged.last_mut() {
                sum.answered = sum.answered.saturating_add(interval.answered);
                sum.refused = sum.refused.saturating_add(interval.refused);
            }
        }
        self.intervals = merged;
        self.start = self.start / self.length * self.length;
    }

    /// Adds empty intervals before the first one, for a record that is earlier than others.
    fn begin_at(&mut self, second: u64) {
        let start = self.start / self.length;
        let wanted = second / self.length;
        if wanted < start {
            let missing = usize::try_from(start - wanted).unwrap_or(0);
            self.intervals
                .splice(0..0, std::iter::repeat_n(Interval::default(), missing));
            self.start = wanted * self.length;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn requests_stand_in_the_interval_of_their_time() {
        let mut timeline = Timeline::default();
        for (second, refused) in [(100, false), (100, true), (103, false), (98, true)] {
            timeline.add(at(second), refused, 1);
        }
        let (start, length, intervals) = timeline.intervals();
        assert_eq!((start, length, intervals.len()), (98, 1, 6));
        assert_eq!(
            (
                intervals[0].refused,
                intervals[2].answered,
                intervals[5].answered
            ),
            (1, 1, 1)
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_intervals_stay_few(
            times in prop::collection::vec((0..5_000_000_000_u64, any::<bool>()), 1..200)
        ) {
            let mut timeline = Timeline::default();
            for (second, refused) in &times {
                timeline.add(at(*second), *refused, 1);
            }
            let (start, length, intervals) = timeline.intervals();
            let sum = |of: fn(&Interval) -> u64| intervals.iter().map(of).sum::<u64>();
            let refused = times.iter().filter(|(_, refused)| *refused).count() as u64;
            prop_assert_eq!(sum(|it| it.refused), refused);
            prop_assert_eq!(sum(|it| it.answered), times.len() as u64 - refused);
            prop_assert!(intervals.len() <= MAX_INTERVALS && start % length == 0);
            let end = start + length * intervals.len() as u64;
            prop_assert!(times.iter().all(|(second, _)| (start..end).contains(second)));
        }
    }
}
