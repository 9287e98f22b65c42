//! The mutable part of a context, behind one short lock.

use super::Observations;

const UNITS: usize = 4;
const VISITS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) observations: Observations,
    settled: Vec<(&'static str, u64)>,
    visits: [usize; VISITS],
    more_visits: Vec<usize>,
}

impl Ledger {
    /// Returns true the first time. Eight places without an allocation: no sane stack has more.
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

    pub(super) fn settle(&mut self, unit: &'static str, amount: u64) {
        if let Some(place) = self.settled.iter_mut().find(|(known, _)| *known == unit) {
            place.1 = amount;
        } else if self.settled.len() < UNITS {
            self.settled.push((unit, amount));
        } else {
            self.observations.lose_fact();
        }
    }

    pub(super) fn settled(&self, unit: &str) -> Option<u64> {
        let found = self.settled.iter().find(|(known, _)| *known == unit);
        found.map(|(_, amount)| *amount)
    }

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
