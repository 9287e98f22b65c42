//! One rate of one policy, ready to be decided.

use std::{
    hash::{Hash, Hasher},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use siphasher::sip::SipHasher13;

use super::{
    ChargeWhen, Cost, CostUnit, Delay, FailureMode, Ipv6Network, Key, Policy, ResponseCost,
};
use crate::{error::RateLimitBuildError, gcra::Gcra, rate::Rate};

/// With one unit ahead, each request would call the store.
const SMALLEST_LEASE: u32 = 2;
/// A node takes at most a quarter of a burst ahead, so that it cannot use up what all nodes share.
const LEASES_IN_BURST: u32 = 4;

/// One rate of one policy with its arithmetic. Stores decide over these.
///
/// [`Policy::limits`] makes them, one for each rate. A layer adds one for each counted IPv6 network, and
/// one for each tier. The [name](Self::name) is the policy's, with the window where the policy has several
/// rates (`api-day`), and with `-network` for a network. Buckets are kept by this name.
///
/// The arithmetic is the Generic Cell Rate Algorithm (GCRA, ITU-T I.371): one number a bucket, the time
/// until it is full again.
///
/// ```
/// use palisade_rate_limit::Policy;
///
/// let limit = &Policy::named("tts").rate("10/minute")?.limits()?[0];
/// assert_eq!(limit.name(), "tts");
/// assert_eq!(limit.burst(), 10);
/// assert_eq!(limit.interval().as_secs(), 6);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Debug)]
pub struct Limit {
    /// The name that clients and the audit trail see: the policy, and the window if the policy has
    /// several rates.
    pub(crate) name: Box<str>,
    /// The name of the policy.
    pub(crate) policy: Box<str>,
    /// A hash of the name. It is mixed into the key of a bucket, so that two limits never share
    /// one.
    pub(crate) salt: u32,
    /// What was configured.
    pub(crate) rate: Rate,
    /// The same as arithmetic in nanoseconds.
    pub(crate) gcra: Gcra,
    /// The failure mode of this limit while a shared store cannot be reached. `None`: that of the store.
    pub(crate) failure: Option<FailureMode>,
    /// Whose bucket. `None`: that of the layer.
    pub(crate) key: Option<Key>,
    /// How many units a request takes.
    pub(crate) cost: Cost,
    /// When it is charged: at the request, or for some responses alone.
    pub(crate) charge_when: ChargeWhen,
    /// The fact whose number replaces the cost when the response is complete. `None`: the cost
    /// stays.
    pub(crate) settled_by: Option<Arc<str>>,
    /// The function that reads the units from the head of the response.
    pub(crate) response_cost: Option<ResponseCost>,
    /// What a unit is, for messages: a request, a byte of the body, or something else.
    pub(crate) unit: CostUnit,
    /// Counts failed credentials or refusals in place of requests.
    pub(crate) penalty: bool,
    /// The penalty counts refusals.
    pub(crate) counts_refusals: bool,
    /// What it would refuse is recorded and admitted.
    pub(crate) only_shadow: bool,
    /// Counts only requests whose rule names the limit.
    pub(crate) named_routes_only: bool,
    /// Counts the network of IPv6 around a client.
    pub(crate) is_network: bool,
    /// How many units a node takes ahead.
    lease: Option<u32>,
    /// The window in the keys of shared stores: that of the policy's rate, for tiers too.
    pub(crate) bucket_window: Duration,
    /// How long requests may wait for their units.
    pub(crate) delay: Option<Delay>,
    /// Principals may bring amounts of their own up to this. `None`: only lower ones.
    pub(crate) own_amounts: Option<u32>,
    /// Counts only principals of its tiers: the policy itself has no such rate.
    pub(crate) for_tiers_only: bool,
    /// The same limit for principals of some tiers. Without a limit: it does not count that tier.
    pub(crate) tiers: Box<[(Box<str>, Option<Arc<Self>>)]>,
}

impl Limit {
    /// Makes the limit of one rate.
    ///
    /// # Errors
    ///
    /// Burst and debt last longer than a hundred years, or one node's part is too small to be counted.
    pub(super) fn new(
        policy: &Policy,
        name: &str,
        rate: &Rate,
        burst: NonZeroU32,
    ) -> Result<Self, RateLimitBuildError> {
        let gcra = Gcra::new(rate, burst, policy.debt_of(burst));
        let gcra = gcra.and_then(|gcra| delaying(gcra, policy.delay));
        let gcra = gcra.ok_or_else(|| RateLimitBuildError::BacklogTooLong {
            policy: policy.name.clone(),
            rate: *rate,
        })?;
        if let Some(FailureMode::LocalFallback { share: Some(share) }) = policy.failure
            && gcra.shared_among(share).is_none()
        {
            return Err(RateLimitBuildError::ShareTooSmall {
                policy: policy.name.clone(),
            });
        }
        Ok(Self {
            salt: salt(name),
            name: name.into(),
            policy: policy.name.clone(),
            rate: *rate,
            gcra,
            failure: policy.failure,
            key: policy.key.clone(),
            cost: policy.cost.clone(),
            charge_when: policy.charge_when,
            settled_by: policy.settled_by.clone(),
            response_cost: policy.response_cost.clone(),
            unit: policy.unit,
            penalty: policy.penalty,
            counts_refusals: policy.counts_refusals,
            only_shadow: policy.only_shadow,
            named_routes_only: policy.named_routes_only,
            is_network: false,
            lease: policy.lease,
            bucket_window: rate.window(),
            delay: policy.delay,
            own_amounts: policy.own_amounts,
            for_tiers_only: false,
            tiers: Box::default(),
        })
    }

    /// Returns the limit that counts the network of IPv6 around a client, with a multiple of the quota.
    ///
    /// # Errors
    ///
    /// The multiple of the quota is too large to be counted.
    pub(crate) fn of_network(&self, network: Ipv6Network) -> Result<Self, RateLimitBuildError> {
        let gcra = self.gcra.times(network.multiple);
        let gcra = gcra.ok_or_else(|| RateLimitBuildError::NetworkQuotaTooLarge {
            policy: self.policy.clone(),
        })?;
        let name: Box<str> = format!("{}-network", self.name).into();
        Ok(Self {
            salt: salt(&name),
            name,
            is_network: true,
            ..self.with_rate(self.rate.times(network.multiple), gcra)
        })
    }

    /// Returns the limit with another amount over the same window, for an override or a principal's own amount.
    ///
    /// Burst and debt change in proportion, rounded up: the bucket takes as long to fill as before, and a unit of each
    /// more at most. It has the name of the limit, and so its buckets.
    ///
    /// # Errors
    ///
    /// Burst and debt last longer than a hundred years, or one node's part is too small to be counted.
    pub(crate) fn with_amount(&self, amount: NonZeroU32) -> Result<Self, RateLimitBuildError> {
        let rate = self.rate.with_amount(amount);
        let scale = |units: u32| {
            let scaled = u64::from(units) * u64::from(amount.get());
            let scaled = scaled.div_ceil(u64::from(self.rate.amount().get()));
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        let (burst, debt) = self
            .gcra
            .at_most(&rate, scale(self.burst()), scale(self.debt()));
        let gcra = Gcra::new(&rate, burst, debt);
        let gcra = gcra.and_then(|gcra| delaying(gcra, self.delay));
        let mut gcra = gcra.ok_or_else(|| RateLimitBuildError::BacklogTooLong {
            policy: self.policy.clone(),
            rate,
        })?;
        if let Some(FailureMode::LocalFallback { share: Some(share) }) = self.failure
            && gcra.shared_among(share).is_none()
        {
            return Err(RateLimitBuildError::ShareTooSmall {
                policy: self.policy.clone(),
            });
        }
        gcra.raise_ceiling(self.gcra.ceiling());
        Ok(self.with_rate(rate, gcra))
    }

    /// Returns a limit with another rate and without tiers, and otherwise as this one.
    fn with_rate(&self, rate: Rate, gcra: Gcra) -> Self {
        Self {
            salt: self.salt,
            name: self.name.clone(),
            policy: self.policy.clone(),
            rate,
            gcra,
            failure: self.failure,
            key: self.key.clone(),
            cost: self.cost.clone(),
            charge_when: self.charge_when,
            settled_by: self.settled_by.clone(),
            response_cost: self.response_cost.clone(),
            unit: self.unit,
            penalty: self.penalty,
            counts_refusals: self.counts_refusals,
            only_shadow: self.only_shadow,
            named_routes_only: self.named_routes_only,
            is_network: self.is_network,
            lease: self.lease,
            bucket_window: self.bucket_window,
            delay: self.delay,
            own_amounts: self.own_amounts,
            for_tiers_only: self.for_tiers_only,
            tiers: Box::default(),
        }
    }

    /// Adds the limits of tiers. All share their buckets, and so the ceiling of those and their window in keys.
    pub(super) fn with_tiers(mut self, mut tiers: Vec<(Box<str>, Option<Self>)>) -> Self {
        let window = self.bucket_window;
        let of_tiers = tiers.iter().filter_map(|(_, tier)| tier.as_ref());
        let all = of_tiers.chain([&self]);
        let ceiling = all.map(|limit| limit.gcra.ceiling()).max().unwrap_or(0);
        let of_tiers = tiers.iter_mut().filter_map(|(_, tier)| tier.as_mut());
        for limit in of_tiers.chain([&mut self]) {
            limit.gcra.raise_ceiling(ceiling);
            limit.bucket_window = window;
        }
        let shared = tiers
            .into_iter()
            .map(|(name, tier)| (name, tier.map(Arc::new)));
        self.tiers = shared.collect();
        self
    }

    /// Returns the limit and those of its tiers.
    pub(crate) fn with_those_of_tiers(&self) -> impl Iterator<Item = &Self> {
        let tiers = self.tiers.iter().filter_map(|(_, tier)| tier.as_deref());
        std::iter::once(self).chain(tiers)
    }

    /// Returns the name that stands in header fields: the policy's, with the window where there are several
    /// rates.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the rate: that of the policy, or of the tier.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Returns how many units may be taken at once: those of a full bucket.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.gcra.burst()
    }

    /// Returns the time in which one unit comes back: the window divided by the amount, rounded up.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_nanos(self.gcra.emission())
    }

    /// Returns how many units may be owed beyond an empty bucket.
    #[must_use]
    pub fn debt(&self) -> u32 {
        self.gcra.debt_units()
    }

    /// Returns how many units a node takes ahead from a shared store. `None`: each request is decided by the store.
    #[must_use]
    pub const fn lease(&self) -> Option<u32> {
        match self.lease {
            // A tier with a small burst is counted exactly.
            Some(units) if units <= self.largest_lease() => Some(units),
            _ => None,
        }
    }

    /// Tells whether a unit taken ahead under another limit is worth one of this limit, and counts in the
    /// same lease.
    pub(crate) fn has_same_leases(&self, other: &Self) -> bool {
        let price = |limit: &Self| (limit.rate, limit.gcra.emission(), limit.lease());
        std::ptr::eq(self, other) || price(self) == price(other)
    }

    /// Returns the largest lease of a limit of this burst.
    const fn largest_lease(&self) -> u32 {
        self.gcra.burst() / LEASES_IN_BURST
    }

    /// Tells whether the final cost is known only when the request ends.
    pub(crate) fn is_adjusted_later(&self) -> bool {
        self.penalty && !self.counts_refusals
            || self.settled_by.is_some()
            || self.response_cost.is_some()
            || self.charge_when != ChargeWhen::Admitted
    }

    /// Checks the lease of a policy.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::LeaseOutOfRange`] or [`RateLimitBuildError::LeaseOfChangingCost`].
    pub(super) fn check_lease(&self) -> Result<(), RateLimitBuildError> {
        let Some(units) = self.lease else {
            return Ok(());
        };
        let policy = self.policy.clone();
        if self.is_adjusted_later() || self.penalty {
            return Err(RateLimitBuildError::LeaseOfChangingCost { policy });
        }
        let largest = self.largest_lease();
        match (SMALLEST_LEASE..=largest).contains(&units) {
            true => Ok(()),
            false => Err(RateLimitBuildError::LeaseOutOfRange { policy, largest }),
        }
    }

    /// Returns what the policy does while a shared store cannot be reached. `None`: the default of the store applies.
    #[must_use]
    pub const fn failure_mode(&self) -> Option<FailureMode> {
        self.failure
    }
}

/// Adds the units that requests may wait for.
fn delaying(gcra: Gcra, delay: Option<Delay>) -> Option<Gcra> {
    match delay {
        None => Some(gcra),
        Some(delay) => gcra.with_delay(delay.longest),
    }
}

/// Keeps the buckets of one subject apart. Made of the name alone, so a changed quota keeps its state.
fn salt(name: &str) -> u32 {
    // Not the hasher of `std`: a snapshot of another build must find its buckets.
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    (hasher.finish() >> 16) as u32
}
