//! What guards and handlers record about a request: facts, failed credentials, shadow refusals,
//! cost.
//!
//! [`Records`] is the mutable part of a context, behind one lock that is held for a moment. All
//! parts are bounded; what exceeds a bound is counted as a lost fact.

use std::sync::{Arc, atomic::Ordering};

use super::{
    SecurityContext,
    observations::{Counted, Fact, Observations, Refusal},
};
use crate::rejection::Rejection;

/// The most units that a handler can settle.
const MOST_UNITS: usize = 4;
/// The most layers that are remembered without an allocation: audit, two limits, and one to spare.
const INLINE_VISITS: usize = 4;
/// What is read of a request of which nothing was recorded.
static NOTHING: Recorded = Recorded::NOTHING;

/// What guards and the handler recorded about one request.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Most requests are admitted without an observation, so this is made when it is needed.
    recorded: Option<Box<Recorded>>,
    /// Ids of layers that saw the request; 0 is free.
    visits: [usize; INLINE_VISITS],
}

/// What is recorded of few requests, beside the layers that saw it.
#[derive(Debug)]
struct Recorded {
    observations: Observations,
    /// Settled amounts by unit, at most [`MOST_UNITS`].
    settled: Vec<(&'static str, u64)>,
    /// What layers took before the handler, by unit, at most [`MOST_UNITS`].
    reserved: Vec<(Arc<str>, u64)>,
    /// The protected resource that the credential was accepted for.
    resource: Option<Arc<str>>,
    /// Ids of layers beyond the first [`INLINE_VISITS`].
    more_visits: Vec<usize>,
}

impl Recorded {
    const NOTHING: Self = Self {
        observations: Observations::NOTHING,
        settled: Vec::new(),
        reserved: Vec::new(),
        resource: None,
        more_visits: Vec::new(),
    };
}

impl Records {
    /// Returns what was observed.
    pub(super) fn observations(&self) -> &Observations {
        &self.recorded_values().observations
    }

    /// Returns what was observed, to add to it.
    pub(super) fn observations_mut(&mut self) -> &mut Observations {
        &mut self.recorded_mut().observations
    }

    fn recorded_values(&self) -> &Recorded {
        self.recorded.as_deref().unwrap_or(&NOTHING)
    }

    fn recorded_mut(&mut self) -> &mut Recorded {
        self.recorded
            .get_or_insert_with(|| Box::new(Recorded::NOTHING))
    }

    /// Returns true at the first call for a layer. The first four layers need no allocation.
    pub(super) fn is_first_visit(&mut self, layer: usize) -> bool {
        for slot in &mut self.visits {
            if *slot == layer {
                return false;
            }
            if *slot == 0 {
                *slot = layer;
                return true;
            }
        }
        let more = &mut self.recorded_mut().more_visits;
        let visited = more.contains(&layer);
        if !visited {
            more.push(layer);
        }
        !visited
    }

    /// Sets the amount of a unit. The last call wins; a fifth unit is counted as lost.
    pub(super) fn settle(&mut self, unit: &'static str, amount: u64) {
        let Recorded {
            observations,
            settled,
            ..
        } = self.recorded_mut();
        if let Some(known) = settled.iter_mut().find(|(name, _)| *name == unit) {
            known.1 = amount;
        } else if settled.len() < MOST_UNITS {
            settled.push((unit, amount));
        } else {
            observations.lose_fact();
        }
    }

    /// Notes what a layer took of a unit. The largest amount stays; a fifth unit is counted as lost.
    pub(super) fn reserve(&mut self, unit: Arc<str>, amount: u64) {
        let Recorded {
            observations,
            reserved,
            ..
        } = self.recorded_mut();
        if let Some(known) = reserved.iter_mut().find(|(name, _)| *name == unit) {
            known.1 = known.1.max(amount);
        } else if reserved.len() < MOST_UNITS {
            reserved.push((unit, amount));
        } else {
            observations.lose_fact();
        }
    }

    /// Returns the amount of a unit.
    pub(super) fn settled(&self, unit: &str) -> Option<u64> {
        let found = self.settlements().iter().find(|(known, _)| *known == unit);
        found.map(|(_, amount)| *amount)
    }

    /// Returns all units with their amounts.
    pub(super) fn settlements(&self) -> &[(&'static str, u64)] {
        &self.recorded_values().settled
    }
}

impl SecurityContext {
    /// Notes the protected resource that a credential was accepted for: its identifier (RFC 8707).
    /// The first call wins, that of the outermost layer.
    ///
    /// For an authenticator that decides by the path of the request. When the credential is
    /// [checked again](crate::Authenticator::recheck), the path is gone and the resource is still there.
    ///
    /// ```
    /// use palisade_core::SecurityContext;
    ///
    /// let (mut head, ()) = http::Request::new(()).into_parts();
    /// let cx = SecurityContext::find_or_create(&mut head);
    /// assert_eq!(cx.resource(), None);
    /// cx.set_resource("https://tts.example/mcp".into());
    /// assert_eq!(cx.resource().as_deref(), Some("https://tts.example/mcp"));
    /// ```
    pub fn set_resource(&self, resource: Arc<str>) {
        let mut records = self.records();
        records.recorded_mut().resource.get_or_insert(resource);
    }

    /// Returns the protected resource that the credential was accepted for, if the authenticator has
    /// several or may have.
    #[must_use]
    pub fn resource(&self) -> Option<Arc<str>> {
        self.records().recorded_values().resource.clone()
    }

    /// Returns true if a layer sees this request for the first time, so that a layer applied twice
    /// charges once.
    ///
    /// `layer` is the address of the layer's shared state, never 0.
    #[must_use]
    pub fn first_visit(&self, layer: usize) -> bool {
        self.records().is_first_visit(layer)
    }

    /// Adds a fact. Equal facts are counted. The number kept is bounded, see [`Observations`].
    pub fn record(&self, fact: Fact) {
        self.records().observations_mut().record(fact);
    }

    /// Records a credential that was not accepted, for the audit trail and for limits on guessing.
    ///
    /// [`AuthenticateLayer`](crate::AuthenticateLayer) does this for every authenticator. Guards
    /// that check credentials themselves must call it. Whether it counts as a guess is
    /// [`Rejection::credential_failure`].
    pub fn credential_failed(&self, kind: &'static str, rejection: &Rejection) {
        let (code, failure) = (rejection.code(), rejection.credential_failure());
        let mut records = self.records();
        let seen = records.observations_mut();
        seen.credential_failed(kind, code, failure);
    }

    /// Records what a guard in shadow would have refused.
    ///
    /// The core does this for guards. Services that read the body call it themselves.
    pub fn would_refuse(&self, guard: &'static str, rejection: &Rejection) {
        let refusal = Refusal::new(guard, rejection, rejection.reason_text());
        self.records().observations_mut().would_refuse(refusal);
    }

    /// Reads all observations without copying them. The context is locked meanwhile: do not call
    /// it, or any other method that records, from `read`.
    pub fn with_observations<T>(&self, read: impl FnOnce(&Observations) -> T) -> T {
        read(self.records().observations())
    }

    /// Returns copies of the facts so far, each different one once.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let copy = |facts: &[Counted<Fact>]| facts.iter().map(|it| it.value.clone()).collect();
        self.with_observations(|all| copy(all.facts()))
    }

    /// Returns the code of the last refusal. `None`: nothing was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.with_observations(|all| Some(all.refusals().last()?.code))
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

    /// Notes what a layer took of a unit before the handler, which [`settle`](Self::settle) corrects.
    ///
    /// For layers that reserve: the audit record shows it beside what was settled, also of a request that was never
    /// settled. If several layers took of one unit, the largest amount is shown; at most four units are kept.
    ///
    /// ```
    /// use palisade_core::SecurityContext;
    ///
    /// let (mut head, ()) = http::Request::new(()).into_parts();
    /// let cx = SecurityContext::find_or_create(&mut head);
    /// cx.reserve("characters", 500);
    /// cx.settle("characters", 120);
    /// assert_eq!(cx.with_reservations(<[_]>::len), 1);
    /// ```
    pub fn reserve(&self, unit: impl Into<Arc<str>>, amount: u64) {
        let unit = unit.into();
        self.records().reserve(unit, amount);
    }

    /// Reads the units with what layers took of each, without copying them. The context is locked meanwhile: do not
    /// call it from `read`.
    pub fn with_reservations<T>(&self, read: impl FnOnce(&[(Arc<str>, u64)]) -> T) -> T {
        read(&self.records().recorded_values().reserved)
    }

    /// Reports from the handler what a request really cost, for example `settle("characters",
    /// 120)`.
    ///
    /// Limits that reserved an estimate correct it only by this call. Nothing is returned because a
    /// client left or an inner guard refused. The last call for a unit wins; at most four units are
    /// kept.
    pub fn settle(&self, unit: &'static str, amount: u64) {
        self.records().settle(unit, amount);
    }

    /// Returns what the handler reported for a unit. `None`: nothing, so an estimate stays charged.
    #[must_use]
    pub fn settled(&self, unit: &str) -> Option<u64> {
        self.records().settled(unit)
    }

    /// Returns all reported units with their amounts, in the order in which they were first
    /// reported.
    #[must_use]
    pub fn settlements(&self) -> Vec<(&'static str, u64)> {
        self.records().settlements().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_visits_once_however_many_there_are() {
        let mut records = Records::default();
        assert!((1..=20).all(|layer| records.is_first_visit(layer)));
        assert!(!(1..=20).any(|layer| records.is_first_visit(layer)));
    }

    #[test]
    fn the_last_settlement_counts() {
        let mut records = Records::default();
        records.settle("seconds", 3);
        records.settle("seconds", 5);
        assert_eq!(records.settled("seconds"), Some(5));
        assert_eq!(records.settled("bytes"), None);
    }

    #[test]
    fn the_largest_reservation_of_a_unit_counts_and_a_fifth_unit_is_lost() {
        let mut records = Records::default();
        for (unit, amount) in [
            ("a", 3),
            ("a", 5),
            ("a", 4),
            ("b", 1),
            ("c", 1),
            ("d", 1),
            ("e", 1),
        ] {
            records.reserve(unit.into(), amount);
        }
        let reserved = &records.recorded_values().reserved;
        assert_eq!((reserved.len(), reserved[0].1), (4, 5));
        assert_eq!(records.observations().facts_lost(), 1);
    }
}
