//! The mutable part of a context, behind one short lock.

use std::borrow::Cow;

use crate::Fact;

const FACTS: usize = 16;
const UNITS: usize = 4;
const VISITS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    facts: Vec<Fact>,
    lost: u32,
    pub(super) refusal: Option<&'static str>,
    settled: Vec<(&'static str, u64)>,
    visits: [usize; VISITS],
    more_visits: Vec<usize>,
}

impl Ledger {
    pub(super) fn record(&mut self, fact: Fact) {
        if self.facts.len() == FACTS {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        if self.facts.capacity() == 0 {
            // One allocation for nearly every request that has facts at all.
            self.facts.reserve_exact(FACTS / 2);
        }
        self.facts.push(fact);
    }

    pub(super) fn refuse(
        &mut self,
        guard: &'static str,
        code: &'static str,
        reason: Option<Cow<'static, str>>,
    ) {
        self.refusal = Some(code);
        self.record(Fact::Refused { guard, code });
        if let Some(text) = reason {
            self.record(Fact::Reason { guard, text });
        }
    }

    pub(super) fn facts(&self) -> &[Fact] {
        &self.facts
    }

    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

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
            self.lost = self.lost.saturating_add(1);
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
    fn the_seventeenth_fact_is_counted_and_not_kept() {
        let mut ledger = Ledger::default();
        for _ in 0..20 {
            ledger.record(Fact::Refused {
                guard: "g",
                code: "c",
            });
        }
        assert_eq!((ledger.facts().len(), ledger.lost()), (16, 4));
    }

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
