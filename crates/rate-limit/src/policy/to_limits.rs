//! From a policy to its limits: one for each rate, with those of its tiers.

use std::{collections::BTreeSet, num::NonZeroU32};

use super::{Limit, Policy};
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
    /// malformed, [`RateLimitBuildError::TierWindowsDiffer`] if the windows are not the policy's, and
    /// [`RateLimitBuildError::DuplicateTier`] if it has its rates already. Of a lease:
    /// [`RateLimitBuildError::LeaseOutOfRange`] and [`RateLimitBuildError::LeaseOfChangingCost`].
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
            limit.check_lease()?;
            Ok(limit.with_tiers(self.tiers_of(&tiers, &name, rate)?))
        };
        self.rates.iter().map(limit).collect()
    }

    /// Parses the rates of all tiers.
    ///
    /// # Errors
    ///
    /// A rate of a tier cannot be used.
    fn tiers(&self) -> Result<Vec<(Box<str>, Vec<Rate>)>, RateLimitBuildError> {
        let windows = |rates: &[Rate]| rates.iter().map(Rate::window).collect::<BTreeSet<_>>();
        if self.tiers.len() > MAX_TIERS {
            let policy = self.name.clone();
            return Err(RateLimitBuildError::TooManyTiers { policy });
        }
        let mut parsed: Vec<(Box<str>, Vec<Rate>)> = Vec::new();
        for (tier, written) in &self.tiers {
            let (policy, tier) = (self.name.clone(), tier.clone());
            let rates = match Rate::parse_all(written) {
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
            if windows(&rates) != windows(&self.rates) {
                return Err(RateLimitBuildError::TierWindowsDiffer { policy, tier });
            }
            if parsed.iter().any(|(known, _)| *known == tier) {
                return Err(RateLimitBuildError::DuplicateTier { policy, tier });
            }
            parsed.push((tier, rates));
        }
        Ok(parsed)
    }

    /// Turns the rates that tiers have for one window into limits, under one name.
    ///
    /// # Errors
    ///
    /// As for [`limits`](Self::limits).
    fn tiers_of(
        &self,
        tiers: &[(Box<str>, Vec<Rate>)],
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
        for (tier, rates) in tiers {
            if let Some(rate) = of_window(rates) {
                let limit = Limit::new(self, name, &rate, rate.amount())?;
                limits.push((tier.clone(), limit));
            }
        }
        Ok(limits)
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
