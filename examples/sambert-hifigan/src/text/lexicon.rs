//! The table of words that are not read character by character.

use std::{collections::HashMap, sync::OnceLock};

/// Returns the syllables of a word in the table.
pub(crate) fn look_up(word: &str) -> Option<&'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let lines = include_str!("../../data/phrases.txt").lines().chain(include_str!("../../data/words.txt").lines());
        lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect()
    });
    table.get(word).copied()
}
