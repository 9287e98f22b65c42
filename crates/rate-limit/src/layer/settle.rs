//! What is kept of an admitted request, and what its end changes.

use std::sync::Arc;

use arrayvec::ArrayVec;
use palisade_core::{Observations, SecurityContext};

use super::{
    Choice, Inner,
    decide::{Ask, Asked},
};
use crate::{Answer, Bucket, Limit, Standing, fields::Line, rate::MOST_RATES};

/// As many limits of one layer may be penalties, settled or refunded. Each costs room in every request.
pub(super) const MOST_OPEN: usize = 4;

/// Each of them may count a network of IPv6 too.
const MOST_OPEN_CHARGES: usize = 2 * MOST_OPEN;

/// What an admitted request keeps until its answer is over.
#[allow(unnameable_types)] // Nobody outside has a use for it.
#[derive(Debug, Default)]
pub struct Pass {
    pub(super) standings: ArrayVec<(Choice, Standing), MOST_RATES>,
    /// Limits whose last word is not spoken.
    pub(super) open: ArrayVec<Ask, MOST_OPEN_CHARGES>,
    failure_charged: bool,
    pub(super) refunded: bool,
    pub(super) degraded: bool,
}

impl Pass {
    pub(super) fn new(inner: &Inner, asked: &Asked, answer: &Answer) -> Self {
        let mut pass = Self {
            degraded: answer.degraded,
            ..Self::default()
        };
        for (ask, standing) in asked.iter().zip(answer.standings()) {
            let Some(limit) = inner.limit(ask.choice) else {
                continue;
            };
            if !limit.penalty && !limit.is_network {
                // At most eight are neither.
                let _ = pass.standings.try_push((ask.choice, *standing));
            }
            if limit.stays_open() {
                // The builder allows no more than fit.
                let _ = pass.open.try_push(*ask);
            }
        }
        pass
    }

    /// Whether clients are told nothing: nothing was counted, or nobody knows how the limits stand.
    pub(super) fn is_silent(&self) -> bool {
        self.standings.is_empty() || self.degraded
    }

    pub(super) fn set(&self) -> Option<usize> {
        Choice::set(self.standings.iter().map(|(choice, _)| *choice))
    }
}

impl Inner {
    /// Returns the limits that clients are told of.
    pub(super) fn told<'a>(&'a self, pass: &'a Pass) -> impl Iterator<Item = Line<'a>> + Clone {
        pass.standings.iter().filter_map(|(choice, standing)| {
            let limit = self.limit(*choice)?;
            Some(Line {
                limit,
                standing: *standing,
            })
        })
    }

    /// Charges the penalties once if a credential failed that could be a guess. Genuine ones that have
    /// ended are free: a client with an expired token must not lock out others behind its address.
    pub(super) fn charge_failure(&self, cx: &SecurityContext, pass: &mut Pass) {
        if pass.failure_charged || pass.open.is_empty() {
            return;
        }
        if cx.with_observations(Observations::guesses) == 0 {
            return;
        }
        pass.failure_charged = true;
        for ask in &pass.open {
            if let Some(limit) = self.limit(ask.choice).filter(|limit| limit.penalty) {
                let cost = i64::from(ask.cost);
                self.store
                    .add(self.clock.monotonic(), limit, ask.bucket, cost);
            }
        }
    }

    /// Replaces what was reserved by what the handler reported. Without a report the reserve is the price.
    pub(super) fn settle(&self, cx: &SecurityContext, pass: &Pass) {
        for ask in &pass.open {
            let Some(limit) = self.limit(ask.choice) else {
                continue;
            };
            let Some(used) = limit
                .settled_by
                .as_deref()
                .and_then(|unit| cx.settled(unit))
            else {
                continue;
            };
            let more = i64::try_from(used).unwrap_or(i64::MAX) - i64::from(ask.cost);
            if more != 0 {
                self.correct(pass, limit, ask.bucket, more);
            }
        }
    }

    /// Changes what a request was charged, where it was charged.
    pub(super) fn correct(&self, pass: &Pass, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        let now = self.clock.monotonic();
        match pass.degraded {
            true => self.store.add_degraded(now, limit, bucket, units),
            false => self.store.add(now, limit, bucket, units),
        }
    }
}
