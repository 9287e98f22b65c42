//! The state of an admitted request, and the corrections of its charge when it ends.
//!
//! Three events change a charge after admission:
//!
//! * a credential that failed (penalty)
//! * a cost that the handler reported (settlement)
//! * a refusal by a layer further in, before the handler (refund)
//!
//! All go to `LimitStore::adjust`, which does not block and reports no failure to the request.

use std::sync::Arc;

use http::response;
use palisade_core::{Observations, SecurityContext};
use smallvec::SmallVec;

use super::{
    LayerState, LimitId,
    charge::{LimitCharge, LimitCharges},
    overrides::RequestOverrides,
};
use crate::{
    fields::{FieldItem, PartitionKey},
    policy::{ChargeWhen, Limit},
    store::{BucketKey, LimitState, StoreDecision},
};

/// The limit of penalties, settled and refunded limits in one layer. Each takes memory in every
/// request.
pub(super) const MAX_OPEN_LIMITS: usize = 4;

/// The state of an admitted request until its response is complete.
///
/// The service holds it for the layer: `finish` reads the limit states for header fields, and both
/// `finish` and `close` correct the charges in `open`.
#[allow(unnameable_types)] // Only the layer uses it.
#[derive(Debug, Default)]
pub struct ChargedRequest {
    /// The states of the limits that header fields report, with the limit of each.
    pub(super) limit_states: SmallVec<[(LimitId, LimitState); 2]>,
    /// Charges that may still be corrected. Most layers have none or one.
    pub(super) open: SmallVec<[LimitCharge; 1]>,
    /// What few requests have, behind one pointer.
    rare: Option<Box<RareParts>>,
    /// The penalty was charged. A response is not charged twice for one failure.
    failure_charged: bool,
    /// The open charges were corrected. They are corrected once, in `finish` or in `close`.
    corrected: bool,
    /// The shared store could not be asked, and the failure mode decided.
    pub(super) degraded: bool,
    /// The store may have charged a degraded request.
    may_be_charged: bool,
}

/// What few requests have.
#[derive(Debug, Default)]
struct RareParts {
    /// The limits that replace configured ones for this request.
    overrides: RequestOverrides,
    /// Of the limit states, in their order. Empty: the layer sends none.
    partitions: SmallVec<[PartitionKey; 2]>,
    /// What the policies in shadow charged.
    shadow: Option<ChargedRequest>,
}

/// Returns the overrides of a request.
fn overrides_of(rare: &Option<Box<RareParts>>) -> &RequestOverrides {
    /// What requests without overrides borrow.
    static NONE: RequestOverrides = RequestOverrides::NONE;
    rare.as_ref().map_or(&NONE, |rare| &rare.overrides)
}

impl ChargedRequest {
    /// Adds what the policies in shadow charged.
    pub(super) fn with_shadow(mut self, shadow: Self) -> Self {
        self.rare.get_or_insert_default().shadow = Some(shadow);
        self
    }

    /// Returns what the policies in shadow charged.
    pub(super) fn shadow_mut(&mut self) -> Option<&mut Self> {
        self.rare.as_mut()?.shadow.as_mut()
    }

    /// Takes what the policies in shadow charged.
    pub(super) fn take_shadow(&mut self) -> Option<Self> {
        self.rare.as_mut()?.shadow.take()
    }

    /// Keeps what header fields report, and the charges that may still change. The audit trail is told of those that the
    /// handler settles.
    pub(super) fn new(
        inner: &LayerState,
        cx: &SecurityContext,
        charges: &LimitCharges,
        decision: &StoreDecision,
    ) -> Self {
        let mut pass = Self {
            degraded: decision.degraded,
            may_be_charged: decision.may_be_charged,
            ..Self::default()
        };
        if !charges.overrides.is_empty() {
            pass.rare.get_or_insert_default().overrides = charges.overrides.clone();
        }
        for (charge, limit_state) in charges.list.iter().zip(decision.limit_states()) {
            let Some(limit) = inner.limit(charge.id, &charges.overrides) else {
                continue;
            };
            if !limit.penalty && !limit.is_network {
                pass.limit_states.push((charge.id, *limit_state));
                if let Some(key) = inner.partition_key(limit, charge.bucket) {
                    pass.rare.get_or_insert_default().partitions.push(key);
                }
            }
            if limit.is_adjusted_later() {
                pass.open.push(*charge);
                if let Some(unit) = &limit.settled_by {
                    cx.reserve(Arc::clone(unit), charge.cost.into());
                }
            }
        }
        pass
    }

    /// Lets time pass for what the header fields report: the request waited.
    #[cfg(feature = "delay")]
    pub(super) fn let_pass(&mut self, time: std::time::Duration) {
        let time = crate::store::nanoseconds(time);
        for (_, state) in &mut self.limit_states {
            state.backlog = state.backlog.saturating_sub(time);
        }
    }

    /// Tells whether responses have no fields: nothing was counted, or the state of the limits is
    /// unknown.
    pub(super) fn is_silent(&self) -> bool {
        self.limit_states.is_empty() || self.degraded
    }

    /// Returns the set of limits as bits, if none is of a tier.
    pub(super) fn set(&self) -> Option<usize> {
        LimitId::set(self.limit_states.iter().map(|(id, _)| *id))
    }
}

impl LayerState {
    /// Returns the partition key of a bucket, if the layer sends them.
    pub(super) fn partition_key(&self, limit: &Limit, bucket: BucketKey) -> Option<PartitionKey> {
        self.partition_keys.then(|| PartitionKey::of(limit, bucket))
    }

    /// Returns the limits that the header fields report.
    pub(super) fn reported_items<'a>(
        &'a self,
        pass: &'a ChargedRequest,
    ) -> impl Iterator<Item = FieldItem<'a>> + Clone {
        let partitions = pass.rare.as_ref().map(|rare| rare.partitions.as_slice());
        let states = pass.limit_states.iter().enumerate();
        states.filter_map(move |(index, (id, limit_state))| {
            let limit = self.limit(*id, overrides_of(&pass.rare))?;
            Some(FieldItem {
                limit,
                limit_state: *limit_state,
                partition: partitions.and_then(|keys| keys.get(index).copied()),
            })
        })
    }

    /// Charges the penalties once if a credential failed that could be a guess.
    ///
    /// Genuine credentials that have expired are free: a client with an expired token must not lock
    /// out others behind its address.
    pub(super) fn charge_failure(&self, cx: &SecurityContext, pass: &mut ChargedRequest) {
        if pass.failure_charged || pass.open.is_empty() {
            return;
        }
        if cx.with_observations(Observations::guesses) == 0 {
            return;
        }
        pass.failure_charged = true;
        for charge in &pass.open {
            if let Some(limit) = self.limit(charge.id, overrides_of(&pass.rare))
                && limit.penalty
                && !limit.counts_refusals
            {
                let cost = i64::from(charge.cost);
                self.store
                    .adjust(self.clock.monotonic(), limit, charge.bucket, cost);
            }
        }
    }

    /// Charges the penalties for refusals, unless one of them refused.
    ///
    /// They must not charge what they refuse themselves: a client that goes on would be blocked for ever.
    pub(super) fn charge_refusal(&self, charges: &LimitCharges, decision: &StoreDecision) {
        let states = charges.list.iter().zip(decision.limit_states());
        let penalties = states.filter_map(|(charge, state)| {
            let limit = self.limit(charge.id, &charges.overrides)?;
            limit.counts_refusals.then_some((charge, state, limit))
        });
        if penalties.clone().any(|(_, state, _)| state.is_refused()) {
            return;
        }
        for (charge, _, limit) in penalties {
            let now = self.clock.monotonic();
            self.store
                .adjust(now, limit, charge.bucket, charge.cost.into());
        }
    }

    /// Replaces the reserved cost by the reported one. Without a report the reserved cost stays charged.
    ///
    /// Runs once, when the response is complete. The difference may be negative: it is then refunded.
    pub(super) fn settle(&self, cx: &SecurityContext, pass: &ChargedRequest) {
        for charge in &pass.open {
            let Some(limit) = self.limit(charge.id, overrides_of(&pass.rare)) else {
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

    /// Adjusts the charge of a request in the place where it was charged: store or fallback.
    pub(super) fn correct(
        &self,
        pass: &ChargedRequest,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        let now = self.clock.monotonic();
        match pass.degraded {
            true if pass.may_be_charged => {
                self.store.adjust_uncertain(now, limit, bucket, units);
            }
            true => self.store.adjust_degraded(now, limit, bucket, units),
            false => self.store.adjust(now, limit, bucket, units),
        }
    }
}

impl Limit {
    /// Returns the units by which the cost of the response differs from the charge.
    fn correction(&self, cost: u32, head: &response::Parts) -> i64 {
        let last = self.response_cost.as_ref().and_then(|cost| cost.of(head));
        last.map_or(0, |last| i64::from(last) - i64::from(cost))
    }

    /// Returns how many units are refunded to a request that did not reach the handler.
    fn refund(&self, cost: u32) -> u32 {
        match self.charge_when {
            ChargeWhen::Admitted => 0,
            ChargeWhen::Handled { otherwise } => cost.saturating_sub(otherwise),
        }
    }
}

impl LayerState {
    /// Corrects the charges, once, by the response: what policies refund to a request that did not reach the handler,
    /// or what its response costs.
    ///
    /// It runs when the response is available. A client that disconnects earlier gets no refund.
    pub(super) fn charge_by_response(
        &self,
        cx: &SecurityContext,
        pass: &mut ChargedRequest,
        head: &response::Parts,
    ) {
        if pass.corrected || pass.open.is_empty() {
            return;
        }
        pass.corrected = true;
        let refused = head.status.is_client_error() || head.status.is_server_error();
        let before_handler = cx.refused_before_handler();
        for charge in &pass.open {
            let Some(limit) = self.limit(charge.id, overrides_of(&pass.rare)) else {
                continue;
            };
            let units = match before_handler {
                true if refused => -i64::from(limit.refund(charge.cost)),
                true => 0,
                false => limit.correction(charge.cost, head),
            };
            if units == 0 {
                continue;
            }
            self.correct(pass, limit, charge.bucket, units);
            // The fields report the state after the correction.
            let reported = pass.limit_states.iter_mut();
            for (_, limit_state) in reported.filter(|(id, _)| *id == charge.id) {
                limit_state.backlog = limit.gcra.adjust(limit_state.backlog, units);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every admitted request holds one for each layer, and it is moved.
    #[test]
    fn what_a_request_holds_is_small() {
        let size = size_of::<ChargedRequest>();
        assert!(size <= 160, "{size} bytes");
    }
}
