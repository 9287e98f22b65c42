//! How long the writer waits for more callers before it syncs.
//!
//! One sync serves all callers that wait. Those that the last one released may come back at once with the next request: a
//! writer that syncs for the first of them makes all others wait for that sync and one more. So it waits for as many as
//! there can be, at most a quarter of the time that a sync takes. Where that brings too few, it does not wait for a while.

use std::time::Duration;

/// The longest wait. A slower disk gains no more from it.
const LONGEST: Duration = Duration::from_millis(2);
/// A sync takes so many times as long as the wait before it.
const PART_OF_SYNC: u32 = 4;
/// How many syncs come without a wait after one that brought too few callers.
const REST: u32 = 32;

/// What is known of the last sync that callers waited for.
#[derive(Debug, Default)]
pub(super) struct GroupCommit {
    /// How long it took.
    took: Duration,
    /// Callers that it released, and those that came meanwhile.
    expected: usize,
    /// Syncs that come without a wait.
    rest: u32,
}

impl GroupCommit {
    /// Notes that a sync released callers. `waiting` came meanwhile.
    pub(super) fn note_sync(&mut self, released: usize, waiting: usize, took: Duration) {
        if released > 0 {
            self.expected = released.saturating_add(waiting);
            self.took = took;
            self.rest = self.rest.saturating_sub(1);
        }
    }

    /// Returns whether so many callers are all that are expected.
    pub(super) const fn is_complete(&self, waiting: usize) -> bool {
        waiting >= self.expected
    }

    /// Returns how long to wait for more callers. `None`: not at all.
    pub(super) fn wait(&self, waiting: usize) -> Option<Duration> {
        let wait = (self.took / PART_OF_SYNC).min(LONGEST);
        (self.rest == 0 && !self.is_complete(waiting) && !wait.is_zero()).then_some(wait)
    }

    /// Notes how many callers a wait brought. It must bring more than its part of the time of a sync costs.
    pub(super) fn note_wait(&mut self, before: usize, after: usize) {
        let part = usize::try_from(PART_OF_SYNC).unwrap_or(usize::MAX);
        if after.saturating_sub(before).saturating_mul(part) < before {
            self.rest = REST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_millis(4);

    #[test]
    fn the_first_of_many_who_come_back_waits_for_the_others() {
        let mut group = GroupCommit::default();
        assert_eq!(group.wait(1), None);
        group.note_sync(200, 56, SYNC);
        assert_eq!(group.wait(57), Some(SYNC / 4));
        assert!(!group.is_complete(255) && group.is_complete(256));
        assert_eq!(group.wait(256), None);
    }

    #[test]
    fn one_caller_after_the_other_never_waits() {
        let mut group = GroupCommit::default();
        group.note_sync(1, 0, SYNC);
        assert_eq!(group.wait(1), None);
    }

    #[test]
    fn a_wait_is_short_beside_a_sync_and_bounded() {
        let mut group = GroupCommit::default();
        group.note_sync(8, 0, Duration::from_secs(5));
        assert_eq!(group.wait(1), Some(LONGEST));
        group.note_sync(8, 0, Duration::ZERO);
        assert_eq!(group.wait(1), None);
    }

    #[test]
    fn waits_that_bring_too_few_are_left_out_for_a_while() {
        let mut group = GroupCommit::default();
        group.note_sync(100, 100, SYNC);
        group.note_wait(100, 125);
        assert!(group.wait(100).is_some());
        group.note_wait(100, 124);
        for _ in 0..REST {
            assert_eq!(group.wait(100), None);
            group.note_sync(100, 100, SYNC);
        }
        assert!(group.wait(100).is_some());
    }
}
