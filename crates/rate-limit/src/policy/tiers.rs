//! Which bucket counts which rate of a tier.
//!
//! A policy has a place for each of its rates, and each place is one bucket of a subject. A tier has its own rates in
//! these places, so that a change of tier keeps what was used:
//!
//! 1. A rate of the tier takes the place of the rate with the same window.
//! 2. Of the others, the one with the longest window takes the free place with the longest window, and so on.
//! 3. What is left has places of its own, which count only principals of such tiers. Tiers share one by window.
//!
//! A place without a rate of the tier does not count its principals.

use std::cmp::Reverse;

use crate::rate::Rate;

/// A tier with its rates.
#[derive(Debug)]
pub(super) struct TierRates {
    /// The name, as principals have it.
    pub(super) name: Box<str>,
    /// The rates of the tier.
    pub(super) rates: Vec<Rate>,
}

/// A bucket of each subject, and the rates that count in it.
#[derive(Debug)]
pub(super) struct Place {
    /// The rate of the policy, or of the first tier if the policy has none here.
    pub(super) rate: Rate,
    /// Whether the policy has a rate here. If not, the bucket counts only principals of some tiers.
    pub(super) is_of_policy: bool,
    /// In the order of the tiers.
    pub(super) tiers: Vec<Option<Rate>>,
}

impl Place {
    /// Makes a place in which no tier has a rate yet.
    fn new(rate: Rate, is_of_policy: bool, tiers: usize) -> Self {
        Self {
            rate,
            is_of_policy,
            tiers: vec![None; tiers],
        }
    }

    /// Tells whether a tier has no rate here yet.
    fn is_free_for(&self, tier: usize) -> bool {
        self.tiers.get(tier).is_some_and(Option::is_none)
    }

    /// Gives the tier its rate in this place. An index beyond the tiers changes nothing.
    fn put(&mut self, tier: usize, rate: Rate) {
        if let Some(place) = self.tiers.get_mut(tier) {
            *place = Some(rate);
        }
    }
}

/// Returns the places of a policy: those of its rates in their order, then those of tiers alone.
pub(super) fn places(rates: &[Rate], tiers: &[TierRates]) -> Vec<Place> {
    let of_policy = rates
        .iter()
        .map(|rate| Place::new(*rate, true, tiers.len()));
    let mut places: Vec<Place> = of_policy.collect();
    for (tier, TierRates { rates, .. }) in tiers.iter().enumerate() {
        let mut left = rates.clone();
        left.retain(|rate| !put_at_same_window(&mut places, tier, *rate));
        left.sort_by_key(|rate| Reverse(rate.window()));
        for rate in left {
            put_at_longest_window(&mut places, tier, rate, tiers.len());
        }
    }
    places
}

/// Puts a rate into the place of the policy with its window. `false`: there is none.
fn put_at_same_window(places: &mut [Place], tier: usize, rate: Rate) -> bool {
    let same = |place: &&mut Place| place.is_of_policy && place.rate.window() == rate.window();
    let found = places.iter_mut().find(same);
    found.map(|place| place.put(tier, rate)).is_some()
}

/// Puts a rate into the free place of the policy with the longest window, or into one of tiers alone.
fn put_at_longest_window(places: &mut Vec<Place>, tier: usize, rate: Rate, tiers: usize) {
    let free = places
        .iter_mut()
        .filter(|place| place.is_of_policy && place.is_free_for(tier));
    if let Some(place) = free.max_by_key(|place| place.rate.window()) {
        return place.put(tier, rate);
    }
    let same = |place: &&mut Place| !place.is_of_policy && place.rate.window() == rate.window();
    if let Some(place) = places.iter_mut().find(same) {
        return place.put(tier, rate);
    }
    let mut place = Place::new(rate, false, tiers);
    place.put(tier, rate);
    places.push(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of the places: that of the policy, then those of the tiers, with `-` for none.
    fn table(policy: &str, tiers: &[&str]) -> Vec<String> {
        let tier = |written: &&str| TierRates {
            name: (*written).into(),
            rates: Rate::parse_all(written).unwrap(),
        };
        let tiers: Vec<TierRates> = tiers.iter().map(tier).collect();
        let text = |rate: &Option<Rate>| rate.map_or_else(|| "-".into(), |rate| rate.to_string());
        let line = |place: &Place| {
            let first = Some(place.rate).filter(|_| place.is_of_policy);
            let all = std::iter::once(&first).chain(&place.tiers);
            all.map(text).collect::<Vec<_>>().join(" | ")
        };
        let rates = Rate::parse_all(policy).unwrap();
        places(&rates, &tiers).iter().map(line).collect()
    }

    #[test]
    fn equal_windows_share_a_place_whatever_their_order() {
        assert_eq!(
            table("100/day;10/hour", &["50/hour;500/day"]),
            ["100/day | 500/day", "10/hour | 50/hour"]
        );
    }

    #[test]
    fn another_window_takes_the_free_place_and_keeps_what_was_used() {
        assert_eq!(table("100/day", &["900/hour"]), ["100/day | 900/hour"]);
        assert_eq!(
            table("100/day;10/hour", &["600/minute"]),
            ["100/day | 600/minute", "10/hour | -"]
        );
        assert_eq!(
            table("100/day;10/hour", &["60/hour;600/minute"]),
            ["100/day | 600/minute", "10/hour | 60/hour"]
        );
    }

    #[test]
    fn more_rates_than_the_policy_has_get_places_for_their_tiers_alone() {
        assert_eq!(
            table(
                "100/day",
                &["500/day;60/minute", "900/day;90/minute", "5/day"]
            ),
            [
                "100/day | 500/day | 900/day | 5/day",
                "- | 60/minute | 90/minute | -"
            ]
        );
    }
}
