//! What two things are counted in: before a measure two is 两.

use std::{collections::HashMap, sync::OnceLock};

use crate::table::rows;

const MEASURES: &str = include_str!("../../data/measures.tsv");

/// Characters of the longest beginning in the table.
const LONGEST: usize = 2;

/// Tells whether a text begins with a measure.
pub(super) fn is_measure(text: &str) -> bool {
    let beginnings = (1..=LONGEST).rev().map(|length| {
        let end = text.char_indices().nth(length);
        end.map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
    });
    let mut known = beginnings.filter_map(|beginning| measures().get(beginning));
    known.next() == Some(&"两")
}

/// Two before a word, by the beginnings of words.
fn measures() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| {
        rows(MEASURES)
            .map(|[start, two, _, _]| (start, two))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clean::clean, numbers::spell_out, table::lines};

    #[test]
    fn every_row_is_said_as_its_example() {
        for [start, two, example, said] in rows(MEASURES) {
            assert!(matches!(two, "两" | "二"), "{start}");
            assert!(start.chars().count() <= LONGEST, "{start}");
            assert!(example.contains(start) && said.starts_with(two), "{start}");
            assert_eq!(spell_out(&clean(example)), said, "{start}");
        }
        assert_eq!(measures().len(), lines(MEASURES).count());
    }
}
