//! From a policy to its limits: one for each rate, with those of its tiers.

use std::num::NonZeroU32;

use super::{
    Limit, Policy,
    tiers::{Place, TierRates, places},
};
use crate::{error::RateLimitBuildError, rate::Rate};

/// A penalty may be owed this many bursts: guesses that were made at the same moment are all charged.
const PENALTY_DEBT_BURSTS: u32 = 4;

/// The most tiers of a policy. They are compared by name for each request.
const MAX_TIERS: usize = 1_000;

impl Policy {
    /// Turns each rate into a [`Limit`], as a layer does. Useful in tests of a custom
    /// [`LimitStore`](crate::LimitStore).
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::ZeroBurst`], or [`RateLimitBuildError::BacklogTooLong`] if burst and debt would
    /// last longer than a hundred years. Of a tier: [`RateLimitBuildError::InvalidRate`] if a rate is
    /// malformed, and [`RateLimitBuildError::DuplicateTier`] if it has its rates already. Of a lease:
    /// [`RateLimitBuildError::LeaseOutOfRange`] and [`RateLimitBuildError::LeaseOfChangingCost`]. Of a delay:
    /// [`RateLimitBuildError::InvalidDelay`].
    ///
    /// ```
    /// use palisade_rate_limit::Policy;
    ///
    /// let policy = Policy::named("api").rate("200/day;50/hour")?;
    /// let names: Vec<String> = policy.limits()?.iter().map(|limit| limit.name().to_owned()).collect();
    /// assert_eq!(names, ["api-day", "api-hour"]);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn limits(&self) -> Result<Vec<Limit>, RateLimitBuildError> {
        let tiers = self.tiers()?;
        let places = places(&self.rates, &tiers);
        let limits = places.iter().map(|place| self.limit_at(place, &tiers));
        let limits: Vec<Limit> = limits.collect::<Result<_, _>>()?;
        self.check_delay(&limits)?;
        Ok(limits)
    }

    /// Makes the limit of one place, with those of its tiers.
    ///
    /// # Errors
    ///
    /// As for [`limits`](Self::limits).
    fn limit_at(&self, place: &Place, tiers: &[TierRates]) -> Result<Limit, RateLimitBuildError> {
        let name: Box<str> = match self.rates.len() {
            1 if place.is_of_policy => self.name.clone(),
            _ => format!("{}-{}", self.name, place.rate.label()).into(),
        };
        let mut limit = Limit::new(self, &name, &place.rate, self.burst_at(place)?)?;
        if place.is_of_policy {
            limit.check_lease()?;
        }
        limit.for_tiers_only = !place.is_of_policy;
        let of_tier = |(tier, rate): (&TierRates, &Option<Rate>)| {
            let make = |rate: &Rate| Limit::new(self, &name, rate, rate.amount());
            let limit = rate.as_ref().map(make).transpose()?;
            Ok((tier.name.clone(), limit))
        };
        let of_tiers: Result<Vec<_>, _> = tiers.iter().zip(&place.tiers).map(of_tier).collect();
        Ok(limit.with_tiers(of_tiers?))
    }

    /// Returns what may be taken at once: the burst of the policy, for its shortest window.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError::ZeroBurst`].
    fn burst_at(&self, place: &Place) -> Result<NonZeroU32, RateLimitBuildError> {
        let shortest = self.rates.iter().map(Rate::window).min();
        let is_shortest = place.is_of_policy && Some(place.rate.window()) == shortest;
        let burst = self.burst.filter(|_| is_shortest);
        let burst = burst.unwrap_or(place.rate.amount().get());
        NonZeroU32::new(burst).ok_or_else(|| {
            let policy = self.name.clone();
            RateLimitBuildError::ZeroBurst { policy }
        })
    }

    /// Parses the rates of all tiers.
    ///
    /// # Errors
    ///
    /// A rate of a tier cannot be used.
    fn tiers(&self) -> Result<Vec<TierRates>, RateLimitBuildError> {
        if self.tiers.len() > MAX_TIERS {
            let policy = self.name.clone();
            return Err(RateLimitBuildError::TooManyTiers { policy });
        }
        let mut parsed: Vec<TierRates> = Vec::new();
        for (tier, written) in &self.tiers {
            let (policy, name) = (self.name.clone(), tier.clone());
            let rates = match Rate::parse_all(written) {
                Ok(rates) => rates,
                Err(error) => {
                    let tier = Some(name);
                    return Err(RateLimitBuildError::InvalidRate {
                        policy,
                        tier,
                        error,
                    });
                }
            };
            if parsed.iter().any(|known| known.name == name) {
                return Err(RateLimitBuildError::DuplicateTier { policy, tier: name });
            }
            parsed.push(TierRates { name, rates });
        }
        Ok(parsed)
    }

    /// Returns how much may be owed on a limit of this burst.
    pub(crate) fn debt_of(&self, burst: NonZeroU32) -> u32 {
        match (self.debt, self.penalty, &self.settled_by) {
            (Some(units), ..) => units,
            (None, true, _) if self.counts_refusals => 0,
            (None, true, _) => burst.get().saturating_mul(PENALTY_DEBT_BURSTS),
            (None, false, Some(_)) => burst.get(),
            (None, false, None) if self.response_cost.is_some() => burst.get(),
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
