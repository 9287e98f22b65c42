//! Decides when a failing batch is given up as a whole, so that it is divided and in the end set aside.
//!
//! A server that refuses everything for a while must get all batches later; one batch that it never takes must stop no
//! others. The two look alike while nothing is taken, so time decides: the age of the records, and for how long the
//! server has refused. Records keep their age when a batch is divided or the service is restarted, so the parts of a batch
//! and the batches behind it do not wait for another day.

use std::time::Duration;

use super::spool::StoredBatch;

/// After so many failures of the oldest batch the next one is tried. Each batch fails so often before it is given up.
pub(super) const FAILURES: u32 = 5;
/// The shortest time for which a server refuses before old batches are given up: it may be starting, after a day on
/// which it was away.
const SHORTEST: Duration = Duration::from_secs(60 * 60);

/// What is known of batches that fail, perhaps by their own fault.
#[derive(Debug)]
pub(super) struct Doubt {
    /// A batch of this age is given up.
    set_aside_after: Duration,
    /// The batch that failed last, and how often.
    failing: Option<(StoredBatch, u32)>,
    /// Since when the server refuses, on the monotonic clock. `None` if it took the last whole batch.
    refusing_since: Option<Duration>,
    /// The last batch that was given up as a whole. Its parts are too, as soon as they have failed often enough.
    given_up: Option<StoredBatch>,
}

impl Doubt {
    /// Begins with no batch in doubt.
    pub(super) fn new(set_aside_after: Duration) -> Self {
        Self {
            set_aside_after,
            failing: None,
            refusing_since: None,
            given_up: None,
        }
    }

    /// Counts a failure of a batch whose records have this age. Returns whether it is given up.
    pub(super) fn failed(&mut self, batch: &StoredBatch, age: Duration, now: Duration) -> bool {
        let before = self.failing.take().filter(|(failing, _)| failing == batch);
        let failures = before.map_or(1, |(_, failures)| failures.saturating_add(1));
        let since = *self.refusing_since.get_or_insert(now);
        let refusing_for = now.saturating_sub(since);
        let is_old = age >= self.set_aside_after;
        let is_old = is_old && refusing_for >= self.set_aside_after.min(SHORTEST);
        let is_part = self.is_part(batch);
        if failures < FAILURES || !(is_part || is_old) {
            self.failing = Some((batch.clone(), failures));
            return false;
        }
        if !is_part {
            self.give_up(batch);
        }
        true
    }

    /// Notes that the fault is with a batch: the server took another one in its place.
    pub(super) fn give_up(&mut self, batch: &StoredBatch) {
        if !self.is_part(batch) {
            self.given_up = Some(batch.clone());
        }
    }

    /// Notes that the server took a batch. A part of one that was given up shows nothing about the others.
    pub(super) fn taken(&mut self, batch: &StoredBatch) {
        if !self.is_part(batch) {
            self.refusing_since = None;
        }
    }

    /// Tells whether a batch is a part of the one that was given up.
    fn is_part(&self, batch: &StoredBatch) -> bool {
        let given_up = self.given_up.as_ref();
        given_up.is_some_and(|given_up| batch.is_part_of(given_up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn batch(first: u64, last: u64) -> StoredBatch {
        StoredBatch::of_records(first, last)
    }

    /// Lets a batch fail so often at one moment, and returns after which failure it is given up.
    fn given_up_after(
        doubt: &mut Doubt,
        batch: &StoredBatch,
        (age, now): (Duration, Duration),
        most: u32,
    ) -> Option<u32> {
        (1..=most).find(|_| doubt.failed(batch, age, now))
    }

    #[test]
    fn a_batch_is_given_up_when_it_is_a_day_old_and_the_server_refuses_for_an_hour() {
        let mut doubt = Doubt::new(DAY);
        let whole = batch(1, 512);
        assert_eq!(
            given_up_after(&mut doubt, &whole, (DAY - HOUR, HOUR), 50),
            None
        );
        assert_eq!(
            given_up_after(&mut doubt, &whole, (DAY, HOUR * 2), 9),
            Some(1)
        );
        // A server that was away for days and now starts.
        let mut doubt = Doubt::new(DAY);
        assert_eq!(
            given_up_after(&mut doubt, &whole, (DAY * 3, HOUR), 50),
            None
        );
        doubt.taken(&whole);
        let next = batch(513, 600);
        assert_eq!(
            given_up_after(&mut doubt, &next, (DAY * 3, HOUR * 9), 50),
            None
        );
    }

    #[test]
    fn parts_and_older_batches_behind_wait_for_no_other_day() {
        let mut doubt = Doubt::new(DAY);
        let whole = batch(1, 512);
        assert!(!doubt.failed(&whole, DAY, Duration::ZERO));
        assert_eq!(given_up_after(&mut doubt, &whole, (DAY, HOUR), 9), Some(4));
        let (half, other) = (batch(1, 256), batch(257, 512));
        assert_eq!(
            given_up_after(&mut doubt, &half, (DAY, HOUR), 9),
            Some(FAILURES)
        );
        doubt.taken(&batch(1, 128));
        assert_eq!(
            given_up_after(&mut doubt, &other, (DAY, HOUR), 9),
            Some(FAILURES)
        );
        let behind = batch(513, 1024);
        assert_eq!(
            given_up_after(&mut doubt, &behind, (DAY, HOUR), 9),
            Some(FAILURES)
        );
        // One that came later has its own day.
        let young = batch(1025, 1030);
        assert_eq!(given_up_after(&mut doubt, &young, (HOUR, HOUR), 50), None);
    }

    #[test]
    fn a_short_time_to_set_aside_is_not_made_longer() {
        let mut doubt = Doubt::new(Duration::from_secs(60));
        let one = batch(1, 1);
        assert!(!doubt.failed(&one, Duration::ZERO, Duration::ZERO));
        let minute = Duration::from_secs(60);
        assert_eq!(
            given_up_after(&mut doubt, &one, (minute, minute), 9),
            Some(4)
        );
    }
}
