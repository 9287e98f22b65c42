//! The table of words that are not read character by character.

use std::{collections::HashMap, sync::OnceLock};

use crate::table;

const PHRASES: &str = include_str!("../data/phrases.txt");
const WORDS: &str = include_str!("../data/words.txt");

/// Returns the syllables of a word in the table; a character alone has its ordinary reading there.
pub(crate) fn look_up(word: &str) -> Option<&'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE
        .get_or_init(|| entries(PHRASES).chain(entries(WORDS)).collect())
        .get(word)
        .copied()
}

/// Returns the words this library adds to the dictionary's.
pub(crate) fn own_words() -> impl Iterator<Item = &'static str> {
    entries(WORDS).map(|(word, _)| word)
}

fn entries(lines: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table::lines(lines).filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syllable::Syllable;

    #[test]
    fn every_entry_has_a_syllable_for_each_character() {
        for (word, reading) in entries(PHRASES).chain(entries(WORDS)) {
            let syllables: Option<Vec<_>> =
                reading.split_whitespace().map(Syllable::parse).collect();
            let syllables = syllables.unwrap_or_else(|| panic!("{word}: {reading}"));
            assert_eq!(syllables.len(), word.chars().count(), "{word}: {reading}");
        }
    }
}
