//! A limit that follows the latency: additive increase, multiplicative decrease (AIMD).

use std::{
    num::NonZeroU32,
    sync::{Mutex, TryLockError},
    time::Duration,
};

use super::occupancy::Occupancy;

/// The limit changes so often.
const WINDOW: Duration = Duration::from_secs(1);

/// Fewer responses say nothing.
const FEWEST: u32 = 10;

/// What a limit becomes when most responses are late, in tenths.
const DECREASE: u32 = 9;

/// The increase is this part of the most.
const INCREASE: u32 = 20;

/// How a limit follows the latency.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use palisade_rate_limit::Adaptation;
///
/// // Never fewer than twenty; responses shall begin within 200 ms.
/// let adaptation = Adaptation::new(NonZeroU32::new(20).expect("not zero"), Duration::from_millis(200));
/// # let _ = adaptation;
/// ```
///
/// A least number above the most of the layer is an error when the layer is built:
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use palisade_rate_limit::{Adaptation, LoadShedLayer, RateLimitBuildError};
///
/// let number = |number| NonZeroU32::new(number).expect("not zero");
/// let adaptation = Adaptation::new(number(300), Duration::from_millis(200));
/// let error = LoadShedLayer::builder(number(200)).adaptive(adaptation).build().unwrap_err();
/// assert!(matches!(error, RateLimitBuildError::InvalidAdaptation { least: 300, most: 200 }), "{error}");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Adaptation {
    /// The limit is never lower than this.
    pub(super) least: NonZeroU32,
    /// The latency above which a response counts as late. It ends with the head of the response.
    pub(super) target: Duration,
}

impl Adaptation {
    /// Keeps the limit at `least` or more, and lowers it while most responses begin later than `target`.
    #[must_use]
    pub const fn new(least: NonZeroU32, target: Duration) -> Self {
        Self { least, target }
    }
}

/// Changes a limit by what it sees of latencies.
#[derive(Debug)]
pub(super) struct AdaptiveLimit {
    /// As in [`Adaptation`].
    target: Duration,
    /// The lowest limit. Even an overloaded service admits so many.
    least: u32,
    /// The highest limit, at which it begins.
    most: u32,
    /// What was seen since the last change. Behind a lock that no request waits for.
    window: Mutex<Window>,
}

/// The responses since the last change.
#[derive(Debug, Default)]
struct Window {
    /// The first response sets it.
    began: Option<Duration>,
    /// All responses of the window. With too few of them the limit stays.
    responses: u32,
    /// Those that began later than the target.
    late: u32,
}

impl AdaptiveLimit {
    /// Begins an empty window. The first response starts its time.
    pub(super) const fn new(adaptation: Adaptation, most: u32) -> Self {
        Self {
            target: adaptation.target,
            least: adaptation.least.get(),
            most,
            window: Mutex::new(Window {
                began: None,
                responses: 0,
                late: 0,
            }),
        }
    }

    /// Tells whether a latency is above the target.
    pub(super) fn is_late(&self, latency: Duration) -> bool {
        latency > self.target
    }

    /// Records the latency of a response, and changes the limit once a second. Skips it while another thread records
    /// one: no request waits.
    pub(super) fn record(&self, occupancy: &Occupancy, now: Duration, latency: Duration) {
        let mut window = match self.window.try_lock() {
            Ok(window) => window,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        window.responses = window.responses.saturating_add(1);
        window.late = window.late.saturating_add(u32::from(self.is_late(latency)));
        let began = *window.began.get_or_insert(now);
        if now.saturating_sub(began) < WINDOW || window.responses < FEWEST {
            return;
        }
        let limit = self.next(occupancy.limit(), &window, occupancy.take_peak());
        *window = Window {
            began: Some(now),
            ..Window::default()
        };
        drop(window);
        if limit != occupancy.limit() {
            occupancy.set_limit(limit);
        }
    }

    /// Returns the limit after a window.
    fn next(&self, limit: u32, window: &Window, peak: u32) -> u32 {
        let next = if window.late > window.responses / 2 {
            let lowered = u64::from(limit) * u64::from(DECREASE) / 10;
            u32::try_from(lowered).unwrap_or(u32::MAX)
        } else if u64::from(peak) * 10 >= u64::from(limit) * 8 {
            limit.saturating_add((self.most / INCREASE).max(1))
        } else {
            // What is not used says nothing about a higher limit.
            limit
        };
        next.clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palisade_core::Priority;

    use super::*;

    const TARGET: Duration = Duration::from_millis(100);

    struct Load {
        occupancy: Arc<Occupancy>,
        adaptive: AdaptiveLimit,
        now: Duration,
    }

    impl Load {
        fn new(least: u32, most: u32) -> Self {
            let least = NonZeroU32::new(least).unwrap();
            Self {
                occupancy: Arc::new(Occupancy::new(NonZeroU32::new(most).unwrap())),
                adaptive: AdaptiveLimit::new(Adaptation::new(least, TARGET), most),
                now: Duration::from_secs(5),
            }
        }

        /// Lets a second pass with so many responses of one latency, while so many are in progress.
        fn second(&mut self, responses: u32, late: u32, in_progress: u32) -> u32 {
            let take = |_| Occupancy::take(&self.occupancy, Priority::Critical);
            let places: Vec<_> = (0..in_progress).filter_map(take).collect();
            for response in 0..responses {
                let latency = match response < late {
                    true => TARGET * 2,
                    false => TARGET,
                };
                // The last one is the first after the second.
                if response + 1 == responses {
                    self.now += WINDOW;
                }
                self.adaptive.record(&self.occupancy, self.now, latency);
            }
            drop(places);
            self.occupancy.limit()
        }
    }

    #[test]
    fn it_falls_by_a_tenth_while_most_are_late_and_not_below_the_least() {
        let mut load = Load::new(50, 100);
        let limits: Vec<u32> = (0..9).map(|_| load.second(20, 20, 100)).collect();
        assert_eq!(limits, [90, 81, 72, 64, 57, 51, 50, 50, 50]);
        // And grows by a twentieth of the most when it is used.
        let limits: Vec<u32> = (0..4).map(|_| load.second(20, 3, 100)).collect();
        assert_eq!(limits, [55, 60, 65, 70]);
    }

    #[test]
    fn late_responses_up_to_one_half_do_not_lower_it() {
        let mut load = Load::new(10, 100);
        for _ in 0..50 {
            load.second(100, 50, 100);
        }
        assert_eq!(load.occupancy.limit(), 100);
    }

    #[test]
    fn it_does_not_grow_while_it_is_not_used_and_few_responses_change_nothing() {
        let mut load = Load::new(10, 100);
        assert_eq!(load.second(20, 20, 100), 90);
        // A hundred were in progress when this second began.
        assert_eq!(load.second(20, 0, 5), 95);
        assert_eq!(load.second(20, 0, 5), 95);
        assert_eq!(load.second(9, 9, 100), 95);
    }

    #[test]
    fn a_limit_of_one_grows_again() {
        let mut load = Load::new(1, 3);
        for _ in 0..9 {
            load.second(20, 20, 3);
        }
        assert_eq!(load.occupancy.limit(), 1);
        assert_eq!(load.second(20, 0, 1), 2);
    }
}
