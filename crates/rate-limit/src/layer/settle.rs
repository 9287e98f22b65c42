//! What is kept of an admitted request, and the corrections that its end brings.
//!
//! Three things change a charge after admission: a credential that failed (penalty), a cost that the
//! handler reported (settlement), and a refusal before the handler (refund). All go to
//! `LimitStore::adjust`, which does not block and reports no failure to the request.

use std::sync::Arc;

use arrayvec::ArrayVec;
use http::StatusCode;
use palisade_core::{Observations, SecurityContext};

use super::{
    LayerState, LimitId,
    charge::{LimitCharge, LimitCharges},
};
use crate::{
    fields::FieldItem,
    policy::{ChargeWhen, Limit},
    rate::MAX_RATES,
    store::{BucketKey, LimitState, StoreDecision},
};

/// As many limits of one layer may be penalties, settled or refunded. Each costs room in every request.
pub(super) const MAX_OPEN_LIMITS: usize = 4;

/// Each of them may count a network of IPv6 too.
const MAX_OPEN_CHARGES: usize = 2 * MAX_OPEN_LIMITS;

/// What an admitted request keeps until its answer is over.
#[allow(unnameable_types)] // Only the layer uses it.
#[derive(Debug, Default)]
pub struct ChargedRequest {
    pub(super) limit_states: ArrayVec<(LimitId, LimitState), MAX_RATES>,
    /// Limits whose last word is not spoken.
    pub(super) open: ArrayVec<LimitCharge, MAX_OPEN_CHARGES>,
    failure_charged: bool,
    pub(super) refunded: bool,
    pub(super) degraded: bool,
}

impl ChargedRequest {
    pub(super) fn new(
        inner: &LayerState,
        charges: &LimitCharges,
        decision: &StoreDecision,
    ) -> Self {
        let mut pass = Self {
            degraded: decision.degraded,
            ..Self::default()
        };
        for (charge, limit_state) in charges.iter().zip(decision.limit_states()) {
            let Some(limit) = inner.limit(charge.id) else {
                continue;
            };
            if !limit.penalty && !limit.is_network {
                // At most eight are neither.
                let _ = pass.limit_states.try_push((charge.id, *limit_state));
            }
            if limit.is_adjusted_later() {
                // The builder allows no more than fit.
                let _ = pass.open.try_push(*charge);
            }
        }
        pass
    }

    /// Whether clients are told nothing: nothing was counted, or it is not known how the limits stand.
    pub(super) fn is_silent(&self) -> bool {
        self.limit_states.is_empty() || self.degraded
    }

    pub(super) fn set(&self) -> Option<usize> {
        LimitId::set(self.limit_states.iter().map(|(id, _)| *id))
    }
}

impl LayerState {
    /// Returns the limits that clients are told of.
    pub(super) fn reported_items<'a>(
        &'a self,
        pass: &'a ChargedRequest,
    ) -> impl Iterator<Item = FieldItem<'a>> + Clone {
        pass.limit_states.iter().filter_map(|(id, limit_state)| {
            let limit = self.limit(*id)?;
            Some(FieldItem {
                limit,
                limit_state: *limit_state,
            })
        })
    }

    /// Charges the penalties once if a credential failed that could be a guess. Genuine ones that have
    /// ended are free: a client with an expired token must not lock out others behind its address.
    pub(super) fn charge_failure(&self, cx: &SecurityContext, pass: &mut ChargedRequest) {
        if pass.failure_charged || pass.open.is_empty() {
            return;
        }
        if cx.with_observations(Observations::guesses) == 0 {
            return;
        }
        pass.failure_charged = true;
        for charge in &pass.open {
            if let Some(limit) = self.limit(charge.id).filter(|limit| limit.penalty) {
                let cost = i64::from(charge.cost);
                self.store
                    .adjust(self.clock.monotonic(), limit, charge.bucket, cost);
            }
        }
    }

    /// Replaces what was reserved by what the handler reported. Without a report the reserve is the price.
    pub(super) fn settle(&self, cx: &SecurityContext, pass: &ChargedRequest) {
        for charge in &pass.open {
            let Some(limit) = self.limit(charge.id) else {
                continue;
            };
            let Some(used) = limit
                .settled_by
                .as_deref()
                .and_then(|unit| cx.settled(unit))
            else {
                continue;
            };
            let more = i64::try_from(used).unwrap_or(i64::MAX) - i64::from(charge.cost);
            if more != 0 {
                self.correct(pass, limit, charge.bucket, more);
            }
        }
    }

    /// Changes what a request was charged, where it was charged.
    pub(super) fn correct(
        &self,
        pass: &ChargedRequest,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        let now = self.clock.monotonic();
        match pass.degraded {
            true => self.store.adjust_degraded(now, limit, bucket, units),
            false => self.store.adjust(now, limit, bucket, units),
        }
    }
}

impl Limit {
    /// Whether what a request pays is known only at its end.
    pub(super) fn is_adjusted_later(&self) -> bool {
        self.penalty || self.settled_by.is_some() || self.charge_when != ChargeWhen::Admitted
    }

    /// Returns how many units of a cost are given back to a request that did not reach the handler.
    fn refund(&self, cost: u32) -> u32 {
        match self.charge_when {
            ChargeWhen::Admitted => 0,
            ChargeWhen::Handled { otherwise } => cost.saturating_sub(otherwise),
        }
    }
}

impl LayerState {
    /// Gives back, once, what the policies say. Runs when the answer is there: a client that left
    /// before has none, and gets nothing back.
    pub(super) fn refund(
        &self,
        cx: &SecurityContext,
        pass: &mut ChargedRequest,
        status: StatusCode,
    ) {
        let refused = status.is_client_error() || status.is_server_error();
        if pass.refunded || pass.open.is_empty() || !refused || !cx.turned_away() {
            return;
        }
        pass.refunded = true;
        for charge in &pass.open {
            let Some(limit) = self.limit(charge.id) else {
                continue;
            };
            let units = -i64::from(limit.refund(charge.cost));
            if units == 0 {
                continue;
            }
            self.correct(pass, limit, charge.bucket, units);
            // What the client is told is what it has now.
            let told = pass.limit_states.iter_mut();
            for (_, limit_state) in told.filter(|(id, _)| *id == charge.id) {
                limit_state.backlog = limit.gcra.adjust(limit_state.backlog, units);
            }
        }
    }
}
