//! What a store is asked: a limit, whose bucket, and how many units.

use std::sync::Arc;

use crate::policy::Limit;

/// The keyed hashes of a subject: its own, and those of the networks or groups around it.
///
/// New subjects share the bucket of their group while a [`MemoryStore`](crate::MemoryStore) is full. A store
/// without such groups gives every subject its own: `BucketKey::new(hash, 0)`.
///
/// ```
/// use palisade_rate_limit::BucketKey;
///
/// let bucket = BucketKey::new(0x2f6c, 0x11);
/// assert_eq!((bucket.own(), bucket.coarse()), (0x2f6c, 0x11));
/// ```
///
/// A custom store names the buckets of tenants, with the plan of each as the group:
///
/// ```
/// use std::hash::{BuildHasher, RandomState};
/// use palisade_rate_limit::BucketKey;
///
/// /// Keyed hashes: a client cannot choose a name that collides with another one.
/// fn bucket_of(keys: (&RandomState, &RandomState), tenant: &str, plan: &str) -> BucketKey {
///     let half = |keys: &RandomState| u128::from(keys.hash_one(tenant));
///     BucketKey::new(half(keys.0) << 64 | half(keys.1), keys.0.hash_one(plan))
/// }
///
/// let (a, b) = (RandomState::new(), RandomState::new());
/// let bucket = |tenant| bucket_of((&a, &b), tenant, "free");
/// assert_ne!(bucket("acme").own(), bucket("globex").own());
/// assert_eq!(bucket("acme").coarse(), bucket("globex").coarse());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct BucketKey {
    /// The keyed hash of the subject: the bucket itself.
    pub(crate) own: u128,
    /// The hash of the group around it. New subjects share the bucket of their group while the
    /// table is full.
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

    /// Returns the hash of the subject. 128 bits, so that two subjects practically never share one.
    #[must_use]
    pub const fn own(&self) -> u128 {
        self.own
    }

    /// Returns the hash of the group or network around the subject.
    #[must_use]
    pub const fn coarse(&self) -> u64 {
        self.coarse
    }
}

/// One limit, one subject, and the units that a request needs of it.
///
/// [`Charge::new`] charges; [`Charge::check_only`] refuses without charging, as penalties do.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use palisade_core::MaybeReady;
/// use palisade_rate_limit::{Charge, LimitStore, MemoryStore, ChargeOutcome, Policy, Subject};
///
/// let limit = Arc::new(Policy::named("tts").rate("2/minute")?.limits()?.remove(0));
/// let store = MemoryStore::default();
/// let bucket = store.bucket_key(&Subject::Everyone);
/// let now = Duration::from_secs(1);
///
/// let outcome = |charge: Charge<'_>| match store.charge(now, &[charge]) {
///     MaybeReady::Ready(decision) => decision.outcome(),
///     MaybeReady::Pending(_) => unreachable!("memory answers at once"),
/// };
/// assert_eq!(outcome(Charge::new(&limit, bucket, 2)), ChargeOutcome::Admitted);
/// assert_eq!(outcome(Charge::check_only(&limit, bucket)), ChargeOutcome::Refused);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
///
/// A custom store sees these numbers. An upload that costs three units takes three, or none:
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use palisade_core::MaybeReady;
/// use palisade_rate_limit::{Charge, ChargeOutcome, LimitStore, MemoryStore, Policy, Subject};
///
/// let limit = Arc::new(Policy::named("upload").rate("4/minute")?.limits()?.remove(0));
/// let store = MemoryStore::default();
/// let bucket = store.bucket_key(&Subject::Everyone);
/// let charge = Charge::new(&limit, bucket, 3);
/// assert_eq!((charge.required, charge.consumed), (3, 3));
///
/// let take = |charge| store.charge(Duration::from_secs(1), &[charge]);
/// let MaybeReady::Ready(first) = take(charge) else { unreachable!("memory answers at once") };
/// let MaybeReady::Ready(second) = take(charge) else { unreachable!("memory answers at once") };
/// assert_eq!((first.outcome(), second.outcome()), (ChargeOutcome::Admitted, ChargeOutcome::Refused));
/// // One unit is left of four. The other two come back after half a minute.
/// assert_eq!(second.retry_after(), Duration::from_secs(30));
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// The limit: that of the principal's tier, if there is one.
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
