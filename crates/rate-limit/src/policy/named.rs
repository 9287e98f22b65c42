//! A policy before it has a rate, and the check of its name.

use super::{ChargeWhen, Cost, CostUnit, Policy};
use crate::{error::RateLimitBuildError, rate::Rate};

/// The longest name. It stands in every response.
const MAX_NAME_BYTES: usize = 48;

/// A policy that has a name and no rate yet.
///
/// [`Policy::named`] returns it, and [`rate`](Self::rate) completes it. A policy without a rate would limit
/// nothing, so it cannot be given to a layer.
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{Policy, RateLimitLayer};
///
/// let policy = Policy::named("client").rate("60/minute")?;
/// let layer = RateLimitLayer::by_client().policy(policy).build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyWithoutRate(pub(super) Box<str>);

impl PolicyWithoutRate {
    /// Gives the policy its rates: `10/minute`, `10 per minute`, `200/day;50/hour`, `5 per 2 hours`.
    ///
    /// Each rate grants its whole amount at once to a client that has been away (see [`Policy::burst`]), and
    /// then one unit every window divided by amount. With several rates all must grant: `200/day;50/hour`
    /// are two limits, and a refused request is charged by neither.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::InvalidRate`] if a rate is malformed, two have the same window, or there are more
    /// than eight. [`RateLimitBuildError::InvalidName`] if the name is empty, longer than 48 bytes or holds
    /// anything but ASCII letters, digits, `-`, `_` and `.`.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitBuildError};
    ///
    /// let policy = Policy::named("api").rate("200/day;50/hour")?;
    /// assert_eq!(policy.limits()?.len(), 2);
    ///
    /// let error = Policy::named("api").rate("200 daily").unwrap_err();
    /// assert!(matches!(error, RateLimitBuildError::InvalidRate { .. }));
    /// # Ok::<(), RateLimitBuildError>(())
    /// ```
    pub fn rate(self, rates: &str) -> Result<Policy, RateLimitBuildError> {
        check_name(&self.0)?;
        let rates = Rate::parse_all(rates).map_err(|error| RateLimitBuildError::InvalidRate {
            policy: self.0.clone(),
            tier: None,
            error,
        })?;
        Ok(Policy {
            name: self.0,
            rates,
            tiers: Vec::new(),
            burst: None,
            key: None,
            cost: Cost::Fixed(1),
            charge_when: ChargeWhen::default(),
            settled_by: None,
            unit: CostUnit::Requests,
            penalty: false,
            counts_refusals: false,
            named_routes_only: false,
            debt: None,
            failure: None,
            lease: None,
            response_cost: None,
            only_shadow: false,
            own_amounts: None,
            delay: None,
        })
    }
}

/// Checks a name. Names stand in quotation marks in header fields and between colons in keys.
///
/// # Errors
///
/// [`RateLimitBuildError::InvalidName`].
pub(crate) fn check_name(name: &str) -> Result<(), RateLimitBuildError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
        return Err(RateLimitBuildError::InvalidName { name: name.into() });
    }
    Ok(())
}
