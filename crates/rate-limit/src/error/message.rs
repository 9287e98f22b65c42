//! The messages of [`RateLimitBuildError`]: one line that names the policy, the problem and the remedy.

use std::fmt;

use super::RateLimitBuildError;

impl fmt::Display for RateLimitBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy => {
                return f.write_str(
                    "a rate limit layer without a policy limits nothing; add one with `.policy(..)`",
                );
            }
            Self::TooManyLimits { found, limit } => {
                return write!(
                    f,
                    "{found} rates, but one layer decides at most {limit} together; remove those that never bind, or use a second layer"
                );
            }
            Self::TooManyAdjustedLimits { found, limit } => {
                return write!(
                    f,
                    "{found} limits are penalties, settled or refunded, but one layer has space for {limit}; use a second layer"
                );
            }
            Self::InvalidAdaptation { least, most } => {
                return write!(
                    f,
                    "an adaptive limit from {least} to {most}: the least is at most the most, and the target more than zero; change them"
                );
            }
            Self::InvalidPermits { name, reason } => {
                return write!(f, "concurrency limit {name:?}: {reason}");
            }
            Self::InvalidName { name } => {
                return write!(
                    f,
                    "policy {name:?}: a name is 1 to 48 ASCII letters, digits, `-`, `_` or `.`"
                );
            }
            _ => {}
        }
        write!(f, "policy {:?}: ", self.policy())?;
        self.fmt_problem(f)
    }
}

impl RateLimitBuildError {
    /// Returns the policy that is wrong. Empty where it is the layer.
    fn policy(&self) -> &str {
        match self {
            Self::InvalidRate { policy, .. }
            | Self::InvalidName { name: policy }
            | Self::DuplicateTier { policy, .. }
            | Self::ZeroBurst { policy }
            | Self::BacklogTooLong { policy, .. }
            | Self::ShareTooSmall { policy }
            | Self::LeaseOfChangingCost { policy }
            | Self::LeaseOutOfRange { policy, .. }
            | Self::InvalidDelay { policy, .. }
            | Self::LeaseWithoutStore { policy }
            | Self::NetworkQuotaTooLarge { policy }
            | Self::DuplicatePolicy { policy }
            | Self::DuplicateLimit { policy, .. }
            | Self::PrincipalBeforeAuthentication { policy }
            | Self::PenaltyAfterAuthentication { policy }
            | Self::RefundOfRefusedCredentials { policy }
            | Self::SettledPenalty { policy }
            | Self::SeveralFinalCosts { policy }
            | Self::TooManyTiers { policy }
            | Self::ZeroCost { policy }
            | Self::CostAboveBurst { policy, .. }
            | Self::UnsupportedByStore { policy, .. } => policy,
            Self::NoPolicy
            | Self::InvalidAdaptation { .. }
            | Self::InvalidPermits { .. }
            | Self::TooManyLimits { .. }
            | Self::TooManyAdjustedLimits { .. } => "",
        }
    }

    /// Writes what is wrong with one policy, and what to change.
    fn fmt_problem(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InvalidRate {
                tier: Some(tier),
                error,
                ..
            } => {
                return write!(f, "tier `{tier}`: {error}");
            }
            Self::InvalidRate { error, .. } => return write!(f, "{error}"),
            Self::DuplicateTier { tier, .. } => {
                return write!(f, "tier `{tier}`: it has its rates already; remove one");
            }
            Self::BacklogTooLong { rate, .. } => {
                return write!(
                    f,
                    "rate \"{rate}\": its burst and debt last longer than a hundred years; lower them"
                );
            }
            Self::LeaseOutOfRange { largest: 0 | 1, .. } => {
                "the limit is too small for leases; remove the lease"
            }
            Self::LeaseOutOfRange { largest, .. } => {
                return write!(
                    f,
                    "the lease is out of range; use 2 to {largest}, a quarter of the burst"
                );
            }
            Self::DuplicateLimit {
                limit,
                other_policy,
                other_layer: None,
                ..
            } => {
                return write!(
                    f,
                    "its limit `{limit}` has the name of a limit of policy `{other_policy}`; rename one of the policies"
                );
            }
            Self::DuplicateLimit {
                limit,
                other_policy,
                other_layer: Some(layer),
                ..
            } => {
                return write!(
                    f,
                    "its limit `{limit}` has the name of a limit of policy `{other_policy}` in the layer {layer} over the same store, and both would charge one bucket; rename one of the policies"
                );
            }
            Self::CostAboveBurst { cost, burst, .. } => {
                return write!(
                    f,
                    "one request costs {cost} units, but at most {burst} can be spent at once; raise the burst"
                );
            }
            Self::UnsupportedByStore { reason, .. } => reason,
            Self::InvalidDelay { reason, .. } => return write!(f, "delay: {reason}"),
            Self::ZeroBurst { .. } => "a burst of 0 would refuse everything; use 1 or more",
            Self::ShareTooSmall { .. } => {
                "its share is too small to be counted; lower the number of nodes"
            }
            Self::NetworkQuotaTooLarge { .. } => {
                "the quota of its IPv6 network is too large; lower the multiple or leave the network out"
            }
            Self::DuplicatePolicy { .. } => {
                "the name is used twice, and buckets are kept by name; rename one of the policies"
            }
            Self::PrincipalBeforeAuthentication { .. } => {
                "counts principals, but runs before authentication; put it into `by_principal()`"
            }
            Self::PenaltyAfterAuthentication { .. } => {
                "failed credentials are not seen after authentication; put it into `by_client()`"
            }
            Self::RefundOfRefusedCredentials { .. } => {
                "gives back what refused requests paid, which would make guesses at credentials free; put it into `by_principal()`"
            }
            Self::SettledPenalty { .. } => {
                "a penalty is charged by failed credentials, not settled by a handler; use two policies"
            }
            Self::TooManyTiers { .. } => {
                "there are more than 1,000 tiers; use fewer, or overrides for single principals"
            }
            Self::SeveralFinalCosts { .. } => {
                "the response decides about the cost, and so does a handler or a penalty; use two policies"
            }
            Self::LeaseOfChangingCost { .. } => {
                "a lease needs a cost that is final when a request is admitted; remove the lease"
            }
            Self::LeaseWithoutStore { .. } => {
                "a lease needs a store that several nodes share; wrap it in a `LeasedStore`, or remove the lease"
            }
            Self::ZeroCost { .. } => "a cost of 0 would never count; use 1 or more",
            Self::InvalidName { .. }
            | Self::NoPolicy
            | Self::InvalidAdaptation { .. }
            | Self::InvalidPermits { .. }
            | Self::TooManyLimits { .. }
            | Self::TooManyAdjustedLimits { .. } => "",
        };
        f.write_str(text)
    }
}

impl std::error::Error for RateLimitBuildError {}
