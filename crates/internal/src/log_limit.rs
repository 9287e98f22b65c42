//! Log lines that a client can cause, bounded in number.
//!
//! A warning for each request would let a client fill the operator's disk. The first one
//! is written at once; those that follow within the interval are counted, and the next line that
//! is written carries their number.

use std::{
    sync::atomic::{AtomicU64, Ordering},
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
        let now = nanoseconds(now);
        let next = self.next.load(Ordering::Relaxed);
        let until = now.saturating_add(nanoseconds(self.interval)).max(1);
        let due = next == 0 || now >= next;
        let won = due
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
}
