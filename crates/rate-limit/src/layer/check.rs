//! What the builder checks before it makes the layer: policies and limits that fit together and to their position.

use std::collections::{HashMap, HashSet};

use super::builder::RateLimitLayerBuilder;
use crate::{
    error::RateLimitBuildError,
    policy::{ChargeWhen, Cost, Key, Limit},
};

impl RateLimitLayerBuilder {
    /// Checks that there is a policy and that no two have the same name.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::NoPolicy`] or [`RateLimitBuildError::DuplicatePolicy`].
    pub(super) fn check_policies(&self) -> Result<(), RateLimitBuildError> {
        if self.policies.is_empty() {
            return Err(RateLimitBuildError::NoPolicy);
        }
        let mut names = HashSet::new();
        let mut policies = self.policies.iter();
        match policies.find(|policy| !names.insert(policy.name())) {
            Some(twice) => Err(RateLimitBuildError::DuplicatePolicy {
                policy: twice.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Checks one limit: its key, penalties and refunds for the position of the layer, and its
    /// fixed cost.
    ///
    /// # Errors
    ///
    /// The limit cannot work at this position, or its cost never fits.
    pub(super) fn check(&self, limit: &Limit) -> Result<(), RateLimitBuildError> {
        let policy = limit.policy.clone();
        let before_authentication = !self.key.needs_identity();
        if before_authentication && limit.key.as_ref().is_some_and(Key::needs_identity) {
            return Err(RateLimitBuildError::PrincipalBeforeAuthentication { policy });
        }
        if !before_authentication && limit.penalty && !limit.counts_refusals {
            return Err(RateLimitBuildError::PenaltyAfterAuthentication { policy });
        }
        if limit.charge_when != ChargeWhen::Admitted && (before_authentication || limit.penalty) {
            return Err(RateLimitBuildError::RefundOfRefusedCredentials { policy });
        }
        if limit.penalty && limit.settled_by.is_some() {
            return Err(RateLimitBuildError::SettledPenalty { policy });
        }
        if limit.response_cost.is_some() && (limit.penalty || limit.settled_by.is_some()) {
            return Err(RateLimitBuildError::SeveralFinalCosts { policy });
        }
        let burst = limit.burst();
        match limit.cost {
            Cost::Fixed(0) if limit.settled_by.is_none() => {
                Err(RateLimitBuildError::ZeroCost { policy })
            }
            Cost::Fixed(cost) if cost > burst => Err(RateLimitBuildError::CostAboveBurst {
                policy,
                cost,
                burst,
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses two limits of one name: they would share their buckets.
///
/// # Errors
///
/// [`RateLimitBuildError::DuplicateLimit`], with the policies that both limits belong to.
pub(super) fn check_limit_names(limits: &[Limit]) -> Result<(), RateLimitBuildError> {
    let mut names = HashMap::new();
    for limit in limits {
        if let Some(other) = names.insert(&limit.name, &limit.policy) {
            return Err(RateLimitBuildError::DuplicateLimit {
                policy: limit.policy.clone(),
                limit: limit.name.clone(),
                other_policy: other.clone(),
                other_layer: None,
            });
        }
    }
    Ok(())
}
