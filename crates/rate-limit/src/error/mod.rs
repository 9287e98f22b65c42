//! The mistakes that are found when a policy, a layer or a store is built.
//!
//! The message of each says what is wrong, in which policy, and what to change: an operator can be shown it.

mod message;

use crate::rate::{Rate, RateError};

/// Why a [`Policy`](crate::Policy), a [`RateLimitLayer`](crate::RateLimitLayer) or a
/// [`ConcurrencyLayer`](crate::ConcurrencyLayer) cannot be built. A layer that was built stays valid.
///
/// ```
/// use palisade_rate_limit::{Policy, RateLimitBuildError, RateLimitLayer};
///
/// let costly = Policy::named("export").rate("10/hour")?.cost(20);
/// let error = RateLimitLayer::by_client().policy(costly).build().unwrap_err();
/// assert!(matches!(error, RateLimitBuildError::CostAboveBurst { .. }));
/// assert_eq!(
///     error.to_string(),
///     "policy \"export\": one request costs 20 units, but at most 10 can be spent at once; raise the burst",
/// );
/// # Ok::<(), RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RateLimitBuildError {
    /// A rate of a policy cannot be read.
    ///
    /// The message of `error` repeats the text and shows the right form.
    InvalidRate {
        /// The policy.
        policy: Box<str>,
        /// The tier whose rate it is. `None`: the policy's own.
        tier: Option<Box<str>>,
        /// What is wrong with it.
        error: RateError,
    },
    /// A name is not 1 to 48 ASCII letters, digits, `-`, `_` or `.`.
    ///
    /// Names stand in quotation marks in header fields and between colons in keys of a store.
    InvalidName {
        /// The name.
        name: Box<str>,
    },
    /// A tier was given rates twice. Remove one of the two calls of `for_tier`.
    DuplicateTier {
        /// The policy.
        policy: Box<str>,
        /// The tier.
        tier: Box<str>,
    },
    /// The burst of a policy is 0, which would refuse every request. Use 1 or more.
    ZeroBurst {
        /// The policy.
        policy: Box<str>,
    },
    /// Burst and debt of a rate take longer than a hundred years to come back.
    ///
    /// Lower the burst or the debt, or use a shorter window.
    BacklogTooLong {
        /// The policy.
        policy: Box<str>,
        /// The rate.
        rate: Rate,
    },
    /// The part of a limit that one node has during a failure of the store is too small to count.
    ///
    /// Lower the share in [`FailureMode::LocalFallback`](crate::FailureMode::LocalFallback).
    ShareTooSmall {
        /// The policy.
        policy: Box<str>,
    },
    /// A policy with a lease is a penalty, or its cost changes after the request was admitted.
    ///
    /// Each such request calls the store anyway. Remove the lease.
    LeaseOfChangingCost {
        /// The policy.
        policy: Box<str>,
    },
    /// The lease of a policy is less than 2 units, or more than a quarter of the burst of one of its rates.
    LeaseOutOfRange {
        /// The policy.
        policy: Box<str>,
        /// The largest lease of that rate. Less than 2: the limit is too small for leases.
        largest: u32,
    },
    /// The least of an adaptive limit is more than its most, or its target is zero.
    InvalidAdaptation {
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// A limit of concurrent requests cannot be counted so.
    InvalidPermits {
        /// The limit.
        name: Box<str>,
        /// Why, and what to change.
        reason: Box<str>,
    },
    /// Requests of a policy cannot wait as its delay says.
    InvalidDelay {
        /// The policy.
        policy: Box<str>,
        /// Why, and what to change.
        reason: &'static str,
    },
    /// A policy has a lease, and the store of the layer takes no units ahead.
    ///
    /// Wrap the store in a [`LeasedStore`](crate::LeasedStore), or remove the lease.
    LeaseWithoutStore {
        /// The policy.
        policy: Box<str>,
    },
    /// The multiple of a quota that an IPv6 network has is too large to count.
    ///
    /// Lower the multiple in [`Key::ipv6_network`](crate::Key::ipv6_network).
    NetworkQuotaTooLarge {
        /// The policy.
        policy: Box<str>,
    },
    /// The layer has no policy, so it would limit nothing.
    NoPolicy,
    /// The layer has more than eight limits (rates of all its policies together).
    ///
    /// They are decided under locks that are held together. Remove rates that never refuse, or use a second
    /// layer.
    TooManyLimits {
        /// How many it has.
        found: usize,
        /// How many one layer can decide together.
        limit: usize,
    },
    /// Too many limits of the layer are penalties, settled or refunded.
    ///
    /// Each takes memory in every request. Use a second layer.
    TooManyAdjustedLimits {
        /// How many there are.
        found: usize,
        /// How many one layer can have.
        limit: usize,
    },
    /// Two policies of the layer have one name.
    DuplicatePolicy {
        /// The name.
        policy: Box<str>,
    },
    /// Two limits have one name, in this layer or in another one over the same store.
    ///
    /// They would charge one bucket. It also happens with different policies: `api` with the rates
    /// `100/day;10/hour` has a limit `api-day`, as a policy of that name has.
    DuplicateLimit {
        /// The policy that cannot be added.
        policy: Box<str>,
        /// The name of the limit.
        limit: Box<str>,
        /// The policy that has a limit of this name already.
        other_policy: Box<str>,
        /// The layer of that policy. `None`: the same layer.
        other_layer: Option<&'static str>,
    },
    /// A policy counts principals, but its layer runs before authentication.
    ///
    /// Use [`RateLimitLayer::by_principal`](crate::RateLimitLayer::by_principal).
    PrincipalBeforeAuthentication {
        /// The policy.
        policy: Box<str>,
    },
    /// A penalty is in a layer that runs after authentication and sees no failed credentials.
    ///
    /// Use [`RateLimitLayer::by_client`](crate::RateLimitLayer::by_client).
    PenaltyAfterAuthentication {
        /// The policy.
        policy: Box<str>,
    },
    /// A penalty, or a policy before authentication, would give units back to refused requests.
    ///
    /// Guesses at credentials would then be free. Use
    /// [`RateLimitLayer::by_principal`](crate::RateLimitLayer::by_principal).
    RefundOfRefusedCredentials {
        /// The policy.
        policy: Box<str>,
    },
    /// A penalty is to be settled by a handler. Failed credentials never reach one; use two policies.
    SettledPenalty {
        /// The policy.
        policy: Box<str>,
    },
    /// A policy has more than 1,000 tiers.
    ///
    /// Group principals into fewer tiers, or give single ones an override.
    TooManyTiers {
        /// The policy.
        policy: Box<str>,
    },
    /// A policy has two final costs: by the response, and settled by the handler or charged as a penalty.
    ///
    /// Use two policies.
    SeveralFinalCosts {
        /// The policy.
        policy: Box<str>,
    },
    /// A fixed cost is 0 and nothing settles it, so that the policy would never count.
    ZeroCost {
        /// The policy.
        policy: Box<str>,
    },
    /// A fixed cost is more than can be spent at once: every request would be refused.
    ///
    /// Raise the burst, or lower the cost.
    CostAboveBurst {
        /// The policy.
        policy: Box<str>,
        /// The cost of one request.
        cost: u32,
        /// How many units can be spent at once.
        burst: u32,
    },
    /// The store cannot keep a limit. Returned by
    /// [`LimitStore::check_limit`](crate::LimitStore::check_limit).
    UnsupportedByStore {
        /// The policy.
        policy: Box<str>,
        /// What the store cannot do, and what to change.
        reason: Box<str>,
    },
}
