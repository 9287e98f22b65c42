//! How many requests are in progress, and how many may be.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use palisade_core::Priority;

/// In percent of the limit.
const SHEDDABLE_SHARE: u64 = 50;
/// In percent of the limit. The rest is for requests of critical priority.
const NORMAL_SHARE: u64 = 90;

/// The requests of one process that are in progress.
#[derive(Debug)]
pub(super) struct Occupancy {
    /// How many requests may be in progress. The adaptive limit changes it.
    limit: AtomicU32,
    /// How many are.
    in_progress: AtomicU32,
    /// The most that were in progress since the adaptive limit looked last.
    peak: AtomicU32,
}

impl Occupancy {
    /// Starts with no request in progress.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        let occupancy = Self {
            limit: AtomicU32::new(0),
            in_progress: AtomicU32::new(0),
            peak: AtomicU32::new(0),
        };
        occupancy.set_limit(limit.get());
        occupancy
    }

    /// Returns how many requests may be in progress now.
    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Returns how many requests are in progress.
    pub(super) fn in_progress(&self) -> u32 {
        self.in_progress.load(Ordering::Relaxed)
    }

    /// Changes the limit. Requests in progress stay.
    pub(super) fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::gauge!("palisade_load_limit").set(limit);
    }

    /// Returns the most requests that were in progress, and begins anew.
    pub(super) fn take_peak(&self) -> u32 {
        self.peak.swap(self.in_progress(), Ordering::Relaxed)
    }

    /// Takes a place for a request of this priority. `None`: others use the part of the limit that it may use.
    pub(super) fn take(this: &Arc<Self>, priority: Priority) -> Option<OccupiedPlace> {
        let most = share_of(this.limit(), priority);
        let more = |taken: u32| (taken < most).then(|| taken + 1);
        let before = this
            .in_progress
            .try_update(Ordering::AcqRel, Ordering::Acquire, more)
            .ok()?;
        this.peak.fetch_max(before + 1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::gauge!("palisade_load_in_progress").increment(1);
        Some(OccupiedPlace(Arc::clone(this)))
    }
}

/// Returns how much of a limit a priority may use: at least one place, however small the limit is.
fn share_of(limit: u32, priority: Priority) -> u32 {
    let percent = match priority {
        Priority::Sheddable => SHEDDABLE_SHARE,
        Priority::Normal => NORMAL_SHARE,
        _ => 100,
    };
    let share = u64::from(limit) * percent / 100;
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}

/// The place of one request. Its drop frees it.
#[derive(Debug)]
pub(super) struct OccupiedPlace(Arc<Occupancy>);

impl Drop for OccupiedPlace {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::AcqRel);
        #[cfg(feature = "metrics")]
        metrics::gauge!("palisade_load_in_progress").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_priority_keeps_its_part_of_the_limit() {
        let shares = |limit| {
            [Priority::Sheddable, Priority::Normal, Priority::Critical]
                .map(|priority| share_of(limit, priority))
        };
        assert_eq!(shares(100), [50, 90, 100]);
        assert_eq!(shares(1), [1, 1, 1]);
        assert_eq!(shares(u32::MAX)[2], u32::MAX);
    }

    #[test]
    fn a_limit_that_was_lowered_waits_for_requests_in_progress() {
        let occupancy = Arc::new(Occupancy::new(NonZeroU32::new(2).unwrap()));
        let take = || Occupancy::take(&occupancy, Priority::Critical);
        let (one, two) = (take().unwrap(), take().unwrap());
        occupancy.set_limit(1);
        assert!(take().is_none());
        drop(one);
        assert!(take().is_none());
        drop(two);
        assert!(take().is_some());
        assert_eq!((occupancy.take_peak(), occupancy.take_peak()), (2, 0));
    }
}
