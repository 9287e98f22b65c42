//! Leases: a node takes units ahead from a shared store, and admits requests without asking it.
//!
//! `lease` has the rules and the bound, `table` the leases of a node, `request` one request,
//! `questions` what goes on when a client leaves, and `builder` the settings.

mod builder;
mod request;
mod questions;
mod table;
pub(crate) mod lease;
mod lease_metrics;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::{MaybeReady, SharedClock};

pub use self::builder::{LeasedStoreBuildError, LeasedStoreBuilder};
use self::{
    questions::Questions,
    request::LeasedRequest,
    table::{LeaseEntry, LeaseTable},
};
use super::{
    BucketKey, Charge, LimitStore, MAX_CHARGES, StoreDecision, StoreProblem, forward, nanoseconds,
};
use crate::policy::Limit;

/// How many leases go back before the store is waited for. By default `RedisStore` queues refunds of 12,288.
const RETURNED_AT_ONCE: usize = 4_096;

/// Lets this node take units ahead from a shared store, for policies with a
/// [lease](crate::Policy::lease).
///
/// A busy bucket then costs one call of the store for each lease, in place of one for each request.
/// Other policies, and requests that cost as much as a lease, are decided by the store as before.
///
/// # The bound
///
/// In any span of time, all nodes together admit at most what the limit grants in that span, and one
/// lease for each node: `nodes × lease` units more than without leases. The store has charged these
/// units before, so over time not one request more is admitted. A model of the algorithm checks the
/// bound over all orders of messages, losses and steps of the clock, for small numbers of nodes.
///
/// # The end of a lease
///
/// A lease ends a [second](LeasedStoreBuilder::life) after it was taken. Units that are left then go
/// back to the store: at the next charge of the bucket, or by a task that
/// [`build`](LeasedStoreBuilder::build) starts if feature `redis` is on and it runs inside a tokio
/// runtime. Otherwise a service calls [`return_ended`](Self::return_ended).
/// [`finish`](LimitStore::finish) returns all of them when a service stops. If more leases end at once than a store can queue refunds, the others go back as soon as there is
/// space: none is lost. A node that is killed returns nothing: its units stay charged, and come back with
/// time.
///
/// A client that leaves while its request takes a lease does not stop that: the lease then serves the
/// next requests. This needs feature `redis` and a tokio runtime; otherwise the units of that lease stay
/// charged.
///
/// # Tiers and reloads
///
/// Units are spent and given back under the limit that they were taken for. If a bucket is charged under
/// another rate (of another tier, or after a reload), its lease ends and goes back, and a new one is taken.
/// While a request waits for the old one, the store decides.
///
/// # Refusals, and a store that is away
///
/// A store with too few units for a lease is asked for the request alone, so that the last units of a
/// limit are granted exactly. While the store is away, a lease is spent until it ends, and then each
/// policy follows its [`FailureMode`](crate::FailureMode). No lease is taken from such a decision.
///
/// # What clients see
///
/// The remaining units in header fields are those of the last reply of the store, with what the lease
/// of this node has left. Other nodes may have used some since.
///
/// # Metrics
///
/// With feature `metrics`: `palisade_limit_lease_decisions_total` counts requests that leases paid,
/// `palisade_limit_leases_total{outcome}` questions for a lease (`granted`, `refused` or `degraded`),
/// and `palisade_limit_lease_units_returned_total` units that went back.
///
/// # Examples
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use palisade_rate_limit::{LeasedStore, MemoryStore, Policy, RateLimitLayer};
///
/// // A store that several nodes share stands in the place of the one in memory.
/// let shared = Arc::new(MemoryStore::default());
/// let store = LeasedStore::builder(shared).life(Duration::from_millis(500)).build()?;
/// let layer = RateLimitLayer::by_principal()
///     .policy(Policy::named("api").rate("60000/minute")?.lease(200))
///     .store(store)
///     .build()?;
/// assert!(layer.explain().contains("leases of 500 ms"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cheap to clone; clones share the leases.
#[derive(Clone)]
pub struct LeasedStore(Arc<LeasedState>);

/// What all clones of a store share.
struct LeasedState {
    /// The store that decides what a lease cannot pay.
    store: Arc<dyn LimitStore>,
    /// The leases of this node.
    leases: LeaseTable,
    /// In nanoseconds.
    life: u64,
    /// The clock of this node. Leases end by it.
    clock: SharedClock,
    /// The questions to the store that are on their way. A rest that goes back to the store waits
    /// for them.
    questions: Questions,
}

impl LeasedStore {
    /// Starts to configure leases over a shared store.
    pub fn builder(store: impl LimitStore) -> LeasedStoreBuilder {
        LeasedStoreBuilder::new(Arc::new(store))
    }

    /// Gives units of ended leases back to the store, so that buckets that no one charges any more have
    /// their units again.
    ///
    /// The task of the store does this; a program without one calls it about once a second.
    ///
    /// ```
    /// use palisade_rate_limit::{LeasedStore, MemoryStore};
    ///
    /// let store = LeasedStore::builder(MemoryStore::default()).build()?;
    /// store.return_ended();
    /// # Ok::<(), palisade_rate_limit::LeasedStoreBuildError>(())
    /// ```
    pub fn return_ended(&self) {
        let now = self.0.now();
        let nanos = nanoseconds(now);
        self.0.leases.for_each(nanos, |entry| {
            let ended = entry.lease.take_ended(nanos);
            self.0.give_back(now, entry, ended);
        });
    }

    /// Gives the units of all leases back, as many at once as a store can queue.
    async fn return_all(&self) {
        let now = self.0.now();
        loop {
            let (mut returned, mut kept) = (0, 0);
            self.0.leases.for_each_leased(RETURNED_AT_ONCE, |entry| {
                let units = entry.lease.end();
                match self.0.give_back(now, entry, units) {
                    true => returned += 1,
                    false => kept += 1,
                }
            });
            self.0.store.finish().get().await;
            let is_last = returned + kept < RETURNED_AT_ONCE && kept == 0;
            // A store that takes nothing although nothing waits would never take it.
            if is_last || returned == 0 {
                return;
            }
        }
    }
}

impl LeasedState {
    /// Returns the monotonic time of the node.
    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Gives units of a lease that has ended back to the store, which charged them before.
    ///
    /// `false`: the store has no space now. They stay in the lease, which pays nothing any more, and go back later.
    fn give_back(&self, now: Duration, entry: &mut LeaseEntry, units: u32) -> bool {
        if units == 0 {
            return true;
        }
        let LeaseEntry { limit, bucket, .. } = entry;
        if self.store.try_refund(now, limit, *bucket, units) {
            lease_metrics::returned(units);
            return true;
        }
        entry.lease.keep_ended(units);
        false
    }

    /// Makes the lease of a bucket one of this limit. Units that it has go back under the limit before.
    ///
    /// Units are worth what they cost when they were taken: those of another tier, or of the configuration
    /// before a reload, are neither spent nor given back at the price of this limit. `false`: a request waits
    /// whose units have the price before, or they cannot go back now.
    fn change_limit(&self, now: Duration, entry: &mut LeaseEntry, limit: &Arc<Limit>) -> bool {
        if entry.limit.has_same_leases(limit) {
            return true;
        }
        if !entry.lease.is_settled() {
            return false;
        }
        let units = entry.lease.end();
        if !self.give_back(now, entry, units) {
            return false;
        }
        entry.limit = Arc::clone(limit);
        true
    }
}

impl fmt::Debug for LeasedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedStore")
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

impl LimitStore for LeasedStore {
    forward!(self => self.0.store;
        bucket_key adjust adjust_degraded adjust_uncertain is_adjusting check_limit limit_names look rescale overrides change_override budgets permits);

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let is_leased = |charge: &Charge<'_>| charge.limit.lease().is_some();
        if charges.len() > MAX_CHARGES || !charges.iter().any(is_leased) {
            return self.0.store.charge(now, charges);
        }
        let mut request = LeasedRequest::new(&self.0, now, charges);
        match request.decide_here() {
            Some(decision) => MaybeReady::Ready(decision),
            None => MaybeReady::pending(request.decide()),
        }
    }

    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        // Its units are in the bucket that is made full.
        self.0.leases.with(limit, bucket, |entry| {
            entry.lease.end();
            entry.full_at = 0;
        });
        self.0.store.reset(now, limit, bucket)
    }

    fn has_leases(&self) -> bool {
        true
    }

    fn finish(&self) -> MaybeReady<()> {
        let store = self.clone();
        MaybeReady::pending(async move {
            store.0.questions.wait().await;
            store.return_all().await;
        })
    }

    fn explain(&self) -> String {
        let life = Duration::from_nanos(self.0.life).as_millis();
        let buckets = self.0.leases.capacity();
        let store = self.0.store.explain();
        format!("{store}; leases of {life} ms for at most {buckets} buckets")
    }
}
