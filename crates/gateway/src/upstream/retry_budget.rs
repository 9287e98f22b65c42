//! How many requests may be sent again.
//!
//! A retry helps when one server of several fails. When all fail, each retry is one more request to
//! servers that cannot respond. The budget tells the two cases apart without a clock: it is full while
//! requests succeed, and empty soon after they do not.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one request adds, in tenths of a retry.
const DEPOSIT: u32 = 2;
/// What one retry costs.
const COST: u32 = 10;
/// The most that is saved: ten retries.
const MOST: u32 = 100;

/// Allows one retry for every five requests, so that an outage makes at most 1.2 times the load.
///
/// It starts empty, and saves at most ten retries.
///
/// One for each upstream, in addition to `retries`, which bounds one request.
#[derive(Debug, Default)]
pub(super) struct RetryBudget(AtomicU32);

impl RetryBudget {
    /// Counts a request.
    ///
    /// Call it once for each request of a client, not for retries.
    pub(super) fn count_request(&self) {
        let more = |saved: u32| Some((saved + DEPOSIT).min(MOST));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes one retry, if there is one.
    ///
    /// Returns whether there was one. If not, the failure is returned to the client.
    pub(super) fn take_retry(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(COST);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_requests_may_be_sent_again_and_no_more_than_ten_are_saved() {
        let budget = RetryBudget::default();
        assert!(!budget.take_retry());
        let retries = (0..1000)
            .filter(|_| {
                budget.count_request();
                budget.take_retry()
            })
            .count();
        assert_eq!(retries, 200);
        (0..1000).for_each(|_| budget.count_request());
        assert_eq!((0..1000).filter(|_| budget.take_retry()).count(), 10);
    }
}
