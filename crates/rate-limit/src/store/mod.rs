//! Where buckets are kept: what a store is asked, and what it answers.
//!
//! A layer calls [`LimitStore::charge`] once for each request, with a [`Charge`] for each of its limits, and
//! gets one [`StoreDecision`]. [`LimitStore::adjust`] corrects a charge when the request ends. A store that
//! fails says so with [`ChargeOutcome::Unavailable`] or a degraded decision; [`StoreProblem`] names the reason.

#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod snapshot;
pub(crate) mod memory;
pub(crate) mod leases;
mod forward;
mod owned_charge;
mod limit_names;
pub(crate) mod permits;
pub(crate) mod overrides;
pub(crate) mod override_error;
mod charge;
mod decision;
pub(crate) mod problem;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::MaybeReady;
use smallvec::SmallVec;

pub use self::{
    charge::{BucketKey, Charge},
    decision::{ChargeOutcome, LimitState, StoreDecision},
    limit_names::LimitNames,
    override_error::OverrideError,
    overrides::{LimitOverride, LimitOverrides},
    permits::Permits,
    problem::StoreProblem,
};
pub(crate) use self::{forward::forward, limit_names::Owner, owned_charge::OwnedCharge};
use crate::{
    error::RateLimitBuildError,
    policy::{Limit, Subject},
    rate::MAX_RATES,
};

/// The most charges of one call: a layer has at most eight limits, and each may count the
/// network around a client too.
pub(crate) const MAX_CHARGES: usize = 2 * MAX_RATES;

/// One value for each charge of a call. Nearly every call has at most six (three limits of a client with an IPv6
/// address), and these need no allocation. Calls with more do not make the others move the space for them.
pub(crate) type PerCharge<T> = SmallVec<[T; 6]>;

/// Keeps the buckets of limits and decides over charges.
///
/// [`MemoryStore`](crate::MemoryStore) and `RedisStore` implement it, and [`Arc`] of any store, so that two
/// layers can share one.
///
/// # All or nothing
///
/// All charges of one call are decided together: all are taken, or none is. An implementation locks or calls
/// its database once for all of them. If it cannot (buckets on several servers), it takes back what it took.
///
/// # Time
///
/// `now` is the monotonic time of the layer's clock. A store that several nodes share must use a clock of its
/// own: monotonic clocks of two machines have nothing in common.
///
/// # Cancellation and deadlines
///
/// The future of [`charge`](Self::charge) may be dropped at any `await`, when a client disconnects. What was
/// charged by then stays charged. The caller sets no deadline: an implementation that waits for a network
/// brings its own, and returns [`ChargeOutcome::Unavailable`] or a [degraded](StoreDecision::degraded) decision
/// afterwards.
///
/// # Examples
///
/// A store that passes everything on to another one, and counts the refusals:
///
/// ```
/// use std::{sync::{Arc, atomic::{AtomicU64, Ordering}}, time::Duration};
/// use palisade_core::MaybeReady;
/// use palisade_rate_limit::{
///     BucketKey, Charge, Limit, LimitStore, MemoryStore, ChargeOutcome, Policy, RateLimitLayer,
///     StoreDecision, Subject,
/// };
///
/// #[derive(Debug, Default)]
/// struct Counted {
///     store: MemoryStore,
///     refused: AtomicU64,
/// }
///
/// impl LimitStore for Counted {
///     fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
///         self.store.bucket_key(subject)
///     }
///
///     fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
///         let decision = self.store.charge(now, charges);
///         if let MaybeReady::Ready(known) = &decision && known.outcome() == ChargeOutcome::Refused {
///             self.refused.fetch_add(1, Ordering::Relaxed);
///         }
///         decision
///     }
///
///     fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
///         self.store.adjust(now, limit, bucket, units);
///     }
///
///     fn explain(&self) -> String {
///         format!("{}, counted", self.store.explain())
///     }
/// }
///
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("all").rate("60/minute")?)
///     .store(Counted::default())
///     .build()?;
/// assert!(layer.explain().ends_with("fixed, counted"));
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
pub trait LimitStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the key under which the store keeps a subject. Called for each request; it must not block.
    ///
    /// It must be a keyed hash: then no client can choose subjects that collide, and the store holds no address
    /// and no user name. Nodes that share a database must share the key.
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey;

    /// Decides over at most sixteen charges at once. More are answered with [`ChargeOutcome::Unavailable`].
    ///
    /// The decision has one [`LimitState`] for each charge, in their order. Units of which none are required are
    /// granted unless the bucket owes something.
    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision>;

    /// Charges units without asking, or refunds them if negative. Called while a request ends, possibly outside
    /// a runtime: it must not block.
    ///
    /// A charge ends at the limit's debt, a refund at a full bucket. `i64::MIN` makes the bucket full.
    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64);

    /// Adjusts the charge of a request whose decision was [degraded](StoreDecision::degraded): the store itself
    /// did not charge it, so nothing may be refunded there. Default: the same as [`adjust`](Self::adjust).
    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.adjust(now, limit, bucket, units);
    }

    /// Adjusts the charge of a request whose decision was degraded, and which the store may have charged: the
    /// reply was lost or too late. What was not kept for the store must not be taken back there. Default: the
    /// same as [`adjust_degraded`](Self::adjust_degraded).
    fn adjust_uncertain(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.adjust_degraded(now, limit, bucket, units);
    }

    /// Refunds units that this process took ahead, unless that would be lost. `false`: there is no space now, and
    /// nothing was refunded; the caller keeps the units and tries again. Default: [`adjust`](Self::adjust), which
    /// is never lost.
    ///
    /// Called by [`LeasedStore`](crate::LeasedStore), where many leases may end at the same time.
    fn try_refund(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: u32) -> bool {
        self.adjust(now, limit, bucket, -i64::from(units));
        true
    }

    /// Tells whether an adjustment of a bucket may not have reached the store yet, made under this limit or
    /// another one of its name (of a tier, or from before a reload). Default: it never waits.
    ///
    /// [`LeasedStore`](crate::LeasedStore) takes no units ahead while some of the bucket are on their way back.
    fn is_adjusting(&self, limit: &Arc<Limit>, bucket: BucketKey) -> bool {
        let _ = (limit, bucket);
        false
    }

    /// Tells whether the store takes units ahead for policies with a [lease](crate::Policy::lease). Default: no.
    fn has_leases(&self) -> bool {
        false
    }

    /// Gives back what this process holds, and waits until all adjustments have reached the store. For the end
    /// of a process, when no request is under way. Default: nothing waits.
    ///
    /// While a shared store is away this waits without a limit: the caller sets one.
    fn finish(&self) -> MaybeReady<()> {
        MaybeReady::Ready(())
    }

    /// Makes a bucket full again, for an operator who lifts a refusal, and forgets what is remembered of it.
    ///
    /// Default: [`adjust`](Self::adjust) by `i64::MIN`. An error says that a shared store did not confirm it.
    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        self.adjust(now, limit, bucket, i64::MIN);
        MaybeReady::Ready(Ok(()))
    }

    /// Checks, when a layer is built, whether the store can keep a limit. Default: it can.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::UnsupportedByStore`] if the limit is finer than the store's arithmetic.
    fn check_limit(&self, limit: &Limit) -> Result<(), RateLimitBuildError> {
        let _ = limit;
        Ok(())
    }

    /// Returns the names of the limits over this store, so that no two layers share a bucket by mistake.
    ///
    /// Default: `None`; names are then compared within each layer only.
    fn limit_names(&self) -> Option<&LimitNames> {
        None
    }

    /// Decides as [`charge`](Self::charge) does, and writes nothing, for an operator whose limits may differ from those
    /// of the service. Default: the same as [`charge`](Self::charge) of charges that consume nothing.
    fn look(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.charge(now, charges)
    }

    /// Keeps the used units of a bucket when its limit gets another amount, in one step. Default: `None`, and the
    /// caller refunds them at the price before and charges them at the one after.
    fn rescale(
        &self,
        now: Duration,
        before: &Arc<Limit>,
        after: &Arc<Limit>,
        bucket: BucketKey,
    ) -> Option<MaybeReady<Result<(), StoreProblem>>> {
        let _ = (now, before, after, bucket);
        None
    }

    /// Returns the overrides of single subjects that this process knows. Default: `None`, the store has none and
    /// [`change_override`](Self::change_override) is an error.
    fn overrides(&self) -> Option<&LimitOverrides> {
        None
    }

    /// Sets or removes the override of one subject for one limit, where every process over this store sees it.
    ///
    /// Default: in [`overrides`](Self::overrides), for this process alone. What other processes over a store of your own
    /// have set cannot be read into it.
    fn change_override(
        &self,
        limit: &Limit,
        bucket: BucketKey,
        value: Option<LimitOverride>,
        unix_time: Duration,
    ) -> MaybeReady<Result<(), OverrideError>> {
        MaybeReady::Ready(match self.overrides() {
            None => Err(OverrideError::Unsupported),
            Some(overrides) => {
                overrides.change(overrides::OverrideName::of(limit, bucket), value, unix_time)
            }
        })
    }

    /// Returns the counters of budgets in the same database. Default: `None`, the store has none.
    #[cfg(feature = "budgets")]
    fn budgets(&self) -> Option<Arc<dyn crate::budget::BudgetStore>> {
        None
    }

    /// Returns the permits of requests in progress, for
    /// [`ConcurrencyLayerBuilder::store`](crate::ConcurrencyLayerBuilder::store). Default: `None`, the store keeps none.
    fn permits(&self) -> Option<Permits> {
        None
    }

    /// Describes in one line what the store is and what it may use, for
    /// [`RateLimitLayer::explain`](crate::RateLimitLayer::explain). It must hold no password and no address with
    /// one.
    fn explain(&self) -> String;
}

impl<T: LimitStore + ?Sized> LimitStore for Arc<T> {
    forward!(self => (**self);
        bucket_key charge adjust adjust_degraded adjust_uncertain try_refund is_adjusting has_leases
        finish reset check_limit limit_names look rescale overrides change_override budgets permits explain);
}

/// Returns whole nanoseconds, and the largest number for more than 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
