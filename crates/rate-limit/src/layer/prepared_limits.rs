//! The limits that overrides and own amounts of principals make of one limit, kept for the next requests.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use palisade_internal::log_limit::LogLimit;

use super::LimitVariant;
use crate::policy::Limit;

/// So many amounts of a limit are prepared at the same time. Others are prepared for each request.
const PREPARED: usize = 64;

/// An amount, and which variant of the limit it replaces.
type AmountOf = (LimitVariant, NonZeroU32);

/// The limits that apply under other amounts.
#[derive(Debug)]
pub(super) struct PreparedLimits {
    /// Without a limit: the limit itself applies.
    limits: Mutex<Vec<(AmountOf, Option<Arc<Limit>>)>>,
    /// Bounds the log lines about amounts that cannot be used: each request of a principal could
    /// write one.
    lines: LogLimit,
}

impl Default for PreparedLimits {
    fn default() -> Self {
        Self {
            limits: Mutex::default(),
            lines: LogLimit::per_minute(),
        }
    }
}

impl PreparedLimits {
    /// Returns what was prepared for an amount.
    #[expect(clippy::option_option, reason = "nothing prepared, or no other limit")]
    pub(super) fn find(&self, amount: AmountOf) -> Option<Option<Arc<Limit>>> {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let found = limits.iter().find(|(other, _)| *other == amount);
        found.map(|(_, limit)| limit.clone())
    }

    /// Keeps a limit, if there is space, also without those that no request uses.
    pub(super) fn keep(&self, amount: AmountOf, limit: Option<Arc<Limit>>) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.len() >= PREPARED {
            let in_use = |limit: &Arc<Limit>| Arc::strong_count(limit) > 1;
            limits.retain(|(_, limit)| limit.as_ref().is_some_and(in_use));
        }
        if limits.len() < PREPARED {
            limits.push((amount, limit));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.limits.lock().map_or(0, |limits| limits.len())
    }

    /// Tells whether a line may be logged, and how many were held back.
    pub(super) fn admit_line(&self, now: Duration) -> Option<u64> {
        self.lines.admit(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn amount(units: u32) -> AmountOf {
        (LimitVariant::Base, NonZeroU32::new(units).unwrap())
    }

    #[test]
    fn many_amounts_take_bounded_memory() {
        let policy = Policy::named("a").rate("2/day").unwrap();
        let prepared = PreparedLimits::default();
        let mut in_use = Vec::new();
        for units in 1..900 {
            let limit = Arc::new(policy.limits().unwrap().remove(0));
            // Those of every third amount stay in use.
            if units % 3 == 0 {
                in_use.push(Arc::clone(&limit));
            }
            prepared.keep(amount(units), Some(limit));
            prepared.keep(amount(1_000 + units), None);
            assert!(prepared.len() <= PREPARED);
        }
        assert_eq!(prepared.len(), PREPARED);
        assert!(prepared.find(amount(3)).is_some(), "it is in use");
        assert!(
            prepared.find(amount(1)).is_none(),
            "it gave its space to others"
        );
    }
}
