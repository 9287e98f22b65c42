//! The arithmetic of one limit: the Generic Cell Rate Algorithm (GCRA, ITU-T I.371) of governor, with
//! debt, refunds and checks that charge nothing added around it.
//!
//! A bucket is one number, its *backlog*: the time until it is full again. Governor decides a
//! request and says what the backlog becomes, or how long to wait. It keeps one number per call in a
//! [`StateStore`] and takes the time from a clock of its own, neither of which can hold several
//! policies to *all or nothing*. Therefore the store here holds nothing (the number travels in the
//! key, out of a table whose shards stay locked over all policies of a request) and the clock
//! stands at zero (a backlog is relative to now). What is left is governor's decision itself.
//!
//! Debt, refunds and an amount that is only looked at are not governor's; they are the few lines in
//! [`Gcra::add`] and [`Gcra::weigh`].
//!
//! # Backlogs beyond the ceiling
//!
//! A stored backlog can be longer than its limit could have made it: the quota was lowered, the
//! tier changed, or the clock was set back. The *ceiling* of a limit is the largest capacity plus
//! debt among the limit and its tiers, which share its buckets. Every store follows one rule:
//!
//! 1. It reads `backlog = min(stored, ceiling)`. Everything else (the decision, the wait, what
//!    clients are told) is computed from this value.
//! 2. If that changed the value, it writes the ceiling back, with the expiry that belongs to it:
//!    also when the request is refused, by this or by another limit, and when it only looks.
//!    Otherwise each response would tell the same wait, and none would be true.
//!    Without such a change, a refusal and a look write nothing.
//! 3. A charge without a question makes it `max(backlog, min(backlog + units, capacity + debt))`:
//!    a charge never lowers what a higher tier has used. A refund makes it
//!    `max(backlog - units, 0)`.
//!
//! The ceiling counts all tiers, so that a refused request of a low tier cannot lower what a high
//! tier of the same bucket has used up. Two nodes that keep different quotas under one name in a
//! shared store have different ceilings: the lower one counts.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    num::NonZeroU32,
};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore,
};

use crate::rate::Rate;

/// A hundred years of backlog. Sums of two of these still fit into 64 bits of nanoseconds.
pub(crate) const MAX_BACKLOG_NANOS: u128 = 100 * 365 * 86_400 * 1_000_000_000;

/// The arithmetic of one limit. It holds no state: backlogs are arguments and results, in nanoseconds.
///
/// With the interval `T` of one unit and a burst `B`, the capacity is `B * T`. A request of `n` units is
/// granted if `backlog + n * T <= B * T`, and the backlog grows by `n * T`. It shrinks with time.
#[derive(Debug)]
pub(crate) struct Gcra {
    limiter: RateLimiter<BacklogKey, NoState, ClockAtZero, NoOpMiddleware<Nanos>>,
    emission: u64,
    burst: NonZeroU32,
    debt: u64,
    ceiling: u64,
}

impl Gcra {
    /// Prepares the arithmetic of a rate. `debt` is how many units may be owed beyond an empty
    /// bucket. `None` if burst and debt take longer than a hundred years to come back.
    pub(crate) fn new(rate: &Rate, burst: NonZeroU32, debt: u32) -> Option<Self> {
        Self::with_emission(interval(rate), burst, debt)
    }

    fn with_emission(emission: u128, burst: NonZeroU32, debt: u32) -> Option<Self> {
        let units = u128::from(burst.get()) + u128::from(debt);
        if emission.checked_mul(units)? > MAX_BACKLOG_NANOS {
            return None;
        }
        let emission = u64::try_from(emission).ok()?;
        let quota =
            Quota::with_period(std::time::Duration::from_nanos(emission))?.allow_burst(burst);
        let limiter = RateLimiter::new(quota, NoState, ClockAtZero);
        let (capacity, debt) = (
            emission * u64::from(burst.get()),
            emission * u64::from(debt),
        );
        Some(Self {
            limiter,
            emission,
            burst,
            debt,
            ceiling: capacity + debt,
        })
    }

    /// Returns the limit divided into equal parts: one node's part while nodes cannot share buckets.
    ///
    /// Burst and debt are rounded up, so that no node grants nothing. `None` if the interval is too long.
    pub(crate) fn shared_among(&self, nodes: NonZeroU32) -> Option<Self> {
        let part = |units: u32| units.div_ceil(nodes.get());
        let burst = NonZeroU32::new(part(self.burst.get()))?;
        let emission = u128::from(self.emission) * u128::from(nodes.get());
        let mut part = Self::with_emission(emission, burst, part(self.debt_units()))?;
        // The parts of a tier last about as long as the tier itself does.
        part.raise_ceiling(self.ceiling);
        Some(part)
    }

    /// Returns the limit with a multiple of its units.
    ///
    /// An interval of a whole number of microseconds stays one, so that Redis can count it.
    pub(crate) fn times(&self, multiple: NonZeroU32) -> Option<Self> {
        let exact = self.emission.div_ceil(u64::from(multiple.get()));
        let emission = match self.emission.is_multiple_of(1000) {
            true => exact.next_multiple_of(1000),
            false => exact,
        };
        let burst = self.burst.saturating_mul(multiple);
        let debt = self.debt_units().saturating_mul(multiple.get());
        Self::with_emission(emission.into(), burst, debt)
    }

    /// Returns the time that one unit takes to come back, in nanoseconds.
    pub(crate) const fn emission(&self) -> u64 {
        self.emission
    }

    /// Returns the time in which this number of units comes back.
    pub(crate) const fn time_of(&self, units: u32) -> u64 {
        self.emission.saturating_mul(units as u64)
    }

    /// Returns the units of a full bucket.
    pub(crate) const fn burst(&self) -> u32 {
        self.burst.get()
    }

    /// Returns the units that may be owed beyond an empty bucket.
    pub(crate) fn debt_units(&self) -> u32 {
        u32::try_from(self.debt / self.emission).unwrap_or(u32::MAX)
    }

    /// Returns the longest backlog that a bucket of this limit may hold, in nanoseconds.
    pub(crate) const fn ceiling(&self) -> u64 {
        self.ceiling
    }

    /// Lets buckets hold as long a backlog as another limit does that shares them: that of a tier.
    pub(crate) fn raise_ceiling(&mut self, other: u64) {
        self.ceiling = self.ceiling.max(other);
    }

    /// Returns the backlog of an empty bucket, in nanoseconds.
    const fn capacity(&self) -> u64 {
        self.emission * self.burst.get() as u64
    }

    /// Decides about `required` units and charges `consumed` of them, from a backlog of this moment.
    ///
    /// `required` must not exceed the burst. A stored backlog above the ceiling counts as the ceiling.
    ///
    /// # Errors
    ///
    /// How long to wait until it would be granted, in nanoseconds, exactly.
    pub(crate) fn decide(&self, backlog: u64, required: u32, consumed: u32) -> Result<u64, u64> {
        let before = backlog.min(self.ceiling);
        let after = match NonZeroU32::new(required) {
            Some(units) => self.try_consume(before, units)?,
            // Nothing asked: only debt stands in the way.
            None if before > self.capacity() => return Err(before - self.capacity()),
            None => before,
        };
        Ok(if consumed == required {
            after
        } else {
            self.adjust(before, i64::from(consumed))
        })
    }

    /// Lets governor decide about these units. Returns the new backlog, or the wait as an error.
    ///
    /// # Errors
    ///
    /// The nanoseconds until the units are free.
    fn try_consume(&self, backlog: u64, units: NonZeroU32) -> Result<u64, u64> {
        let bucket = BacklogKey(Cell::new(backlog));
        match self.limiter.check_key_n(&bucket, units) {
            Ok(Ok(())) => Ok(bucket.0.get()),
            Ok(Err(refused)) => Err(nanoseconds(refused.wait_time_from(Nanos::new(0)))),
            // The layer sorts these out before; a request that reaches this waits as long as the whole bucket.
            Err(_) => Err(self.capacity()),
        }
    }

    /// Charges without asking, down to the debt, or refunds, up to a full bucket. Returns the new backlog.
    ///
    /// A charge never lowers a backlog that a higher tier left.
    pub(crate) fn adjust(&self, backlog: u64, units: i64) -> u64 {
        let time = self.emission.saturating_mul(units.unsigned_abs());
        let before = backlog.min(self.ceiling);
        if units < 0 {
            return before.saturating_sub(time);
        }
        let most = self.capacity() + self.debt;
        before.saturating_add(time).min(most).max(before)
    }

    /// Returns how many units may be taken at once, now.
    pub(crate) fn remaining(&self, backlog: u64) -> u32 {
        let left = self.capacity().saturating_sub(backlog) / self.emission;
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Returns the time until one unit more is there than [remains](Self::remaining) now; 0 for a full bucket.
    pub(crate) fn more_in(&self, remaining: u32, backlog: u64) -> u64 {
        if backlog == 0 {
            return 0;
        }
        let next = u64::from(remaining) + 1;
        (next * self.emission + backlog).saturating_sub(self.capacity())
    }
}

/// Returns the time in which one unit comes back, rounded up: never more than the quota. From a
/// millisecond on it is a whole number of microseconds, so that Redis counts exactly the same.
fn interval(rate: &Rate) -> u128 {
    let exact = rate.window().as_nanos();
    let interval = exact.div_ceil(u128::from(rate.amount().get()));
    if interval < 1_000_000 {
        return interval;
    }
    interval.next_multiple_of(1000)
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The state of one bucket on its way through governor. It is the key, because that is what governor hands to the store.
#[derive(Clone, Debug, Eq, PartialEq)]
struct BacklogKey(Cell<u64>);

impl Hash for BacklogKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.get().hash(state);
    }
}

/// Keeps nothing: reads the state from the key and writes it back there.
#[derive(Debug)]
struct NoState;

impl StateStore for NoState {
    type Key = BacklogKey;

    fn measure_and_replace<T, F, E>(&self, bucket: &BacklogKey, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (response, next) = decide(Some(Nanos::new(bucket.0.get())))?;
        bucket.0.set(next.as_u64());
        Ok(response)
    }
}

/// Now is zero: a backlog counts from the moment of the decision.
#[derive(Debug)]
struct ClockAtZero;

impl Clock for ClockAtZero {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn gcra(rate: &str, burst: u32, debt: u32) -> Gcra {
        Gcra::new(
            &rate.parse().unwrap(),
            NonZeroU32::new(burst).unwrap(),
            debt,
        )
        .unwrap()
    }

    #[test]
    fn a_burst_is_granted_and_then_one_unit_at_a_time() {
        let limit = gcra("1/second", 3, 0);
        let empty = limit.decide(0, 3, 3).unwrap();
        assert_eq!(empty, 3 * SECOND);
        assert_eq!(limit.decide(empty, 1, 1), Err(SECOND));
        assert_eq!(limit.decide(empty - SECOND + 1, 1, 1), Err(1));
        assert_eq!(limit.decide(empty - SECOND, 1, 1), Ok(empty));
    }

    #[test]
    fn a_check_changes_nothing() {
        let limit = gcra("1/second", 2, 0);
        assert_eq!(limit.decide(SECOND, 1, 0), Ok(SECOND));
        assert_eq!(limit.decide(2 * SECOND, 1, 0), Err(SECOND));
    }

    #[test]
    fn debt_is_waited_off_and_bounded() {
        let limit = gcra("1/second", 2, 3);
        let owing = limit.adjust(2 * SECOND, 100);
        assert_eq!(owing, 5 * SECOND);
        assert_eq!(limit.decide(owing, 1, 1), Err(4 * SECOND));
        assert_eq!(limit.decide(owing, 0, 0), Err(3 * SECOND));
    }

    #[test]
    fn a_refund_never_makes_more_than_a_full_bucket() {
        assert_eq!(gcra("1/second", 2, 0).adjust(SECOND, -100), 0);
        assert_eq!(gcra("1/second", 2, 0).adjust(SECOND, i64::MIN), 0);
    }

    #[test]
    fn a_backlog_of_a_larger_quota_counts_as_empty() {
        assert_eq!(
            gcra("1/second", 2, 0).decide(900 * SECOND, 1, 1),
            Err(SECOND)
        );
    }

    #[test]
    fn a_charge_never_lowers_what_a_higher_tier_has_used() {
        let mut low = gcra("1/second", 2, 0);
        low.raise_ceiling(60 * SECOND);
        assert_eq!(low.adjust(50 * SECOND, 1), 50 * SECOND);
        assert_eq!(low.decide(50 * SECOND, 1, 1), Err(49 * SECOND));
        assert_eq!(low.adjust(900 * SECOND, -1), 59 * SECOND);
    }

    #[test]
    fn an_interval_that_does_not_divide_is_rounded_against_the_client() {
        assert_eq!(gcra("7/minute", 7, 0).emission(), 8_571_429_000);
    }

    #[test]
    fn fast_and_slow_rates_keep_their_pace() {
        assert_eq!(gcra("5000/second", 5000, 0).emission(), 200_000);
        assert_eq!(gcra("1000000/second", 1, 0).emission(), 1000);
        assert_eq!(gcra("1/30 days", 1, 0).emission(), 30 * 86_400 * SECOND);
        assert_eq!(gcra("4294967295/second", 1, 0).emission(), 1);
    }

    #[test]
    fn a_part_is_never_less_than_one_unit() {
        let part = gcra("10/second", 10, 0)
            .shared_among(NonZeroU32::new(4).unwrap())
            .unwrap();
        assert_eq!((part.burst(), part.emission()), (3, SECOND * 4 / 10));
        let part = gcra("1/second", 1, 0).shared_among(NonZeroU32::new(9).unwrap());
        assert_eq!(part.unwrap().burst(), 1);
    }

    proptest! {
        #[test]
        fn what_remains_is_granted_and_one_more_is_not(
            amount in 1..10_000_u32, burst in 1..500_u32, debt in 0..50_u32, backlog in 0..3_600 * SECOND,
        ) {
            let limit = gcra(&format!("{amount}/hour"), burst, debt);
            let left = limit.remaining(backlog.min(limit.capacity()));
            if left > 0 {
                prop_assert!(limit.decide(backlog.min(limit.capacity()), left, left).is_ok());
            }
            if left < burst {
                let backlog_now = backlog.min(limit.capacity());
                let more_in = limit.more_in(limit.remaining(backlog_now), backlog_now);
                prop_assert_eq!(limit.decide(backlog.min(limit.capacity()), left + 1, 0), Err(more_in));
            }
        }

        #[test]
        fn a_wait_is_exact(amount in 1..10_000_u32, burst in 1..500_u32, required in 1..500_u32, backlog in 0..4_000 * SECOND) {
            let limit = gcra(&format!("{amount}/hour"), burst, 500);
            prop_assume!(required <= burst);
            if let Err(wait) = limit.decide(backlog, required, required) {
                let backlog = backlog.min(limit.capacity() + limit.debt);
                prop_assert!(wait > 0);
                prop_assert!(limit.decide(backlog - wait, required, required).is_ok());
                prop_assert_eq!(limit.decide(backlog - wait + 1, required, required), Err(1));
            }
        }
    }
}
