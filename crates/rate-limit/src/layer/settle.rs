//! What is kept of an admitted request, and what its end changes.

use arrayvec::ArrayVec;
use http::StatusCode;
use palisade_core::{Fact, SecurityContext};

use super::{
    Inner,
    decide::{Ask, Asked},
};
use crate::{Answer, Standing, fields::Line, rate::MOST_RATES};

/// As many limits of one layer may be penalties or settled. Each costs room in every request.
pub(super) const MOST_OPEN: usize = 4;

/// What an admitted request keeps until its answer is over.
#[allow(unnameable_types)] // Nobody outside has a use for it.
#[derive(Debug, Default)]
pub struct Pass {
    standings: ArrayVec<(u8, Standing), MOST_RATES>,
    /// Limits whose last word is not spoken.
    open: ArrayVec<Ask, MOST_OPEN>,
    failure_charged: bool,
    degraded: bool,
}

impl Pass {
    pub(super) fn new(inner: &Inner, asked: &Asked, answer: &Answer) -> Self {
        let mut pass = Self {
            degraded: answer.degraded,
            ..Self::default()
        };
        for (ask, standing) in asked.iter().zip(answer.standings()) {
            let Some(slot) = inner.limits.get(ask.index) else {
                continue;
            };
            if !slot.limit.penalty {
                #[allow(clippy::cast_possible_truncation)] // There are at most eight.
                pass.standings.push((ask.index as u8, *standing));
            }
            if slot.limit.penalty || slot.limit.settled_by.is_some() {
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

    pub(super) fn set(&self) -> usize {
        self.standings
            .iter()
            .fold(0, |set, (index, _)| set | 1 << index)
    }
}

impl Inner {
    /// Returns the limits that clients are told of.
    pub(super) fn told<'a>(&'a self, pass: &'a Pass) -> impl Iterator<Item = Line<'a>> + Clone {
        pass.standings.iter().filter_map(|(index, standing)| {
            let limit = &self.limits.get(usize::from(*index))?.limit;
            Some(Line {
                limit,
                standing: *standing,
            })
        })
    }

    /// Charges the penalties if a credential failed, once.
    pub(super) fn charge_failure(
        &self,
        cx: &SecurityContext,
        pass: &mut Pass,
        status: Option<StatusCode>,
    ) {
        if pass.failure_charged || pass.open.is_empty() || !failed(cx, status) {
            return;
        }
        pass.failure_charged = true;
        for ask in &pass.open {
            let slot = self.limits.get(ask.index).filter(|slot| slot.limit.penalty);
            if let Some(slot) = slot {
                let cost = i64::from(ask.cost);
                self.store
                    .add(self.clock.monotonic(), &slot.limit, ask.bucket, cost);
            }
        }
    }

    /// Replaces what was reserved by what the handler reported. Without a report the reserve is the price.
    pub(super) fn settle(&self, cx: &SecurityContext, pass: &Pass) {
        for ask in &pass.open {
            let Some(slot) = self.limits.get(ask.index) else {
                continue;
            };
            let Some(used) = slot
                .limit
                .settled_by
                .as_deref()
                .and_then(|unit| cx.settled(unit))
            else {
                continue;
            };
            let more = i64::try_from(used).unwrap_or(i64::MAX) - i64::from(ask.cost);
            if more != 0 {
                self.store
                    .add(self.clock.monotonic(), &slot.limit, ask.bucket, more);
            }
        }
    }
}

/// Whether a credential was shown and not accepted. Where facts were lost, the status must do.
fn failed(cx: &SecurityContext, status: Option<StatusCode>) -> bool {
    let shown = |fact: &Fact| matches!(fact, Fact::CredentialFailed { .. });
    cx.with_facts(|facts| facts.iter().any(shown))
        || cx.facts_lost() > 0 && status == Some(StatusCode::UNAUTHORIZED)
}
