//! Where buckets are kept: what a store is asked, and what it answers.

mod limit_names;
pub(crate) mod memory;
pub(crate) mod problem;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::{fmt, sync::Arc, time::Duration};

use arrayvec::ArrayVec;
use palisade_core::MaybeReady;

pub(crate) use self::limit_names::Owner;
pub use self::{limit_names::LimitNames, problem::StoreProblem};
use crate::{
    error::RateLimitBuildError,
    policy::{Limit, Subject},
    rate::MAX_RATES,
};

/// The most charges of one call: a layer has at most eight limits, and each may count the
/// network around a client too.
pub(crate) const MAX_CHARGES: usize = 2 * MAX_RATES;

/// Keeps the buckets of limits and decides over charges.
///
/// [`MemoryStore`](crate::MemoryStore) and `RedisStore` implement it, and [`Arc`] of any store, so that
/// two layers can share one.
///
/// # All or nothing
///
/// All charges of one call are decided together: all are taken, or none is. An implementation locks or
/// calls its database once for all of them.
///
/// # Cancellation and deadlines
///
/// The future of [`charge`](Self::charge) may be dropped at any `await`, when a client disconnects. What
/// was charged by then stays charged. The caller sets no deadline: an implementation that waits for a
/// network brings its own, and returns [`ChargeOutcome::Unavailable`] or a
/// [degraded](StoreDecision::degraded) decision afterwards.
pub trait LimitStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the key under which the store keeps a subject.
    ///
    /// It must be a keyed hash: then no client can choose subjects that collide, and the store holds no
    /// address and no user name.
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey;

    /// Decides over at most sixteen charges at once; more are answered with [`ChargeOutcome::Unavailable`]. `now` is the monotonic clock's.
    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision>;

    /// Charges units without asking, or gives them back if negative. Called while a request ends,
    /// possibly outside a runtime: it must not block.
    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64);

    /// Like [`adjust`](Self::adjust), for a request whose answer was [degraded](StoreDecision::degraded): the
    /// store itself did not charge it, so nothing may be given back there.
    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.adjust(now, limit, bucket, units);
    }

    /// Makes a bucket full again, for an operator who lifts a refusal, and forgets what is
    /// remembered of it.
    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        self.adjust(now, limit, bucket, i64::MIN);
        MaybeReady::Ready(Ok(()))
    }

    /// Tells whether the store can keep a limit.
    ///
    /// # Errors
    ///
    /// If the limit is finer than the store's arithmetic.
    fn check_limit(&self, limit: &Limit) -> Result<(), RateLimitBuildError> {
        let _ = limit;
        Ok(())
    }

    /// Returns the names of the limits over this store, so that no two layers share a bucket by
    /// mistake. Without, which is the default, names are compared within each layer only.
    fn limit_names(&self) -> Option<&LimitNames> {
        None
    }

    /// Says in one line what the store is and what it may use, for [`RateLimitLayer::explain`](crate::RateLimitLayer::explain).
    fn explain(&self) -> String;
}

impl<T: LimitStore + ?Sized> LimitStore for Arc<T> {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        (**self).bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        (**self).charge(now, charges)
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        (**self).adjust(now, limit, bucket, units);
    }

    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        (**self).adjust_degraded(now, limit, bucket, units);
    }

    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        (**self).reset(now, limit, bucket)
    }

    fn check_limit(&self, limit: &Limit) -> Result<(), RateLimitBuildError> {
        (**self).check_limit(limit)
    }

    fn limit_names(&self) -> Option<&LimitNames> {
        (**self).limit_names()
    }

    fn explain(&self) -> String {
        (**self).explain()
    }
}

/// The keyed hashes of a subject: its own, and those of the networks or groups around it.
///
/// New subjects share the bucket of their group while a [`MemoryStore`](crate::MemoryStore) is full.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct BucketKey {
    pub(crate) own: u128,
    pub(crate) coarse: u64,
    /// The hash of the network around that: how much of a table it may fill is limited.
    pub(crate) region: u64,
}

impl BucketKey {
    /// Names a bucket by its keyed hashes.
    #[must_use]
    pub const fn new(own: u128, coarse: u64) -> Self {
        Self {
            own,
            coarse,
            region: coarse,
        }
    }

    /// Returns the hash of the subject.
    #[must_use]
    pub const fn own(&self) -> u128 {
        self.own
    }

    /// Returns the hash of the wider circle around it.
    #[must_use]
    pub const fn coarse(&self) -> u64 {
        self.coarse
    }
}

/// One limit, one subject, and the units that a request needs of it.
///
/// [`Charge::new`] charges; [`Charge::check_only`] refuses without charging, as penalties do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// The limit.
    pub limit: &'a Arc<Limit>,
    /// The subject's bucket.
    pub bucket: BucketKey,
    /// How many units must be there. Never more than the limit's burst.
    pub required: u32,
    /// How many of them are used up.
    pub consumed: u32,
}

impl<'a> Charge<'a> {
    /// Asks for units, and uses them up if all charges of the call are granted.
    #[must_use]
    pub const fn new(limit: &'a Arc<Limit>, bucket: BucketKey, units: u32) -> Self {
        Self {
            limit,
            bucket,
            required: units,
            consumed: units,
        }
    }

    /// Asks whether one unit is there and leaves it.
    #[must_use]
    pub const fn check_only(limit: &'a Arc<Limit>, bucket: BucketKey) -> Self {
        Self {
            limit,
            bucket,
            required: 1,
            consumed: 0,
        }
    }
}

/// The state of one limit after a decision: how far its bucket is from full, and how long a refused
/// request has to wait. Both have a precision of nanoseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitState {
    pub(crate) backlog: u64,
    pub(crate) wait: u64,
}

impl LimitState {
    /// Describes a limit: how long until its bucket is full, and how long until the refused charge could
    /// be granted (zero if this limit did not refuse).
    #[must_use]
    pub fn new(backlog: Duration, wait: Duration) -> Self {
        Self {
            backlog: nanoseconds(backlog),
            wait: nanoseconds(wait),
        }
    }

    /// Returns how long until the bucket is full.
    #[must_use]
    pub const fn time_until_full(&self) -> Duration {
        Duration::from_nanos(self.backlog)
    }

    /// Returns how long until the refused charge could be granted; zero if this limit did not refuse.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        Duration::from_nanos(self.wait)
    }

    /// Whether this limit refused.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.wait > 0
    }
}

/// The outcome of charging one request to all its limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChargeOutcome {
    /// Every charge was taken.
    Admitted,
    /// At least one limit refused; nothing was taken.
    Refused,
    /// The store is away, and a policy would rather refuse than guess.
    Unavailable,
}

/// The decision of a store: its [`ChargeOutcome`], and the [`LimitState`] of each charge in their order.
///
/// At most sixteen states are kept, as many as one call has charges.
#[derive(Clone, Debug)]
pub struct StoreDecision {
    pub(crate) outcome: ChargeOutcome,
    pub(crate) limit_states: ArrayVec<LimitState, MAX_CHARGES>,
    pub(crate) degraded: bool,
}

impl StoreDecision {
    /// Composes an answer. Standings beyond the sixteenth are dropped.
    #[must_use]
    pub fn new(outcome: ChargeOutcome, limit_states: impl IntoIterator<Item = LimitState>) -> Self {
        let limit_states = limit_states.into_iter().take(MAX_CHARGES).collect();
        Self {
            outcome,
            limit_states,
            degraded: false,
        }
    }

    /// Marks the answer as given without the store's knowledge.
    #[must_use]
    pub fn degraded(mut self) -> Self {
        self.degraded = true;
        self
    }

    /// Returns the ruling.
    #[must_use]
    pub const fn outcome(&self) -> ChargeOutcome {
        self.outcome
    }

    /// Returns the standings.
    #[must_use]
    pub fn limit_states(&self) -> &[LimitState] {
        &self.limit_states
    }

    /// Returns the longest wait of the limits that refused.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        Duration::from_nanos(self.limit_states.iter().map(|s| s.wait).max().unwrap_or(0))
    }
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
