//! One request over limits with leases: what its leases pay, what the store decides, and what is taken
//! back if it is refused.

use std::{sync::Arc, time::Duration};

use smallvec::SmallVec;

use super::{LeasedState, lease::LeaseStep, lease_metrics};
use crate::store::{
    Charge, ChargeOutcome, LimitState, OwnedCharge, PerCharge, StoreDecision, nanoseconds,
};

/// A request whose charges are partly paid by leases.
///
/// Dropped before it is decided, it takes back what its leases paid.
pub(super) struct LeasedRequest {
    /// The leases of this node, and the store.
    state: Arc<LeasedState>,
    /// When the request came, on the monotonic clock.
    now: Duration,
    /// Empty once the request is decided: nothing is left to be taken back.
    charges: SmallVec<[LeasedCharge; 2]>,
}

/// One charge of a request, and what its lease does about it.
struct LeasedCharge {
    charge: OwnedCharge,
    /// Whether the lease paid, a lease is asked for, or the store decides about the charge alone.
    step: LeaseStep,
    /// What the response reports of the limit.
    limit_state: LimitState,
}

impl LeasedRequest {
    /// Lets leases pay what they can.
    pub(super) fn new(state: &Arc<LeasedState>, now: Duration, charges: &[Charge<'_>]) -> Self {
        let leased = |charge: &Charge<'_>| {
            let (step, limit_state) = state.begin(now, charge);
            LeasedCharge {
                charge: OwnedCharge::from(charge),
                step,
                limit_state,
            }
        };
        Self {
            state: Arc::clone(state),
            now,
            charges: charges.iter().map(leased).collect(),
        }
    }

    /// Admits the request if leases paid all of it. `None`: the store decides.
    pub(super) fn decide_here(&mut self) -> Option<StoreDecision> {
        if self.asked().next().is_some() {
            return None;
        }
        lease_metrics::paid();
        Some(self.finish(ChargeOutcome::Admitted))
    }

    /// Asks the store about what leases did not pay.
    ///
    /// A question for a lease goes on after a client has left: the store may have charged the lease, and
    /// only the reply tells.
    pub(super) async fn decide(self) -> StoreDecision {
        if !self.charges.iter().any(LeasedCharge::asks) {
            return self.ask().await;
        }
        let state = Arc::clone(&self.state);
        let decision = state.questions.run(self.ask()).await;
        decision.unwrap_or_else(|| StoreDecision::new(ChargeOutcome::Unavailable, []))
    }

    /// Asks the store. If it has too few units for a lease, it is asked once more for the charge alone.
    async fn ask(mut self) -> StoreDecision {
        let decision = self.ask_store().await;
        if !self.only_leases_are_refused(&decision) {
            return self.conclude(&decision);
        }
        self.give_up_leases();
        let decision = self.ask_store().await;
        self.conclude(&decision)
    }

    /// Sends the charges that leases did not pay, in one call.
    async fn ask_store(&self) -> StoreDecision {
        let deciding = {
            let asked: PerCharge<Charge<'_>> = self.asked().map(LeasedCharge::asked).collect();
            self.state.store.charge(self.now, &asked)
        };
        deciding.get().await
    }

    /// Returns the charges that the store decides about, in their order.
    fn asked(&self) -> impl Iterator<Item = &LeasedCharge> {
        self.charges
            .iter()
            .filter(|charge| charge.step != LeaseStep::Spent)
    }

    /// Tells whether the store refused nothing but the size of leases.
    fn only_leases_are_refused(&self, decision: &StoreDecision) -> bool {
        let mut refused = self
            .asked()
            .zip(&decision.limit_states)
            .filter(|(_, limit_state)| limit_state.is_refused())
            .peekable();
        decision.outcome == ChargeOutcome::Refused
            && refused.peek().is_some()
            && refused.all(|(charge, _)| charge.asks())
    }

    /// Ends the questions for leases. The charges are then asked for alone.
    ///
    /// None is asked for again in the time of a lease: while a bucket is nearly empty, each request would
    /// cost two calls.
    fn give_up_leases(&mut self) {
        let now = self.state.now();
        for charge in self.charges.iter_mut().filter(|charge| charge.asks()) {
            lease_metrics::asked("refused");
            self.state.not_granted(now, charge, self.state.life);
            charge.step = LeaseStep::Exact;
        }
    }

    /// Records the decision of the store in the leases, and completes it with what they paid.
    fn conclude(&mut self, decision: &StoreDecision) -> StoreDecision {
        let mut states = decision.limit_states.iter();
        for charge in &mut self.charges {
            if charge.step == LeaseStep::Spent {
                continue;
            }
            if let Some(limit_state) = states.next() {
                charge.limit_state = *limit_state;
            }
            if !charge.asks() {
                continue;
            }
            match (decision.outcome, decision.degraded) {
                (ChargeOutcome::Admitted, false) => self.state.granted(self.now, charge),
                (ChargeOutcome::Admitted, true) => {
                    self.state
                        .undo_degraded(self.now, charge, decision.may_be_charged);
                }
                // Another limit refused, and nothing was charged.
                (ChargeOutcome::Refused, false) => {
                    charge.limit_state = charge.state_of_charge(charge.limit_state);
                    self.state.not_granted(self.state.now(), charge, 0)
                }
                _ => continue,
            }
            // It is settled: nothing is left to be taken back.
            charge.step = LeaseStep::Exact;
        }
        let merged = self.finish(decision.outcome);
        StoreDecision {
            degraded: decision.degraded,
            may_be_charged: decision.may_be_charged,
            ..merged
        }
    }

    /// Ends the request: what leases paid is confirmed or taken back.
    fn finish(&mut self, outcome: ChargeOutcome) -> StoreDecision {
        let states = self.charges.iter().map(|charge| charge.limit_state);
        let decision = StoreDecision::new(outcome, states);
        match outcome {
            ChargeOutcome::Admitted => self.confirm(),
            ChargeOutcome::Refused | ChargeOutcome::Unavailable => self.undo(),
        }
        self.charges.clear();
        decision
    }

    /// Tells the leases that what they paid is spent: it goes back to no one.
    fn confirm(&self) {
        for charge in &self.charges {
            if charge.step == LeaseStep::Spent {
                let OwnedCharge { limit, bucket, .. } = &charge.charge;
                let units = charge.charge.consumed;
                self.state
                    .leases
                    .with(limit, *bucket, |entry| entry.lease.confirm(units));
            }
        }
    }

    /// Takes back what the leases paid, and ends the questions for leases whose reply did not come.
    fn undo(&self) {
        let now = self.state.now();
        for charge in &self.charges {
            match charge.step {
                LeaseStep::Spent => self.state.undo(now, &charge.charge),
                // The store may have charged the lease: none is asked for in the time of one.
                LeaseStep::Ask { .. } => self.state.not_granted(now, charge, self.state.life),
                LeaseStep::Exact => {}
            }
        }
    }
}

impl Drop for LeasedRequest {
    fn drop(&mut self) {
        self.undo();
    }
}

impl LeasedCharge {
    /// Returns the charge that the store decides about.
    fn asked(&self) -> Charge<'_> {
        let charge = self.charge.borrow();
        match self.step {
            LeaseStep::Ask { units, .. } => Charge {
                required: units,
                consumed: units,
                ..charge
            },
            LeaseStep::Exact | LeaseStep::Spent => charge,
        }
    }

    /// Returns the state of the charge alone, where the store refused the charge with a lease.
    fn state_of_charge(&self, refused: LimitState) -> LimitState {
        let OwnedCharge {
            limit, consumed, ..
        } = &self.charge;
        let alone = limit.gcra.decide(refused.backlog, *consumed, *consumed);
        LimitState {
            wait: alone.err().unwrap_or(0).min(refused.wait),
            ..refused
        }
    }

    /// Tells whether the charge is sent with that of a whole lease.
    const fn asks(&self) -> bool {
        matches!(self.step, LeaseStep::Ask { .. })
    }
}

impl LeasedState {
    /// Lets the lease of a bucket pay a charge, if it has one. Returns the state to be reported.
    fn begin(&self, now: Duration, charge: &Charge<'_>) -> (LeaseStep, LimitState) {
        let exact = (LeaseStep::Exact, LimitState::default());
        let Some(size) = charge.limit.lease() else {
            return exact;
        };
        // A look changes nothing, and is asked of the store.
        if charge.consumed == 0 || charge.consumed != charge.required {
            return exact;
        }
        let nanos = nanoseconds(now);
        let step = self
            .leases
            .with_charged(nanos, charge.limit, charge.bucket, |entry| {
                let ended = entry.lease.take_ended(nanos);
                self.give_back(now, entry, ended);
                let is_busy = entry.note_charge(nanos, self.life);
                if !self.change_limit(now, entry, charge.limit) {
                    return exact;
                }
                // The store is asked only if the lease cannot pay.
                let may_ask = is_busy
                    && !entry.lease.pays(nanos, charge.consumed)
                    && !self.store.is_adjusting(&entry.limit, entry.bucket);
                let step = entry.lease.charge(nanos, charge.consumed, size, may_ask);
                let left = charge.limit.gcra.time_of(entry.lease.units());
                let backlog = entry.full_at.saturating_sub(nanos).saturating_sub(left);
                (step, LimitState { backlog, wait: 0 })
            });
        step.unwrap_or(exact)
    }

    /// Adds what the store granted to the lease, and corrects the state that is reported.
    fn granted(&self, now: Duration, charge: &mut LeasedCharge) {
        let LeaseStep::Ask { units, rest } = charge.step else {
            return;
        };
        let OwnedCharge {
            limit,
            bucket,
            consumed,
            ..
        } = &charge.charge;
        let nanos = nanoseconds(now);
        let full_at = nanos.saturating_add(charge.limit_state.backlog);
        let left = self.leases.with(limit, *bucket, |entry| {
            // From the call, not from the reply: a lease never lasts longer than its life.
            let ends = nanos.saturating_add(self.life);
            entry.lease.granted(units, rest, *consumed, ends);
            entry.full_at = full_at;
            entry.lease.units()
        });
        lease_metrics::asked("granted");
        // Without an entry the units stay charged.
        if let Some(left) = left {
            let left = limit.gcra.time_of(left);
            let backlog = &mut charge.limit_state.backlog;
            *backlog = backlog.saturating_sub(left);
        }
    }

    /// Takes back what a node without the store granted beyond the charge. `may_be_charged`: the store may have taken
    /// the units too, and its reply was lost.
    fn undo_degraded(&self, now: Duration, charge: &LeasedCharge, may_be_charged: bool) {
        let LeaseStep::Ask { units, .. } = charge.step else {
            return;
        };
        let OwnedCharge {
            limit,
            bucket,
            consumed,
            ..
        } = &charge.charge;
        let beyond = i64::from(units) - i64::from(*consumed);
        match may_be_charged {
            true => self.store.adjust_uncertain(now, limit, *bucket, -beyond),
            false => self.store.adjust_degraded(now, limit, *bucket, -beyond),
        }
        lease_metrics::asked("degraded");
        self.not_granted(self.now(), charge, self.life);
    }

    /// Ends a question for a lease that brought no units. No other one is asked within `pause`, in nanoseconds.
    fn not_granted(&self, now: Duration, charge: &LeasedCharge, pause: u64) {
        let LeaseStep::Ask { rest, .. } = charge.step else {
            return;
        };
        let OwnedCharge { limit, bucket, .. } = &charge.charge;
        let nanos = nanoseconds(now);
        self.leases.with(limit, *bucket, |entry| {
            let until = nanos.saturating_add(pause);
            let ended = entry.lease.not_granted(nanos, rest, until);
            self.give_back(now, entry, ended);
        });
    }

    /// Takes back what a lease paid for a request that was not admitted.
    fn undo(&self, now: Duration, charge: &OwnedCharge) {
        let nanos = nanoseconds(now);
        self.leases.with(&charge.limit, charge.bucket, |entry| {
            let ended = entry.lease.undo(nanos, charge.consumed);
            self.give_back(now, entry, ended);
        });
    }
}
