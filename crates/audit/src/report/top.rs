//! Counts by name, in bounded memory, and the largest of them.
//!
//! A client can choose some of these names (a path, an address of a large network). Beyond the bound their sum
//! stays exact, and only the names are lost.

use std::collections::HashMap;

/// The most names that are counted apart.
const MAX_NAMES: usize = 10_000;

/// Counts by name. Names beyond the first 10,000 are counted together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Top {
    /// The count of each name. At most 10,000 names, so that a client cannot fill the memory with
    /// paths.
    counts: HashMap<Box<str>, u64>,
    /// The sum over names that did not fit.
    others: u64,
    /// Of all, how many have no record of their own. Used for refusals.
    pub(super) folded: u64,
}

/// The names with the largest counts, and the sum over all others.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Largest<'a> {
    /// The names with their counts, the largest first.
    pub(super) entries: Vec<(&'a str, u64)>,
    /// The sum over all other names.
    pub(super) others: u64,
}

impl Top {
    /// Adds to the count of a name.
    pub(super) fn add(&mut self, name: &str, count: u64) {
        if let Some(known) = self.counts.get_mut(name) {
            *known = known.saturating_add(count);
        } else if self.counts.len() < MAX_NAMES {
            self.counts.insert(name.into(), count);
        } else {
            self.others = self.others.saturating_add(count);
        }
    }

    /// Returns the largest counts, in falling order, equal ones by name, and the sum over all others.
    pub(super) fn largest(&self, most: usize) -> Largest<'_> {
        let mut entries: Vec<(&str, u64)> = self
            .counts
            .iter()
            .map(|(name, count)| (&**name, *count))
            .collect();
        entries.sort_by(|(name, count), (other_name, other)| {
            other.cmp(count).then_with(|| name.cmp(other_name))
        });
        let rest = entries.iter().skip(most).map(|(_, count)| *count);
        let others = rest.fold(self.others, u64::saturating_add);
        entries.truncate(most);
        Largest { entries, others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_is_summed_up() {
        let mut top = Top::default();
        for (name, count) in [("b", 2), ("a", 2), ("c", 5), ("d", 1), ("a", 1)] {
            top.add(name, count);
        }
        let largest = top.largest(2);
        assert_eq!(largest.entries, [("c", 5), ("a", 3)]);
        assert_eq!(largest.others, 3);
    }

    #[test]
    fn names_without_end_take_no_more_memory() {
        let mut top = Top::default();
        for name in 0..50_000 {
            top.add(&name.to_string(), 1);
        }
        assert_eq!(top.counts.len(), MAX_NAMES);
        assert_eq!(top.largest(1).others, 49_999);
    }
}
