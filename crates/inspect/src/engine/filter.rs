//! One search for the literals of all rules, in place of one run of each pattern.
//!
//! The automaton (Aho-Corasick) reads a text once and gives the rules of which a literal occurs.
//! Only their patterns are run. With hundreds of rules and ordinary text, nearly no pattern is.
//!
//! A rule without literals has no number here and always runs. A cut literal can only give more
//! candidates, never fewer, so no match is lost.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
    automaton: Option<AhoCorasick>,
    /// For each literal, the rules that ask for it.
    ///
    /// By the number of the literal in the automaton.
    rules: Vec<Vec<u32>>,
    /// How many rules ask for literals.
    ///
    /// Candidates have one bit for each.
    count: usize,
}

/// Collects literals.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    /// In lower case, with the numbers of their rules in rising order.
    literals: std::collections::BTreeMap<Vec<u8>, Vec<u32>>,
    /// The next number.
    count: usize,
}

/// The rules whose literals occur in a text.
///
/// One bit for each rule of the filter.
#[derive(Clone, Debug)]
pub(crate) struct Candidates(Vec<u64>);

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
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(self.literals.keys())
            .map_err(|error| error.to_string())?;
        Ok(Filter {
            automaton: Some(automaton),
            rules: self.literals.into_values().collect(),
            count: self.count,
        })
    }
}

impl Filter {
    /// Searches a text.
    ///
    /// Overlapping hits count: `select` also has `elec`. The time is linear in the text and the
    /// number of hits.
    pub(crate) fn search(&self, text: &[u8]) -> Candidates {
        let mut found = vec![0_u64; self.count.div_ceil(64)];
        let automaton = self.automaton.iter();
        for hit in automaton.flat_map(|automaton| automaton.find_overlapping_iter(text)) {
            for &rule in self
                .rules
                .get(hit.pattern().as_usize())
                .into_iter()
                .flatten()
            {
                let rule = usize::try_from(rule).unwrap_or(usize::MAX);
                if let Some(word) = found.get_mut(rule / 64) {
                    *word |= 1 << (rule % 64);
                }
            }
        }
        Candidates(found)
    }
}

impl Candidates {
    /// Whether the rule with this number is among them.
    ///
    /// False for a number that was never given.
    pub(crate) fn has(&self, rule: usize) -> bool {
        self.0
            .get(rule / 64)
            .is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }
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
        let candidates = filter.search(b"SELECT 1");
        assert!(candidates.has(first) && !candidates.has(other) && !candidates.has(99));
    }
}
