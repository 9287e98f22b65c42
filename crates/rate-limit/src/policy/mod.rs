//! What is limited: a name, its rates, whom they count, and what a request costs.

mod cost;
mod failure_mode;
mod key;
mod limit;
mod request_subject;
mod subject;

use std::{collections::BTreeSet, num::NonZeroU32};

pub(crate) use self::{
    cost::Cost,
    key::{Ipv6Network, KeyKind},
    request_subject::with_request_subject,
};
pub use self::{
    cost::{ChargeWhen, Unit},
    failure_mode::FailureMode,
    key::Key,
    limit::Limit,
    subject::Subject,
};
use crate::{error::RateLimitBuildError, rate::Rate};

/// The longest name; it stands in every answer.
const MAX_NAME_BYTES: usize = 48;

/// A penalty may be owed so many times over: guesses that were made at the same moment are all paid for.
const PENALTY_DEBT_BURSTS: u32 = 4;

/// A named group of limits: one or several rates, a key that says whom they count, and a cost.
///
/// | setting | default |
/// |---|---|
/// | [`burst`](Self::burst) | the amount of each rate |
/// | [`key`](Self::key) | that of the layer: the client, or the principal |
/// | [`cost`](Self::cost) | 1 unit a request |
/// | [`unit`](Self::unit) | requests |
/// | [`charge_when`](Self::charge_when) | every admitted request pays |
/// | [`settled_by`](Self::settled_by) | nothing changes the cost afterwards |
/// | [`debt`](Self::debt) | 0; one burst if settled, four if a penalty |
/// | [`on_named_routes`](Self::on_named_routes) | applies on every route |
/// | [`when_store_fails`](Self::when_store_fails) | what the store says, by default [`FailureMode::local`] |
///
/// Nothing of it fails at run time: [`RateLimitLayerBuilder::build`](crate::RateLimitLayerBuilder::build)
/// checks the combination and returns a [`RateLimitBuildError`].
///
/// ```
/// use palisade_rate_limit::{Key, Policy};
///
/// let simple = Policy::named("tts").rate("10/minute")?;
/// let careful = Policy::named("characters")
///     .rate("200000/day;20000/hour")?
///     .key(Key::owner())
///     .cost_by(|head| head.uri.query().map_or(1, |query| query.len() as u64))
///     .settled_by("characters");
/// # let _ = (simple, careful);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Policy {
    pub(crate) name: Box<str>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) tiers: Vec<(Box<str>, Vec<Rate>)>,
    pub(crate) burst: Option<u32>,
    pub(crate) key: Option<Key>,
    pub(crate) cost: Cost,
    pub(crate) charge_when: ChargeWhen,
    pub(crate) settled_by: Option<Box<str>>,
    pub(crate) unit: Unit,
    pub(crate) penalty: bool,
    pub(crate) named_routes_only: bool,
    pub(crate) debt: Option<u32>,
    pub(crate) failure: Option<FailureMode>,
}

/// A policy that has a name and no rate yet. [`Policy::named`] returns it, [`rate`](Self::rate) completes it.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyWithoutRate(Box<str>);

impl PolicyWithoutRate {
    /// Gives the policy its rates: `10/minute`, `10 per minute`, `200/day;50/hour`, `5 per 2 hours`.
    ///
    /// Each rate grants its whole amount at once to a client that has been away (see
    /// [`Policy::burst`]), and then one unit every window divided by amount.
    ///
    /// # Errors
    ///
    /// If a rate is malformed, two have the same window, or the name is empty, longer than 48
    /// bytes or holds anything but ASCII letters, digits, `-`, `_` and `.`.
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
            unit: Unit::Requests,
            penalty: false,
            named_routes_only: false,
            debt: None,
            failure: None,
        })
    }
}

/// Names stand in quotation marks in header fields and between colons in keys.
pub(crate) fn check_name(name: &str) -> Result<(), RateLimitBuildError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
        return Err(RateLimitBuildError::InvalidName { name: name.into() });
    }
    Ok(())
}

impl Policy {
    /// Starts a policy. The name stands in header fields, in refusals and in the rules of routes.
    pub fn named(name: impl Into<Box<str>>) -> PolicyWithoutRate {
        PolicyWithoutRate(name.into())
    }

    /// Limits what may be taken at once to fewer (or more) units than the rate's amount.
    ///
    /// Of several rates only the one with the shortest window changes. In any span of time at most
    /// `burst` units plus those that came back in the span are granted: there is no moment at
    /// which a window's quota is granted twice.
    pub fn burst(mut self, units: u32) -> Self {
        self.burst = Some(units);
        self
    }

    /// Gives principals of a tier other rates: the same windows with other amounts, and with the whole
    /// amount as burst. Buckets are kept, so a change of tier counts at once and from where it stood.
    ///
    /// # Errors
    ///
    /// If a rate is malformed, the windows are not the policy's, or the tier has its rates already.
    pub fn for_tier(
        mut self,
        tier: impl Into<Box<str>>,
        rates: &str,
    ) -> Result<Self, RateLimitBuildError> {
        let tier = tier.into();
        let policy = self.name.clone();
        let rates = match Rate::parse_all(rates) {
            Ok(rates) => rates,
            Err(error) => {
                let tier = Some(tier);
                return Err(RateLimitBuildError::InvalidRate {
                    policy,
                    tier,
                    error,
                });
            }
        };
        let windows = |rates: &[Rate]| rates.iter().map(Rate::window).collect::<BTreeSet<_>>();
        if windows(&rates) != windows(&self.rates) {
            return Err(RateLimitBuildError::TierWindowsDiffer { policy, tier });
        }
        if self.tiers.iter().any(|(known, _)| *known == tier) {
            return Err(RateLimitBuildError::DuplicateTier { policy, tier });
        }
        self.tiers.push((tier, rates));
        Ok(self)
    }

    /// Says whom the policy counts. By default the layer's own: the client or the principal.
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Charges every request so many units in place of one.
    pub fn cost(mut self, units: u32) -> Self {
        self.cost = Cost::Fixed(units);
        self
    }

    /// Charges what a function of the request's head says.
    ///
    /// A cost that no full bucket could ever pay is refused for good (400, or 413 for
    /// [`Unit::ContentBytes`]), not with 429: waiting would not help.
    pub fn cost_by(
        mut self,
        cost: impl Fn(&http::request::Parts) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.cost = Cost::by(cost);
        self
    }

    /// Replaces the cost by what the handler reports for this unit, when the answer is over.
    ///
    /// Only the handler's word counts. A client that leaves, or is refused further in, has paid
    /// what was reserved. More than was reserved is owed (see [`Policy::debt`]).
    pub fn settled_by(mut self, unit: impl Into<Box<str>>) -> Self {
        self.settled_by = Some(unit.into());
        self
    }

    /// Says which requests pay the whole cost. Default: every request that was admitted.
    ///
    /// With [`ChargeWhen::Handled`] a request that a layer further in refused before the handler
    /// gets back what is above `otherwise`. A client that leaves gets nothing back, nor does a
    /// request that ended in a panic, or that the handler itself refused. What is given back makes
    /// such requests free of this policy: keep another one, by client, that counts them.
    ///
    /// ```
    /// use palisade_rate_limit::{ChargeWhen, Policy, RateLimitLayer};
    ///
    /// let texts = Policy::named("texts").rate("100/day")?;
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(texts.charge_when(ChargeWhen::Handled { otherwise: 0 }))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn charge_when(mut self, when: ChargeWhen) -> Self {
        self.charge_when = when;
        self
    }

    /// Says what the units are; the default is requests.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Charges only requests whose credential failed, and refuses everybody who has used that up.
    ///
    /// Belongs into a layer outside authentication. Successful requests are only measured against it.
    pub fn penalty(mut self) -> Self {
        self.penalty = true;
        self
    }

    /// Applies only on routes whose rule names the policy; by default it applies everywhere.
    ///
    /// Where no table of routes is configured the policy applies; on paths that are not in the table, and
    /// end as 404, it does not.
    pub fn on_named_routes(mut self) -> Self {
        self.named_routes_only = true;
        self
    }

    /// Lets so many units be owed beyond an empty bucket, when more is settled than was reserved.
    /// By default one burst; for penalties four.
    pub fn debt(mut self, units: u32) -> Self {
        self.debt = Some(units);
        self
    }

    /// Says what happens while a shared store is away. Without effect for the store in memory.
    ///
    /// Default: what the store says, which is [`FailureMode::local`] unless it was told otherwise.
    pub fn when_store_fails(mut self, mode: FailureMode) -> Self {
        self.failure = Some(mode);
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Turns each rate into a limit, as a layer does. For tests of stores.
    ///
    /// # Errors
    ///
    /// If the burst is 0, or burst and debt would last longer than a hundred years.
    pub fn limits(&self) -> Result<Vec<Limit>, RateLimitBuildError> {
        let shortest = self.rates.iter().map(Rate::window).min();
        let limit = |rate: &Rate| {
            let shortest = Some(rate.window()) == shortest;
            let burst = self
                .burst
                .filter(|_| shortest)
                .unwrap_or(rate.amount().get());
            let burst = NonZeroU32::new(burst).ok_or_else(|| {
                let policy = self.name.clone();
                RateLimitBuildError::ZeroBurst { policy }
            })?;
            let name = match self.rates.len() {
                1 => self.name.clone(),
                _ => format!("{}-{}", self.name, rate.label()).into(),
            };
            let limit = Limit::new(self, &name, rate, burst)?;
            Ok(limit.with_tiers(self.tiers_of(&name, rate)?))
        };
        self.rates.iter().map(limit).collect()
    }

    /// Turns the rates that tiers have for one window into limits, under one name.
    fn tiers_of(
        &self,
        name: &str,
        base: &Rate,
    ) -> Result<Vec<(Box<str>, Limit)>, RateLimitBuildError> {
        let of_window = |rates: &[Rate]| {
            rates
                .iter()
                .find(|rate| rate.window() == base.window())
                .copied()
        };
        let mut limits = Vec::new();
        for (tier, rates) in &self.tiers {
            if let Some(rate) = of_window(rates) {
                let limit = Limit::new(self, name, &rate, rate.amount())?;
                limits.push((tier.clone(), limit));
            }
        }
        Ok(limits)
    }

    /// How much may be owed on a limit of this burst.
    pub(crate) fn debt_of(&self, burst: NonZeroU32) -> u32 {
        match (self.debt, self.penalty, &self.settled_by) {
            (Some(units), ..) => units,
            (None, true, _) => burst.get().saturating_mul(PENALTY_DEBT_BURSTS),
            (None, false, Some(_)) => burst.get(),
            (None, false, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_break_a_header_field_or_a_key_is_refused() {
        for name in ["", "a b", "a\"b", "a:b", "a\r\nb", "größe", &"x".repeat(49)] {
            assert!(Policy::named(name).rate("1/second").is_err(), "{name:?}");
        }
    }

    #[test]
    fn several_rates_become_limits_named_by_their_windows() {
        let policy = Policy::named("api")
            .rate("200/day;50/hour;5 per 2 minutes")
            .unwrap();
        let limits = policy.burst(2).limits().unwrap();
        let names: Vec<_> = limits
            .iter()
            .map(|limit| (limit.name(), limit.burst()))
            .collect();
        assert_eq!(
            names,
            [("api-day", 200), ("api-hour", 50), ("api-2-minutes", 2)]
        );
    }

    #[test]
    fn a_burst_of_nothing_is_refused_at_build() {
        assert!(
            Policy::named("a")
                .rate("1/second")
                .unwrap()
                .burst(0)
                .limits()
                .is_err()
        );
    }
}
