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
//!
//! # Prices
//!
//! A bucket is kept with the price of its units, so that used units stay used when the tier or the quota changes:
//! see `price.rs`.

mod price;

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    num::NonZeroU32,
};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore,
};

pub(crate) use self::price::StoredBacklog;
use crate::rate::Rate;

/// A hundred years of backlog. Sums of two of these still fit into 64 bits of nanoseconds.
pub(crate) const MAX_BACKLOG_NANOS: u128 = 100 * 365 * 86_400 * 1_000_000_000;

/// The arithmetic of one limit. It holds no state: backlogs are arguments and results, in nanoseconds.
///
/// With the interval `T` of one unit and a burst `B`, the capacity is `B * T`. A request of `n` units is
/// granted if `backlog + n * T <= B * T`, and the backlog grows by `n * T`. It shrinks with time.
#[derive(Debug)]
pub(crate) struct Gcra {
    /// The library that decides. The state comes in as the key and goes out through [`NoState`], so
    /// it is never kept here.
    limiter: RateLimiter<BacklogKey, NoState, ClockAtZero, NoOpMiddleware<Nanos>>,
    /// Nanoseconds that one unit takes to come back: `T`.
    emission: u64,
    /// The units of a full bucket: `B`.
    burst: NonZeroU32,
    /// Units beyond the burst that are granted to requests that wait for them.
    late: u32,
    /// Nanoseconds that may be owed beyond an empty bucket, by charges that are made without a
    /// question.
    debt: u64,
    /// The longest backlog in nanoseconds: the capacity with the late units, and the debt. A longer
    /// one is cut to it.
    ceiling: u64,
}

impl Gcra {
    /// Prepares the arithmetic of a rate. `debt` is how many units may be owed beyond an empty
    /// bucket. `None` if burst and debt take longer than a hundred years to come back.
    pub(crate) fn new(rate: &Rate, burst: NonZeroU32, debt: u32) -> Option<Self> {
        Self::with_emission(interval(rate), burst, 0, debt)
    }

    /// Prepares the arithmetic with the nanoseconds of one unit. `None` if a full backlog is longer
    /// than a hundred years.
    fn with_emission(emission: u128, burst: NonZeroU32, late: u32, debt: u32) -> Option<Self> {
        let granted = burst.checked_add(late)?;
        let units = u128::from(granted.get()) + u128::from(debt);
        if emission.checked_mul(units)? > MAX_BACKLOG_NANOS {
            return None;
        }
        let emission = u64::try_from(emission).ok()?;
        let quota =
            Quota::with_period(std::time::Duration::from_nanos(emission))?.allow_burst(granted);
        let limiter = RateLimiter::new(quota, NoState, ClockAtZero);
        let (capacity, debt) = (
            emission * u64::from(granted.get()),
            emission * u64::from(debt),
        );
        Some(Self {
            limiter,
            emission,
            burst,
            late,
            debt,
            ceiling: capacity + debt,
        })
    }

    /// Returns the limit that also grants what comes back within this time, to requests that wait for it.
    pub(crate) fn with_delay(self, longest: std::time::Duration) -> Option<Self> {
        let late = nanoseconds(longest) / self.emission;
        let late = u32::try_from(late).unwrap_or(u32::MAX);
        let ceiling = self.ceiling;
        let debt = self.debt_units();
        let mut delaying = Self::with_emission(self.emission.into(), self.burst, late, debt)?;
        delaying.raise_ceiling(ceiling);
        Some(delaying)
    }

    /// Returns the limit divided into equal parts: one node's part while nodes cannot share buckets.
    ///
    /// Burst and debt are rounded up, so that no node grants nothing. `None` if the interval is too long.
    pub(crate) fn shared_among(&self, nodes: NonZeroU32) -> Option<Self> {
        let part = |units: u32| units.div_ceil(nodes.get());
        let burst = NonZeroU32::new(part(self.burst.get()))?;
        let emission = u128::from(self.emission) * u128::from(nodes.get());
        let late = self.late / nodes.get();
        let mut part = Self::with_emission(emission, burst, late, part(self.debt_units()))?;
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
        let late = self.late.saturating_mul(multiple.get());
        Self::with_emission(emission.into(), burst, late, debt)
    }

    /// Returns a burst and a debt for another rate over the same buckets: at most a unit more each than the ceiling
    /// holds.
    pub(crate) fn at_most(&self, rate: &Rate, burst: u32, debt: u32) -> (NonZeroU32, u32) {
        let held = u128::from(self.ceiling) / interval(rate).max(1);
        let most = u32::try_from(held).unwrap_or(u32::MAX).saturating_add(1);
        let burst = burst.min(most);
        let debt = debt.min(most.saturating_add(1).saturating_sub(burst));
        (NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN), debt)
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

    /// Returns the units that are granted from a full bucket: the burst, and those that requests wait for.
    pub(crate) const fn granted(&self) -> u32 {
        self.burst.get().saturating_add(self.late)
    }

    /// Returns how long a request waits that left this backlog. Zero: it is within the burst.
    #[cfg(feature = "delay")]
    pub(crate) const fn lateness(&self, backlog: u64) -> u64 {
        match self.late {
            0 => 0,
            _ => backlog.saturating_sub(self.capacity()),
        }
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

    /// Returns the longest backlog that an admitted request leaves.
    const fn granted_capacity(&self) -> u64 {
        self.emission * self.granted() as u64
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
            None if before > self.granted_capacity() => {
                return Err(before - self.granted_capacity());
            }
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
        let most = self.granted_capacity() + self.debt;
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

/// Converts a time for the arithmetic. Times that do not fit are the longest there is: 584 years.
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
mod tests;
