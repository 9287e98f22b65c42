//! Words that decide where words and phrases end.

use std::{collections::HashMap, sync::OnceLock};

use crate::table::rows;

const WORDS: &str = include_str!("../data/break-words.tsv");

/// What a word decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BreakWord {
    /// Wants a verb behind it.
    Modal,
    /// Opens a phrase.
    Opener,
    /// Leans on the word before it.
    Particle,
    /// Is a subject where it follows a noun.
    Subject,
}

impl BreakWord {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "modal" => Self::Modal,
            "opener" => Self::Opener,
            "particle" => Self::Particle,
            "subject" => Self::Subject,
            _ => return None,
        })
    }
}

/// Tells whether a word is of a kind. A word may be of several.
pub(crate) fn is_break_word(word: &str, kind: BreakWord) -> bool {
    static TABLE: OnceLock<HashMap<&'static str, Vec<BreakWord>>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table: HashMap<&'static str, Vec<BreakWord>> = HashMap::new();
        for [word, kind, _] in rows(WORDS) {
            table
                .entry(word)
                .or_default()
                .extend(BreakWord::named(kind));
        }
        table
    });
    table.get(word).is_some_and(|kinds| kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        analyze::analyze,
        english::Latin,
        script::Script,
        table::lines,
        word::{Break, Word},
    };

    /// Reads an example; returns its words, and how many characters stand before and up to the end of the word in brackets.
    fn read(example: &str) -> (Vec<Word>, usize, usize) {
        let (before, rest) = example.split_once('[').unwrap();
        let (word, after) = rest.split_once(']').unwrap();
        let sentence = format!("{before}{word}{after}");
        let stretches = analyze(&Script::plain(&sentence), Latin::Mandarin).unwrap();
        let words = stretches.into_iter().flat_map(|stretch| stretch.words);
        let start = before.chars().count();
        (words.collect(), start, start + word.chars().count())
    }

    /// Returns the break behind so many characters: none inside a word.
    fn break_at(words: &[Word], place: usize) -> Option<Break> {
        let mut at = 0;
        let found = words.iter().find(|word| {
            at += word.text.chars().count();
            at == place
        });
        found.map(|word| word.after)
    }

    #[test]
    fn every_row_decides_its_example() {
        let mut wrong = Vec::new();
        for [word, kind, example] in rows(WORDS) {
            let (words, start, end) = read(example);
            let (before, behind) = (break_at(&words, start), break_at(&words, end));
            let holds = match BreakWord::named(kind).unwrap() {
                BreakWord::Particle => before.is_none(),
                BreakWord::Opener | BreakWord::Subject => before == Some(Break::Phrase),
                BreakWord::Modal => behind != Some(Break::Phrase),
            };
            if !holds {
                wrong.push(format!("{word} ({kind}) in {example}: {words:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(rows::<3>(WORDS).count(), lines(WORDS).count());
    }
}
