//! Buckets in the memory of this process: governor's arithmetic on dashmap's shards, with a fixed
//! size.
//!
//! The keyed limiter of governor grows with every key and decides one key of one quota at a time.
//! Here a request locks the shards of all its buckets, lets governor decide each, and writes only
//! if all admit. Locks are taken in ascending order, so no two requests deadlock. Buckets of one
//! subject share a shard, so there is nearly always one lock.
//!
//! Nothing here fails or waits for anything but these locks.

mod snapshot;
mod overflow;
mod locked_buckets;
mod sweep;
mod table;
mod sharing_monitor;
mod hash_keys;

use std::{borrow::Borrow, fmt, sync::Arc, time::Duration};

use palisade_core::MaybeReady;

pub(crate) use self::snapshot::MOST_BYTES;
use self::{
    hash_keys::HashKeys,
    locked_buckets::LockedBuckets,
    overflow::OverflowBuckets,
    sharing_monitor::SharingMonitor,
    table::{BucketCell, Table},
};
use super::{
    BucketKey, Charge, ChargeOutcome, LimitNames, LimitOverrides, LimitState, LimitStore,
    MAX_CHARGES, PerCharge, Permits, StoreDecision, StoreProblem, nanoseconds,
};
use crate::{
    gcra::{Gcra, StoredBacklog},
    policy::{Limit, Subject},
};

/// Enough for a busy public server: about eight megabytes.
pub(crate) const DEFAULT_CAPACITY: usize = 65_536;

/// Keeps buckets in memory, in a table of fixed size.
///
/// A full bucket equals no bucket, so full ones are removed for new ones. If all buckets that were
/// checked are in use, a new client is charged to a bucket that it shares with its neighbors (IPv4
/// /24, IPv6 /48, or the owner). It is neither refused nor exempt, and no client can push its own
/// penalty out of the table. A check without a charge, as penalties make one, reads the shared
/// bucket too.
///
/// One network cannot fill the table. When the table is more than half full, an IPv4 /24, an IPv6
/// /48 or an owner holds at most a sixteenth of it, and an IPv4 /16 or an IPv6 /32 a quarter.
/// Further clients of that network share a bucket; those of other networks have their own.
///
/// When new clients begin to share, one line is logged and the gauge
/// `palisade_limit_sharing{reason}` is set. After a minute without a shared charge, another line is
/// logged and the gauge is reset. The counter `palisade_limit_shared_charges_total{reason}` counts
/// the charges (`reason` is `table_full` or `network_share`). The metrics need the feature
/// `metrics`.
///
/// State is lost when the process ends: all buckets are full again. [`SnapshotStore`](crate::SnapshotStore) keeps it
/// in a file. For several nodes, use `RedisStore` (feature `redis`).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use palisade_rate_limit::{MemoryStore, Policy, RateLimitLayer};
///
/// // One table for two layers, for a million clients (about 105 MB).
/// let store = Arc::new(MemoryStore::with_capacity(1_000_000));
/// let clients = RateLimitLayer::by_client()
///     .policy(Policy::named("client").rate("60/minute")?)
///     .store(Arc::clone(&store))
///     .build()?;
/// let keys = RateLimitLayer::by_principal()
///     .policy(Policy::named("key").rate("600/minute")?)
///     .store(store)
///     .build()?;
/// # let _ = (clients, keys);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    /// Keys of the hashes, random for each store: a client cannot choose its bucket.
    hash_keys: HashKeys,
    /// The buckets. Its memory is allocated once and never grows.
    table: Table,
    /// The buckets that subjects share by group while the table is full.
    overflow: OverflowBuckets,
    /// Which layer counts under which name.
    names: LimitNames,
    /// The amounts that an operator changed while the service runs.
    overrides: LimitOverrides,
    /// The requests in progress, of limits of concurrent requests.
    permits: Permits,
    /// Logs when subjects begin to share buckets, and when that ends.
    sharing_monitor: SharingMonitor,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Numbers only: a layer is printed with its store, and millions of buckets tell no one anything.
        f.debug_struct("MemoryStore")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .field("overrides", &self.overrides.len())
            .finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl MemoryStore {
    /// Makes a store with space for at least `buckets` buckets: one for each subject and limit.
    /// Default: 65,536 buckets, about 8 MB.
    ///
    /// Everything is allocated here. Beside the buckets it takes some 560 kB, for the buckets that new
    /// clients share while the table is full and for counters of networks.
    ///
    /// ```
    /// use palisade_rate_limit::{MemoryStore, Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .store(MemoryStore::with_capacity(200_000))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn with_capacity(buckets: usize) -> Self {
        Self::with_hash_keys(buckets, HashKeys::random())
    }

    /// Makes a store whose buckets are found by these keys.
    fn with_hash_keys(buckets: usize, hash_keys: HashKeys) -> Self {
        Self {
            hash_keys,
            table: Table::new(buckets),
            overflow: OverflowBuckets::default(),
            names: LimitNames::default(),
            overrides: LimitOverrides::default(),
            permits: Permits::default(),
            sharing_monitor: SharingMonitor::default(),
        }
    }

    /// Returns the capacity in buckets: one for each subject and limit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Returns the number of buckets in the table, including full ones that were not removed yet. Buckets that
    /// clients share are not part of it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns whether the table has no buckets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the memory of the store in bytes. It is fixed when the store is built.
    ///
    /// ```
    /// use palisade_rate_limit::MemoryStore;
    ///
    /// let store = MemoryStore::with_capacity(10_000);
    /// assert!(store.capacity() >= 10_000);
    /// assert!(store.is_empty() && store.memory() < 3_000_000);
    /// ```
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory() + self.overflow.memory()
    }

    /// Returns the bucket of a subject whose hash is known, and those that it may share.
    #[cfg(feature = "redis")]
    pub(crate) fn bucket_of(&self, own: u128, subject: &Subject<'_>) -> BucketKey {
        let hash = self.hash_keys.hash(subject);
        self.hash_keys.bucket_around(own, hash, subject)
    }

    /// Decides the charges of a request. `choose_gcra` selects the arithmetic of a limit: all of it, or this
    /// node's part.
    ///
    /// All buckets are locked and read, and then either all charges are written or none is.
    pub(crate) fn decide_with<'a, G: Borrow<Gcra>>(
        &self,
        now: Duration,
        charges: &[Charge<'a>],
        choose_gcra: impl Fn(&'a Limit) -> G,
    ) -> StoreDecision {
        if charges.len() > MAX_CHARGES {
            return StoreDecision::new(ChargeOutcome::Unavailable, []);
        }
        let now = nanoseconds(now);
        if let [charge] = charges
            && let Some(decision) = self.decide_one(now, charge, choose_gcra(charge.limit).borrow())
        {
            return decision;
        }
        let chosen: PerCharge<G> = charges.iter().map(|c| choose_gcra(c.limit)).collect();
        let gcras: PerCharge<&Gcra> = chosen.iter().map(Borrow::borrow).collect();
        let mut buckets = LockedBuckets::new(self, now, charges);
        let readings = buckets.find(charges, &gcras);
        let inputs = charges.iter().zip(&readings).zip(&gcras);
        let limit_states: PerCharge<LimitState> = inputs
            .map(|((charge, reading), gcra)| limit_state_after(gcra, charge, reading.stored))
            .collect();
        let refused = limit_states.iter().any(LimitState::is_refused);
        if refused {
            buckets.write_ceilings(charges, &readings);
        } else {
            buckets.write_charges(charges, &readings, &limit_states, &gcras);
        }
        self.sharing_monitor.record(now, buckets.sharing_reason());
        StoreDecision {
            outcome: outcome(refused),
            limit_states,
            degraded: false,
            may_be_charged: false,
        }
    }

    /// Decides a single charge of a subject that has a bucket, which is the case of most requests: one lock, one
    /// look-up. `None`: the bucket must be made, or is shared.
    fn decide_one(&self, now: u64, charge: &Charge<'_>, gcra: &Gcra) -> Option<StoreDecision> {
        let key = locked_buckets::key(charge);
        let limit_state = self.table.with_bucket(key, |cell| {
            let stored = cell.stored(now);
            let bounded = gcra.bounded(stored);
            let limit_state = limit_state_after(gcra, charge, bounded);
            match limit_state.is_refused() || charge.consumed == 0 {
                false => *cell = BucketCell::of(gcra.priced(limit_state.backlog), now),
                // Nothing is charged; what a higher limit left is cut to the ceiling of this one.
                true if stored.time > bounded.time => *cell = BucketCell::of(bounded, now),
                true => {}
            }
            limit_state
        })?;
        self.sharing_monitor.record(now, None);
        Some(StoreDecision::new(
            outcome(limit_state.is_refused()),
            [limit_state],
        ))
    }

    /// Charges without a decision, or refunds, with the given arithmetic.
    pub(crate) fn adjust_with(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
        gcra: &Gcra,
    ) {
        let now = nanoseconds(now);
        let charges = [Charge::new(limit, bucket, u32::from(units > 0))];
        let mut buckets = LockedBuckets::new(self, now, &charges);
        let readings = buckets.find(&charges, &[gcra]);
        for (charge, reading) in charges.iter().zip(&readings) {
            buckets.update(charge, reading, |stored| gcra.adjust_stored(stored, units));
        }
        self.sharing_monitor.record(now, buckets.sharing_reason());
    }
}

impl LimitStore for MemoryStore {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        let hash = self.hash_keys.hash(subject);
        self.hash_keys
            .bucket_around(u128::from(hash), hash, subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        MaybeReady::Ready(self.decide_with(now, charges, whole_limit))
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.adjust_with(now, limit, bucket, units, &limit.gcra);
    }

    fn limit_names(&self) -> Option<&LimitNames> {
        Some(&self.names)
    }

    fn rescale(
        &self,
        now: Duration,
        _: &Arc<Limit>,
        after: &Arc<Limit>,
        bucket: BucketKey,
    ) -> Option<MaybeReady<Result<(), StoreProblem>>> {
        let now = nanoseconds(now);
        let charge = Charge::check_only(after, bucket);
        // A shared bucket has no units of a single subject.
        let _ = self
            .table
            .with_bucket(locked_buckets::key(&charge), |cell| {
                *cell = BucketCell::of(after.gcra.repriced(cell.stored(now)), now);
            });
        Some(MaybeReady::Ready(Ok(())))
    }

    fn overrides(&self) -> Option<&LimitOverrides> {
        Some(&self.overrides)
    }

    fn permits(&self) -> Option<Permits> {
        Some(self.permits.clone())
    }

    fn explain(&self) -> String {
        let (buckets, bytes) = (self.capacity(), self.memory());
        format!("memory: {buckets} buckets, {bytes} bytes, fixed")
    }
}

/// Names the outcome of a decision.
const fn outcome(refused: bool) -> ChargeOutcome {
    match refused {
        true => ChargeOutcome::Refused,
        false => ChargeOutcome::Admitted,
    }
}

/// Selects the whole limit, as a store for one node does.
pub(crate) fn whole_limit(limit: &Limit) -> &Gcra {
    &limit.gcra
}

/// Returns the state of a limit after a decision.
fn limit_state_after(gcra: &Gcra, charge: &Charge<'_>, stored: StoredBacklog) -> LimitState {
    // A part of a limit may hold less than one request costs; that request then takes the whole part.
    let (required, consumed) = (
        charge.required.min(gcra.burst()),
        charge.consumed.min(gcra.burst()),
    );
    let (after, wait) = match gcra.decide_stored(stored, required, consumed) {
        Ok(after) => (after, 0),
        Err(wait) => (stored, wait),
    };
    let backlog = gcra.reported(after);
    LimitState { backlog, wait }
}
