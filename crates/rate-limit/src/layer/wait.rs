//! Requests that wait for their units: charged when they come, refunded if they are cancelled.

use palisade_core::{SecurityContext, Verdict};

use super::{LayerState, charge::LimitCharges, settle::ChargedRequest};
use crate::store::StoreDecision;

#[cfg(feature = "delay")]
pub(super) use self::delay::WaitingRequests;

#[cfg(not(feature = "delay"))]
impl LayerState {
    /// Turns the decision of the store into a verdict.
    #[allow(clippy::needless_pass_by_value)] // With the feature `delay`, a request that waits keeps both.
    #[inline]
    pub(super) fn admit_or_wait(
        self: &std::sync::Arc<Self>,
        cx: &SecurityContext,
        charges: LimitCharges,
        decision: StoreDecision,
    ) -> Verdict<ChargedRequest> {
        self.verdict(cx, &charges, &decision).into()
    }
}

/// What the feature `delay` adds: requests that wait instead of being refused.
#[cfg(feature = "delay")]
mod delay {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use palisade_core::Mode;

    use super::*;
    use crate::store::ChargeOutcome;

    /// How many requests wait for units of one limit.
    #[derive(Debug, Default)]
    pub(in crate::layer) struct WaitingRequests(AtomicU32);

    /// The place of one waiting request. Its drop frees it.
    struct WaitingPlace(Arc<WaitingRequests>);

    impl WaitingRequests {
        /// Takes a place, unless so many are taken.
        fn take(self: &Arc<Self>, most: u32) -> Option<WaitingPlace> {
            let more = |taken: u32| (taken < most).then(|| taken + 1);
            let taken = self.0.try_update(Ordering::AcqRel, Ordering::Acquire, more);
            taken.is_ok().then(|| WaitingPlace(Arc::clone(self)))
        }
    }

    impl Drop for WaitingPlace {
        fn drop(&mut self) {
            self.0.0.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// A request that is charged and waits for its units. Dropped before its time, it gives them back.
    struct WaitingRequest {
        layer: Arc<LayerState>,
        charges: LimitCharges,
        pass: Option<ChargedRequest>,
        _place: WaitingPlace,
    }

    impl Drop for WaitingRequest {
        fn drop(&mut self) {
            if let Some(pass) = self.pass.take() {
                self.layer.give_back(&self.charges, &pass);
            }
        }
    }

    impl LayerState {
        /// Turns the decision of the store into a verdict. A request that used units of the future waits for them.
        #[inline]
        pub(in crate::layer) fn admit_or_wait(
            self: &Arc<Self>,
            cx: &SecurityContext,
            charges: LimitCharges,
            decision: StoreDecision,
        ) -> Verdict<ChargedRequest> {
            let pass = match self.verdict(cx, &charges, &decision) {
                Ok(pass) => pass,
                Err(rejection) => return rejection.into(),
            };
            let Some((index, late)) = self.longest_wait(&charges, &decision) else {
                return Verdict::Admit(pass);
            };
            let Some(place) = self.waiting_place(index) else {
                self.give_back(&charges, &pass);
                let refused = self.refused_without_place(&charges, decision);
                return self.verdict(cx, &charges, &refused).into();
            };
            let waiting = WaitingRequest {
                layer: Arc::clone(self),
                charges,
                pass: Some(pass),
                _place: place,
            };
            Verdict::later(async move { Ok(waiting.wait(late).await) })
        }

        /// Returns the limit whose units the request waits for longest, and how long. `None`: all are within their
        /// burst, the layer only watches, or the store is degraded.
        ///
        /// A degraded decision is about a part of each limit, and its backlog says nothing about the whole. No wait is
        /// longer than the policy allows, whatever the store answers.
        fn longest_wait(
            &self,
            charges: &LimitCharges,
            decision: &StoreDecision,
        ) -> Option<(u8, Duration)> {
            if decision.degraded {
                return None;
            }
            let lates = charges.list.iter().zip(decision.limit_states());
            let lates = lates.filter_map(|(charge, state)| {
                let limit = self.limit(charge.id, &charges.overrides)?;
                let late = Duration::from_nanos(limit.gcra.lateness(state.backlog));
                let late = late.min(limit.delay?.longest);
                (!late.is_zero() && !limit.only_shadow).then_some((charge.id.index, late))
            });
            let longest = lates.max_by_key(|(_, late)| *late)?;
            (self.mode == Mode::Enforce).then_some(longest)
        }

        /// Takes a place among the requests that wait for a limit. `None`: all are taken.
        fn waiting_place(&self, index: u8) -> Option<WaitingPlace> {
            let configured = self.limits.get(usize::from(index))?;
            let delay = configured.limit.delay?;
            configured.waiting.take(delay.requests)
        }

        /// Refunds a request that does not go on.
        fn give_back(&self, charges: &LimitCharges, pass: &ChargedRequest) {
            for charge in &charges.list {
                if let Some(limit) = self.limit(charge.id, &charges.overrides)
                    && !limit.penalty
                {
                    self.correct(pass, limit, charge.bucket, -i64::from(charge.cost));
                }
            }
        }

        /// Makes the decision about a request for which there is no place: refused by the limits that it is late for.
        fn refused_without_place(
            &self,
            charges: &LimitCharges,
            mut decision: StoreDecision,
        ) -> StoreDecision {
            decision.outcome = ChargeOutcome::Refused;
            for (charge, state) in charges.list.iter().zip(&mut decision.limit_states) {
                let Some(limit) = self.limit(charge.id, &charges.overrides) else {
                    continue;
                };
                if !limit.penalty {
                    state.wait = limit.gcra.lateness(state.backlog);
                    state.backlog = limit.gcra.adjust(state.backlog, -i64::from(charge.cost));
                }
            }
            decision
        }
    }

    impl WaitingRequest {
        /// Waits, by the clock of the layer.
        async fn wait(mut self, late: Duration) -> ChargedRequest {
            let due = self.layer.clock.monotonic().saturating_add(late);
            loop {
                let left = due.saturating_sub(self.layer.clock.monotonic());
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left).await;
            }
            let mut pass = self.pass.take().unwrap_or_default();
            pass.let_pass(late);
            pass
        }
    }
}
