//! The mutable part of a context, behind one lock that is held for a moment.
//!
//! The methods of [`SecurityContext`](super::SecurityContext) call it. All parts are bounded; what
//! exceeds a bound is counted as a lost fact.

use super::Observations;

/// The most units that a handler can settle.
const UNITS: usize = 4;
/// The most layers that are remembered without an allocation.
const VISITS: usize = 8;

/// What guards and the handler recorded about one request.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) observations: Observations,
    /// Settled amounts by unit, at most [`UNITS`].
    settled: Vec<(&'static str, u64)>,
    /// Ids of layers that saw the request; 0 is free.
    visits: [usize; VISITS],
    /// Ids beyond the first [`VISITS`].
    more_visits: Vec<usize>,
}

impl Ledger {
    /// Returns true at the first call for a layer. The first eight layers need no allocation.
    pub(super) fn visit(&mut self, layer: usize) -> bool {
        for place in &mut self.visits {
            if *place == layer {
                return false;
            }
            if *place == 0 {
                *place = layer;
                return true;
            }
        }
        let seen = self.more_visits.contains(&layer);
        if !seen {
            self.more_visits.push(layer);
        }
        !seen
    }

    /// Sets the amount of a unit. The last call wins; a fifth unit is counted as lost.
    pub(super) fn settle(&mut self, unit: &'static str, amount: u64) {
        if let Some(place) = self.settled.iter_mut().find(|(known, _)| *known == unit) {
            place.1 = amount;
        } else if self.settled.len() < UNITS {
            self.settled.push((unit, amount));
        } else {
            self.observations.lose_fact();
        }
    }

    /// Returns the amount of a unit.
    pub(super) fn settled(&self, unit: &str) -> Option<u64> {
        let found = self.settled.iter().find(|(known, _)| *known == unit);
        found.map(|(_, amount)| *amount)
    }

    /// Returns all units with their amounts.
    pub(super) fn settlements(&self) -> &[(&'static str, u64)] {
        &self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_visits_once_however_many_there_are() {
        let mut ledger = Ledger::default();
        assert!((1..=20).all(|layer| ledger.visit(layer)));
        assert!(!(1..=20).any(|layer| ledger.visit(layer)));
    }

    #[test]
    fn the_last_settlement_counts() {
        let mut ledger = Ledger::default();
        ledger.settle("seconds", 3);
        ledger.settle("seconds", 5);
        assert_eq!(ledger.settled("seconds"), Some(5));
        assert_eq!(ledger.settled("bytes"), None);
    }
}
