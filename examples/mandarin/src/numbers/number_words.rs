//! Words that say how the numbers beside them are read.

use crate::table::rows;

const WORDS: &str = include_str!("../../data/number-words.tsv");

/// Returns a pattern of the words of a kind, the longest first: 会议室 before 室.
pub(super) fn pattern(kind: &str) -> String {
    let of_kind = rows(WORDS).filter(|[_, known, _, _]| *known == kind);
    let mut words: Vec<String> = of_kind.map(|[word, _, _, _]| regex::escape(word)).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clean::clean, numbers::spell_out, table::lines};

    const KINDS: [&str; 10] = [
        "building",
        "score-before",
        "score-behind",
        "day",
        "event",
        "service",
        "room",
        "house",
        "season",
        "plate",
    ];

    #[test]
    fn every_row_is_said_as_its_example() {
        for [word, kind, example, said] in rows(WORDS) {
            assert!(KINDS.contains(&kind), "{word}: {kind}");
            assert!(example.contains(word), "{word}");
            assert_eq!(spell_out(&clean(example)), said, "{word}: {kind}");
        }
        assert_eq!(rows::<4>(WORDS).count(), lines(WORDS).count());
        // Without the word it is a time of day.
        assert_eq!(spell_out("3:10"), "三点十分");
        assert!(pattern("room").starts_with("会议室|"));
    }
}
