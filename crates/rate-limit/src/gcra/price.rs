//! Buckets whose units have another price than those of the limit that decides.
//!
//! The price of a unit is the time in which it comes back. A tier, an override, a principal's own amount or a reload
//! changes it, and the bucket stays. So a bucket keeps the price at which it was charged, and what is compared are
//! units: 5 of 5 used become 5 of 500, and 400 of 500 used stay 400 used where only 5 are granted. Three rules hold:
//!
//! 1. A decision compares `backlog / price + required` with the burst. Until a charge is admitted, used units come
//!    back at the price of the bucket, so the wait of a refusal is that time, exactly.
//! 2. An admitted charge changes the price to that of its limit. It was admitted, so the used units fit into the
//!    burst, and nothing is lost. Otherwise two keys of one owner with different tiers could alternate, and the lower
//!    tier would make the higher one forget.
//! 3. A charge without a question does the same if the used units fit into burst and debt, and charges nothing
//!    otherwise: more is used than this limit could count. A refund is made at the price of the bucket, and no units
//!    change nothing.
//!
//! Fractions are rounded against the client, by at most a nanosecond for each change of the price.

use super::{Gcra, MAX_BACKLOG_NANOS};

/// What a bucket holds: its backlog in nanoseconds, and the price of its units. A price of 0 is not known, and counts
/// as that of the limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct StoredBacklog {
    /// The nanoseconds until the bucket is full again.
    pub(crate) time: u64,
    /// The nanoseconds of one unit when this was stored. Another price means that the limit has
    /// changed since.
    pub(crate) price: u64,
}

impl StoredBacklog {
    /// A backlog at the price of the limit that decides.
    pub(crate) const fn unpriced(time: u64) -> Self {
        Self { time, price: 0 }
    }
}

impl Gcra {
    /// Tells whether a stored price is that of this limit.
    const fn has_price(&self, price: u64) -> bool {
        price == self.emission || price == 0
    }

    /// Returns what a bucket counts as: a backlog beyond the ceiling is that of an empty bucket with all its debt.
    ///
    /// A burst that an override or a principal's own amount has made is rounded up, and so is its debt: two units.
    pub(crate) const fn bounded(&self, stored: StoredBacklog) -> StoredBacklog {
        let ceiling = match self.has_price(stored.price) {
            true => self.ceiling,
            false => self.ceiling.saturating_add(time_of(2, stored.price)),
        };
        match stored.time > ceiling {
            true => self.priced(self.ceiling),
            false => stored,
        }
    }

    /// Decides as [`decide`](Self::decide) does, about a bucket of any price. Returns what it holds then.
    ///
    /// # Errors
    ///
    /// How long to wait until it would be granted, in nanoseconds, exactly.
    pub(crate) fn decide_stored(
        &self,
        stored: StoredBacklog,
        required: u32,
        consumed: u32,
    ) -> Result<StoredBacklog, u64> {
        let stored = self.bounded(stored);
        let time = stored.time;
        if self.has_price(stored.price) {
            let time = self.decide(time, required, consumed)?;
            return Ok(self.priced(time));
        }
        let most = time_of(self.granted().saturating_sub(required), stored.price);
        if time > most {
            return Err(time - most);
        }
        if consumed == 0 {
            return Ok(stored);
        }
        let time = self.at_own_price(time, stored.price);
        Ok(self.priced(self.adjust(time, i64::from(consumed))))
    }

    /// Charges or refunds as [`adjust`](Self::adjust) does, in a bucket of any price.
    pub(crate) fn adjust_stored(&self, stored: StoredBacklog, units: i64) -> StoredBacklog {
        if units == 0 {
            return stored;
        }
        let StoredBacklog { time, price } = self.bounded(stored);
        if self.has_price(price) || time == 0 {
            return self.priced(self.adjust(time, units));
        }
        if units < 0 {
            let refund = price.saturating_mul(units.unsigned_abs());
            let time = time.saturating_sub(refund);
            return StoredBacklog { time, price };
        }
        let countable = self.granted().saturating_add(self.debt_units());
        match time <= time_of(countable, price) {
            true => self.priced(self.adjust(self.at_own_price(time, price), units)),
            false => StoredBacklog { time, price },
        }
    }

    /// Returns what a bucket of any price holds at the price of this limit, at most its ceiling. For what clients and
    /// operators are told.
    pub(crate) fn reported(&self, stored: StoredBacklog) -> u64 {
        self.repriced(stored).time.min(self.ceiling)
    }

    /// Returns the same used units at the price of this limit, however many.
    pub(crate) fn repriced(&self, stored: StoredBacklog) -> StoredBacklog {
        self.priced(match self.has_price(stored.price) {
            true => stored.time,
            false => self.at_own_price(stored.time, stored.price),
        })
    }

    /// Returns a backlog at the price of this limit.
    pub(crate) const fn priced(&self, time: u64) -> StoredBacklog {
        StoredBacklog {
            time,
            price: self.emission,
        }
    }

    /// Converts a backlog of another price, with the same number of units.
    fn at_own_price(&self, time: u64, price: u64) -> u64 {
        let exact = u128::from(time) * u128::from(self.emission);
        let time = exact.div_ceil(u128::from(price.max(1)));
        u64::try_from(time.min(MAX_BACKLOG_NANOS)).unwrap_or(u64::MAX)
    }
}

/// Returns the time in which units of this price come back.
const fn time_of(units: u32, price: u64) -> u64 {
    price.saturating_mul(units as u64)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const DAY: u64 = 86_400 * SECOND;

    /// Limits that share a bucket: each has the ceiling of the largest.
    fn sharing(limits: &[(&str, u32, u32)]) -> Vec<Gcra> {
        let make = |(rate, burst, debt): &(&str, u32, u32)| {
            let burst = NonZeroU32::new(*burst).unwrap();
            Gcra::new(&rate.parse().unwrap(), burst, *debt).unwrap()
        };
        let mut all: Vec<Gcra> = limits.iter().map(make).collect();
        let ceiling = all.iter().map(Gcra::ceiling).max().unwrap();
        all.iter_mut().for_each(|gcra| gcra.raise_ceiling(ceiling));
        all
    }

    fn used(stored: StoredBacklog) -> u64 {
        stored.time.div_ceil(stored.price)
    }

    #[test]
    fn five_of_five_used_become_five_of_five_hundred() {
        let tiers = sharing(&[("5/day", 5, 0), ("500/day", 500, 0)]);
        let full = tiers[0].priced(DAY);
        assert_eq!(tiers[0].decide_stored(full, 1, 1), Err(DAY / 5));
        let after = tiers[1].decide_stored(full, 495, 495).unwrap();
        assert_eq!((after.time, after.price), (DAY, tiers[1].emission()));
        assert_eq!(tiers[1].decide_stored(full, 496, 496), Err(DAY / 5));
    }

    #[test]
    fn a_low_tier_waits_for_what_a_high_tier_has_used_and_forgets_nothing() {
        let tiers = sharing(&[("5/day", 5, 0), ("500/day", 500, 0)]);
        let full = tiers[1].priced(DAY);
        let wait = tiers[0].decide_stored(full, 1, 1).unwrap_err();
        assert_eq!(wait, DAY - 4 * tiers[1].emission());
        assert_eq!(tiers[0].adjust_stored(full, 3), full);
        assert_eq!(used(tiers[0].adjust_stored(full, -100)), 400);
        let later = StoredBacklog {
            time: full.time - wait,
            ..full
        };
        let after = tiers[0].decide_stored(later, 1, 1).unwrap();
        assert_eq!((used(after), after.price), (5, tiers[0].emission()));
    }

    #[test]
    fn no_units_change_nothing() {
        let tiers = sharing(&[("5/day", 5, 0), ("500/day", 500, 0)]);
        let used = tiers[1].priced(3 * tiers[1].emission());
        assert_eq!(tiers[0].adjust_stored(used, 0), used);
    }

    #[test]
    fn a_look_changes_no_price() {
        let tiers = sharing(&[("5/day", 5, 0), ("500/day", 500, 0)]);
        let one = tiers[0].priced(DAY / 5);
        assert_eq!(tiers[1].decide_stored(one, 1, 0), Ok(one));
        assert_eq!(tiers[1].reported(one), tiers[1].emission());
    }

    #[test]
    fn what_no_limit_here_can_have_left_counts_as_all_of_this_one() {
        let minute = &sharing(&[("10/minute", 10, 0)])[0];
        let day = StoredBacklog {
            time: DAY,
            price: DAY / 1_000,
        };
        assert_eq!(minute.bounded(day), minute.priced(60 * SECOND));
        assert_eq!(minute.decide_stored(day, 1, 1), Err(6 * SECOND));
    }

    /// An own amount is rounded up to units, and must not be forgotten by a look of the limit that it was made of.
    #[test]
    fn another_amount_fits_under_the_ceiling_of_its_limit() {
        for (rate, burst, amount) in [
            ("60/minute", 5, 1),
            ("60/minute", 60, 4_294_967_295),
            ("7/day", 7, 1_000_000),
            ("10/day", 3, 1),
            ("4294967295/second", 9, 1),
        ] {
            let policy = crate::policy::Policy::named("a").rate(rate).unwrap();
            let limit = policy.burst(burst).debt(3).limits().unwrap().remove(0);
            let own = limit.with_amount(NonZeroU32::new(amount).unwrap()).unwrap();
            let most = time_of(
                own.gcra.granted() + own.gcra.debt_units(),
                own.gcra.emission(),
            );
            let full = own.gcra.priced(most);
            assert_eq!(limit.gcra.bounded(full), full, "{rate} {amount}");
        }
    }

    #[test]
    fn prices_that_cannot_be_overflow_nothing() {
        let tiers = sharing(&[("5/day", 5, 0), ("1 per 9 years", 1, 0)]);
        for price in [1, u64::MAX] {
            for time in [1, u64::MAX] {
                let stored = StoredBacklog { time, price };
                for gcra in &tiers {
                    let _ = gcra.decide_stored(stored, 1, 1);
                    let _ = gcra.adjust_stored(stored, i64::MIN);
                    let _ = gcra.adjust_stored(stored, i64::MAX);
                    assert!(gcra.reported(stored) <= gcra.ceiling());
                }
            }
        }
    }

    proptest! {
        /// However a client alternates between tiers, no unit that was used is forgotten, and none is used twice over.
        #[test]
        fn alternating_between_tiers_gains_nothing(
            steps in prop::collection::vec((0..3_usize, 0..4_u8, 0..60_u32), 1..80),
        ) {
            let tiers = sharing(&[("5/day", 5, 2), ("500/day", 500, 20), ("60/hour", 60, 0)]);
            let (mut stored, mut expected) = (StoredBacklog::default(), 0_i64);
            for (tier, kind, units) in steps {
                let gcra = &tiers[tier];
                let room = i64::from(gcra.burst());
                let most = room + i64::from(gcra.debt_units());
                let charge = units.min(gcra.burst());
                match kind {
                    0 => {
                        let refused = gcra.decide_stored(stored, charge, charge);
                        prop_assert_eq!(refused.is_ok(), expected + i64::from(charge) <= room);
                        if let Ok(after) = refused {
                            stored = after;
                            expected += i64::from(charge);
                        }
                    }
                    1 => {
                        stored = gcra.adjust_stored(stored, i64::from(units));
                        expected = (expected + i64::from(units)).min(most).max(expected);
                    }
                    2 => {
                        stored = gcra.adjust_stored(stored, -i64::from(units));
                        expected = (expected - i64::from(units)).max(0);
                    }
                    _ => prop_assert_eq!(gcra.bounded(stored), stored, "nothing is beyond a ceiling"),
                }
                let price = i64::try_from(stored.price.max(1)).unwrap();
                let time = i64::try_from(stored.time).unwrap();
                prop_assert_eq!(time, expected * price);
            }
        }
    }
}
