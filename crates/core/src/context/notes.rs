//! What guards and handlers note about a request.

use std::sync::atomic::Ordering;

use super::{Counted, Observations, SecurityContext};
use crate::{Fact, Rejection};

impl SecurityContext {
    /// Tells whether a layer sees this request for the first time, so that one that is applied twice
    /// charges once. `layer` is the address of its shared state.
    #[must_use]
    pub fn first_visit(&self, layer: usize) -> bool {
        self.ledger().visit(layer)
    }

    /// Adds a fact. Equal ones are counted; the room is bounded, see [`Observations`].
    pub fn record(&self, fact: Fact) {
        self.ledger().observations.record(fact);
    }

    /// Notes a credential that was not accepted, for the audit trail and for limits on guessing.
    ///
    /// [`AuthenticateLayer`](crate::AuthenticateLayer) does this for every authenticator. Guards that check
    /// credentials themselves call it.
    pub fn credential_failed(&self, kind: &'static str, rejection: &Rejection) {
        let (code, failure) = (rejection.code(), rejection.credential_failure());
        let mut ledger = self.ledger();
        ledger.observations.credential_failed(kind, code, failure);
    }

    /// Notes what a guard in shadow would have refused. The core does this for guards; services that read
    /// the body call it themselves.
    pub fn would_refuse(&self, guard: &'static str, rejection: &Rejection) {
        let (code, reason) = (rejection.code(), rejection.reason_text());
        let mut ledger = self.ledger();
        ledger.observations.would_refuse(guard, code, reason);
    }

    /// Looks at everything that was noticed, without copying it. The context is locked meanwhile.
    pub fn with_observations<T>(&self, look: impl FnOnce(&Observations) -> T) -> T {
        look(&self.ledger().observations)
    }

    /// Returns the facts so far, each different one once.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let copy = |facts: &[Counted<Fact>]| facts.iter().map(|it| it.value.clone()).collect();
        self.with_observations(|seen| copy(seen.facts()))
    }

    /// Returns the code of the last refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.with_observations(|seen| Some(seen.refusals().last()?.code))
    }

    /// Tells whether a guard refused the request before it reached the handler. A refusal of the
    /// answer, or one that the handler itself made, does not count.
    #[must_use]
    pub fn turned_away(&self) -> bool {
        self.0.turned_away.load(Ordering::Relaxed)
    }

    pub(crate) fn turn_away(&self) {
        self.0.turned_away.store(true, Ordering::Relaxed);
    }

    /// Reports what a request really cost, from the handler. Limits that reserved an estimate settle
    /// by this word alone; nothing is given back because a client left or an inner guard refused.
    /// The last word counts; at most four units are kept.
    pub fn settle(&self, unit: &'static str, amount: u64) {
        self.ledger().settle(unit, amount);
    }

    /// Returns what the handler reported for a unit.
    #[must_use]
    pub fn settled(&self, unit: &str) -> Option<u64> {
        self.ledger().settled(unit)
    }

    /// Returns everything that the handler reported.
    #[must_use]
    pub fn settlements(&self) -> Vec<(&'static str, u64)> {
        self.ledger().settlements().to_vec()
    }
}
