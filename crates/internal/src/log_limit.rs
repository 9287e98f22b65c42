//! Log lines that a client can cause, bounded in number.
//!
//! A warning for each request would let a client fill the operator's disk. The first one
//! is written at once; those that follow within the interval are counted, and the next line that
//! is written carries their number.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The default time between two lines of one kind: one minute.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// Decides which of many equal log lines are written: the first, then at most one an interval.
///
/// Takes the time of a monotonic clock as an argument, allocates nothing and never blocks. A value
/// can be a `static` or a field; keep one for each kind of line.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::log_limit::LogLimit;
///
/// static LIMIT: LogLimit = LogLimit::per_minute();
/// let now = Duration::from_secs(100);
/// assert_eq!(LIMIT.admit(now), Some(0)); // write it; none was held back before
/// assert_eq!(LIMIT.admit(now), None); // held back and counted
/// assert_eq!(LIMIT.admit(now + Duration::from_secs(61)), Some(1));
/// ```
#[derive(Debug)]
pub struct LogLimit {
    /// The least time between two lines.
    interval: Duration,
    /// Nanoseconds at which the next line may be written; 0 before the first.
    next: AtomicU64,
    /// Lines held back since the last one that was written.
    held_back: AtomicU64,
}

impl LogLimit {
    /// Allows at most one line an interval.
    #[must_use]
    pub const fn per(interval: Duration) -> Self {
        Self {
            interval,
            next: AtomicU64::new(0),
            held_back: AtomicU64::new(0),
        }
    }

    /// Allows at most one line a minute.
    #[must_use]
    pub const fn per_minute() -> Self {
        Self::per(INTERVAL)
    }

    /// Returns `Some(n)` if the line is to be written, where `n` lines were held back since the
    /// last one. Returns `None` if the line is held back; it is counted.
    ///
    /// `now` is the reading of a monotonic clock. If several threads call it at once, one writes.
    #[must_use]
    pub fn admit(&self, now: Duration) -> Option<u64> {
        let next = self.next.load(Ordering::Relaxed);
        let until = nanoseconds(now)
            .saturating_add(nanoseconds(self.interval))
            .max(1);
        let won = is_due(next, now)
            && self
                .next
                .compare_exchange(next, until, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if won {
            return Some(self.held_back.swap(0, Ordering::Relaxed));
        }
        self.held_back.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Returns whether a line would be written now.
    fn is_due(&self, now: Duration) -> bool {
        is_due(self.next.load(Ordering::Relaxed), now)
    }
}

/// Returns whether the time of the next line has come; 0 before the first.
fn is_due(next: u64, now: Duration) -> bool {
    next == 0 || nanoseconds(now) >= next
}

/// The most lines that a [`LogLimitTable`] tells apart at a time.
pub const MOST_LINES: usize = 64;

/// One [`LogLimit`] for each of many lines, which are told apart by exact texts.
///
/// So two lines never hide each other, as long as there are at most [`MOST_LINES`] within a minute. Of
/// more, a new line takes the place of one that was quiet for a minute. While there is none, all new
/// lines share one limit. So at most `MOST_LINES + 1` lines are written a minute.
///
/// It locks a mutex for the time of a search, and allocates for a line that it sees first.
///
/// ```
/// use std::time::Duration;
/// use palisade_internal::log_limit::LogLimitTable;
///
/// static FAULTS: LogLimitTable = LogLimitTable::per_minute();
/// let now = Duration::from_secs(100);
/// assert_eq!(FAULTS.admit(&["https", "misconfigured"], now), Some(0));
/// assert_eq!(FAULTS.admit(&["limit", "misconfigured"], now), Some(0));
/// assert_eq!(FAULTS.admit(&["https", "misconfigured"], now), None);
/// ```
#[derive(Debug)]
pub struct LogLimitTable {
    lines: Mutex<Vec<(Box<[Box<str>]>, LogLimit)>>,
    /// For lines that find no place.
    others: LogLimit,
}

impl LogLimitTable {
    /// Allows each line at most once a minute.
    #[must_use]
    pub const fn per_minute() -> Self {
        Self {
            lines: Mutex::new(Vec::new()),
            others: LogLimit::per_minute(),
        }
    }

    /// Decides as [`LogLimit::admit`] about the line that these texts identify.
    #[must_use]
    pub fn admit(&self, line: &[&str], now: Duration) -> Option<u64> {
        // A list is valid after any panic.
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same =
            |known: &[Box<str>]| known.iter().map(|text| &**text).eq(line.iter().copied());
        if let Some((_, limit)) = lines.iter().find(|(known, _)| is_same(known)) {
            return limit.admit(now);
        }
        if lines.len() >= MOST_LINES {
            let Some(quiet) = lines.iter().position(|(_, limit)| limit.is_due(now)) else {
                return self.others.admit(now);
            };
            lines.swap_remove(quiet);
        }
        let limit = LogLimit::per_minute();
        let admitted = limit.admit(now);
        lines.push((line.iter().copied().map(Box::from).collect(), limit));
        admitted
    }
}

/// Converts to nanoseconds; 584 years or more become the largest number.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_lines_in_a_minute_are_one_and_a_count() {
        let limit = LogLimit::per_minute();
        let written = (0..1_000_000_u64)
            .filter(|i| limit.admit(Duration::from_micros(*i)).is_some())
            .count();
        assert_eq!(written, 1);
        assert_eq!(limit.admit(Duration::from_secs(60)), Some(999_999));
        assert_eq!(limit.admit(Duration::from_secs(120)), Some(0));
    }

    #[test]
    fn the_first_line_is_written_also_at_time_zero() {
        let limit = LogLimit::per_minute();
        assert_eq!(limit.admit(Duration::ZERO), Some(0));
        assert_eq!(limit.admit(Duration::ZERO), None);
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn lines_of_a_table_do_not_hide_each_other() {
        let table = LogLimitTable::per_minute();
        let names: Vec<String> = (0..MOST_LINES).map(|number| number.to_string()).collect();
        for name in &names {
            assert_eq!(table.admit(&["a", name], MINUTE), Some(0), "{name}");
            assert_eq!(table.admit(&["a", name], MINUTE), None, "{name}");
        }
        // The texts count one by one, and not what they are together.
        let other = LogLimitTable::per_minute();
        assert_eq!(other.admit(&["ab", "c"], MINUTE), Some(0));
        assert_eq!(other.admit(&["a", "bc"], MINUTE), Some(0));
        assert_eq!(other.admit(&["a"], MINUTE), Some(0));
    }

    #[test]
    fn more_lines_than_places_are_bounded_and_quiet_ones_make_room() {
        let table = LogLimitTable::per_minute();
        let written = |from: u32, now: Duration| {
            let names = (from..from + 10_000).map(|number| number.to_string());
            let admitted = names.filter(|name| table.admit(&[name], now).is_some());
            admitted.count()
        };
        assert_eq!(written(0, MINUTE), MOST_LINES + 1);
        assert_eq!(written(10_000, MINUTE), 0);
        assert_eq!(written(20_000, 2 * MINUTE), MOST_LINES + 1);
        assert_eq!(table.lines.lock().unwrap().len(), MOST_LINES);
    }
}
