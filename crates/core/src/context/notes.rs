//! What guards and handlers record about a request: facts, failed credentials, shadow refusals,
//! cost.

use std::sync::atomic::Ordering;

use super::{Counted, Observations, SecurityContext};
use crate::{Fact, Rejection};

impl SecurityContext {
    /// Returns true if a layer sees this request for the first time, so that a layer applied twice
    /// charges once.
    ///
    /// `layer` is the address of the layer's shared state, never 0.
    #[must_use]
    pub fn first_visit(&self, layer: usize) -> bool {
        self.ledger().visit(layer)
    }

    /// Adds a fact. Equal facts are counted. The number kept is bounded, see [`Observations`].
    pub fn record(&self, fact: Fact) {
        self.ledger().observations.record(fact);
    }

    /// Records a credential that was not accepted, for the audit trail and for limits on guessing.
    ///
    /// [`AuthenticateLayer`](crate::AuthenticateLayer) does this for every authenticator. Guards
    /// that check credentials themselves must call it. Whether it counts as a guess is
    /// [`Rejection::credential_failure`].
    pub fn credential_failed(&self, kind: &'static str, rejection: &Rejection) {
        let (code, failure) = (rejection.code(), rejection.credential_failure());
        let mut ledger = self.ledger();
        ledger.observations.credential_failed(kind, code, failure);
    }

    /// Records what a guard in shadow would have refused.
    ///
    /// The core does this for guards. Services that read the body call it themselves.
    pub fn would_refuse(&self, guard: &'static str, rejection: &Rejection) {
        let (code, reason) = (rejection.code(), rejection.reason_text());
        let mut ledger = self.ledger();
        ledger.observations.would_refuse(guard, code, reason);
    }

    /// Reads all observations without copying them. The context is locked meanwhile: do not call
    /// it, or any other method that records, from `look`.
    pub fn with_observations<T>(&self, look: impl FnOnce(&Observations) -> T) -> T {
        look(&self.ledger().observations)
    }

    /// Returns copies of the facts so far, each different one once.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let copy = |facts: &[Counted<Fact>]| facts.iter().map(|it| it.value.clone()).collect();
        self.with_observations(|seen| copy(seen.facts()))
    }

    /// Returns the code of the last refusal. `None`: nothing was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.with_observations(|seen| Some(seen.refusals().last()?.code))
    }

    /// Tells whether a guard refused the request before it reached the handler.
    ///
    /// A refusal in [`Guard::finish`](crate::Guard::finish), or one made by the handler itself,
    /// does not count.
    #[must_use]
    pub fn refused_before_handler(&self) -> bool {
        self.0.refused_before_handler.load(Ordering::Relaxed)
    }

    /// Marks the request as refused before the handler.
    pub(crate) fn mark_refused_before_handler(&self) {
        self.0.refused_before_handler.store(true, Ordering::Relaxed);
    }

    /// Reports from the handler what a request really cost, for example `settle("characters",
    /// 120)`.
    ///
    /// Limits that reserved an estimate correct it only by this call. Nothing is returned because a
    /// client left or an inner guard refused. The last call for a unit wins; at most four units are
    /// kept.
    pub fn settle(&self, unit: &'static str, amount: u64) {
        self.ledger().settle(unit, amount);
    }

    /// Returns what the handler reported for a unit. `None`: nothing, so an estimate stays charged.
    #[must_use]
    pub fn settled(&self, unit: &str) -> Option<u64> {
        self.ledger().settled(unit)
    }

    /// Returns all reported units with their amounts, in the order in which they were first
    /// reported.
    #[must_use]
    pub fn settlements(&self) -> Vec<(&'static str, u64)> {
        self.ledger().settlements().to_vec()
    }
}
