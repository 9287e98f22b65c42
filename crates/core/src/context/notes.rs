//! What guards and handlers note about a request.

use std::sync::atomic::Ordering;

use super::SecurityContext;
use crate::Fact;

impl SecurityContext {
    /// Tells whether a layer sees this request for the first time, so that one that is applied twice
    /// charges once. `layer` is the address of its shared state.
    #[must_use]
    pub fn first_visit(&self, layer: usize) -> bool {
        self.ledger().visit(layer)
    }

    /// Adds a fact. At most 16 are kept, the rest counted.
    pub fn record(&self, fact: Fact) {
        self.ledger().record(fact);
    }

    /// Returns the facts so far.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        self.ledger().facts().to_vec()
    }

    /// Looks at the facts without copying them.
    pub fn with_facts<T>(&self, look: impl FnOnce(&[Fact]) -> T) -> T {
        look(self.ledger().facts())
    }

    /// Returns how many facts found no room.
    #[must_use]
    pub fn facts_lost(&self) -> u32 {
        self.ledger().lost()
    }

    /// Returns the code of the last refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.ledger().refusal
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
