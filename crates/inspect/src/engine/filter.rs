//! One search for the literals of all rules, in place of one run of each pattern.
//!
//! The automaton (Aho-Corasick) reads a text once and gives the rules of which a literal occurs.
//! Only their patterns are run. With hundreds of rules and ordinary text, nearly no pattern is.
//!
//! A rule without literals has no number here and always runs. A cut literal can only give more
//! candidates, never fewer, so no match is lost.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, StartKind};

/// How much of a literal is searched for. More would make the automaton larger and tell little more.
///
/// In bytes.
const LONGEST: usize = 8;

/// The literals of all rules.
///
/// There are two in a set, one for requests and one for responses. The default has no literal and
/// finds no candidate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// `None` only in the default.
    automaton: Option<DFA>,
    /// For each literal, the rules that ask for it: one bit for each rule, `words` words.
    ///
    /// In the order of the numbers of the literals in the automaton.
    masks: Vec<u64>,
    /// How many words of 64 rules one literal has.
    words: usize,
}

/// Collects literals.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    /// In lower case, with the numbers of their rules in rising order.
    literals: std::collections::BTreeMap<Vec<u8>, Vec<u32>>,
    /// The next number.
    count: usize,
}

/// Where a list keeps which rules the literals in a text allow.
///
/// One bit for each rule of the filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Candidates {
    /// It was not searched for.
    #[default]
    Unknown,
    /// No rule.
    None,
    /// The bits start here, in the list that was given to [`Filter::search`].
    At(u32),
}

impl FilterBuilder {
    /// Adds the literals of a rule. Returns the number of the rule in the filter.
    ///
    /// Literals are cut to [`LONGEST`] bytes. Case does not count. Equal literals of several
    /// rules are stored once.
    pub(crate) fn add(&mut self, literals: &[Vec<u8>]) -> usize {
        let number = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.count += 1;
        for literal in literals {
            let start = literal.get(..LONGEST).unwrap_or(literal);
            let rules = self.literals.entry(start.to_ascii_lowercase()).or_default();
            if rules.last() != Some(&number) {
                rules.push(number);
            }
        }
        self.count - 1
    }

    /// Builds the automaton.
    ///
    /// It costs memory in proportion to the sum of the lengths of the literals.
    ///
    /// # Errors
    ///
    /// The reason as text: there are too many literals.
    pub(crate) fn build(self) -> Result<Filter, String> {
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(self.literals.keys())
            .map_err(|error| error.to_string())?;
        let words = self.count.div_ceil(64);
        let mut masks = Vec::with_capacity(words * self.literals.len());
        for rules in self.literals.into_values() {
            let mut mask = vec![0_u64; words];
            for rule in rules {
                let rule = usize::try_from(rule).unwrap_or(usize::MAX);
                if let Some(word) = mask.get_mut(rule / 64) {
                    *word |= 1 << (rule % 64);
                }
            }
            masks.append(&mut mask);
        }
        Ok(Filter {
            automaton: Some(automaton),
            masks,
            words,
        })
    }
}

impl Filter {
    /// Searches a text, and writes the bits of the rules behind `masks`.
    ///
    /// Overlapping hits count: `select` also has `elec`. The time is linear in the text and the
    /// number of hits. Nothing is written for a text without a literal.
    pub(crate) fn search(&self, text: &[u8], masks: &mut Vec<u64>) -> Candidates {
        let mut found = Candidates::None;
        let Some(automaton) = &self.automaton else {
            return found;
        };
        // It was built for this kind of search, so there is a first state.
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            return found;
        };
        let mut last = state;
        for &byte in text {
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) && state != last && automaton.is_match(state) {
                last = state;
                for index in 0..automaton.match_len(state) {
                    let literal = automaton.match_pattern(state, index).as_usize();
                    let at = literal * self.words;
                    let rules = self.masks.get(at..at + self.words).unwrap_or_default();
                    found = self.add(found, rules, masks);
                }
            }
        }
        found
    }

    /// Adds rules by their bits. The first time, a place for them is made behind `masks`.
    pub(crate) fn add(&self, found: Candidates, rules: &[u64], masks: &mut Vec<u64>) -> Candidates {
        let Candidates::At(at) = found else {
            let at = u32::try_from(masks.len()).unwrap_or(u32::MAX);
            masks.extend_from_slice(rules);
            return Candidates::At(at);
        };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        for (own, other) in masks.iter_mut().skip(at).zip(rules) {
            *own |= other;
        }
        found
    }

    /// Copies the bits of some rules behind `masks`, so that others can be added.
    pub(crate) fn copy(&self, found: Candidates, masks: &mut Vec<u64>) -> Candidates {
        let Candidates::At(at) = found else {
            return found;
        };
        let (from, end) = (usize::try_from(at).unwrap_or(usize::MAX), masks.len());
        masks.extend_from_within(from.min(end)..from.saturating_add(self.words).min(end));
        Candidates::At(u32::try_from(end).unwrap_or(u32::MAX))
    }

    /// The bits that were written at a place. Empty: no rule.
    pub(crate) fn rules<'m>(&self, candidates: Candidates, masks: &'m [u64]) -> &'m [u64] {
        let Candidates::At(at) = candidates else {
            return &[];
        };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        masks
            .get(at..at.saturating_add(self.words))
            .unwrap_or_default()
    }
}

/// Whether the rule with this number is among those with these bits.
///
/// False for a number that was never given.
pub(crate) fn has_rule(rules: &[u64], rule: usize) -> bool {
    rules
        .get(rule / 64)
        .is_some_and(|word| word >> (rule % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_literals_that_occur_are_candidates() {
        let mut builder = FilterBuilder::default();
        let first = builder.add(&[b"select".to_vec(), b"sel".to_vec()]);
        let other = builder.add(&[b"script".to_vec()]);
        let filter = builder.build().expect("few literals");
        let mut masks = vec![u64::MAX];
        let found = filter.search(b"SELECT 1", &mut masks);
        let rules = filter.rules(found, &masks);
        assert!(has_rule(rules, first) && !has_rule(rules, other) && !has_rule(rules, 99));
        assert_eq!(filter.search(b"1", &mut masks), Candidates::None);
    }
}
