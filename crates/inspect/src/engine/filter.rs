//! One search for the literals of all rules, in place of one run of each pattern.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// How much of a literal is searched for. More would make the automaton larger and tell little more.
const LONGEST: usize = 8;

/// The literals of all rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    automaton: Option<AhoCorasick>,
    /// For each literal, the rules that ask for it.
    rules: Vec<Vec<u32>>,
    /// How many rules ask for literals.
    count: usize,
}

/// Collects literals.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    literals: std::collections::BTreeMap<Vec<u8>, Vec<u32>>,
    count: usize,
}

/// The rules whose literals occur in a text.
#[derive(Clone, Debug)]
pub(crate) struct Candidates(Vec<u64>);

impl FilterBuilder {
    /// Adds the literals of a rule. Returns the number of the rule in the filter.
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
