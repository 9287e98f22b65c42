//! Letters by their names.

use std::{collections::HashMap, sync::OnceLock};

use super::Latin;
use crate::{syllable::Syllable, table::rows, token::Token};

/// The tag of a letter, which no dictionary uses.
pub(crate) const LETTER: char = '@';

/// Letters of one token: longer runs are split, as a speaker pauses in them.
const TOGETHER: usize = 4;

const NAMES: &str = include_str!("../../data/letters.tsv");

/// How a letter is called.
#[derive(Clone, Copy, Debug)]
struct Name {
    /// In syllables that a Mandarin voice has.
    mandarin: &'static str,
    /// In English phones; a Greek letter has none.
    english: Option<&'static str>,
}

fn name(letter: char) -> Option<Name> {
    static TABLE: OnceLock<HashMap<char, Name>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let row = |[letter, mandarin, english]: [&'static str; 3]| {
            let english = (english != "-").then_some(english);
            Some((letter.chars().next()?, Name { mandarin, english }))
        };
        rows(NAMES).filter_map(row).collect()
    });
    table.get(&letter.to_lowercase().next()?).copied()
}

/// Reads letters one by one.
pub(crate) fn read(letters: &str, latin: Latin) -> Vec<Token> {
    let letters: Vec<char> = letters.chars().filter(char::is_ascii_alphabetic).collect();
    match latin {
        Latin::English => letters
            .chunks(TOGETHER)
            .map(|letters| token(letters.to_vec(), letters.iter().flat_map(english).collect()))
            .collect(),
        Latin::Mandarin => letters
            .iter()
            .filter_map(|letter| Some(spoken(*letter, name(*letter)?.mandarin)))
            .collect(),
    }
}

fn english(letter: &char) -> Vec<Syllable> {
    super::syllables(phones(*letter))
}

fn phones(letter: char) -> &'static str {
    name(letter)
        .and_then(|name| name.english)
        .unwrap_or_default()
}

/// Tells whether phones are the names of a word's letters, however they are stressed.
pub(crate) fn are_names(word: &str, known: &str) -> bool {
    let plain = |phones: &str| phones.replace(|c: char| c.is_ascii_digit(), "");
    let named: Vec<String> = word.chars().map(|letter| plain(phones(letter))).collect();
    named.join(" ") == plain(known)
}

/// Reads a Greek letter by the name it has in formulas.
pub(crate) fn greek(letter: char) -> Option<Token> {
    let name = name(letter).filter(|name| name.english.is_none())?;
    Some(spoken(letter, name.mandarin))
}

fn spoken(letter: char, name: &str) -> Token {
    let syllables = name.split_whitespace().filter_map(Syllable::parse);
    token(vec![letter], syllables.collect())
}

fn token(text: Vec<char>, syllables: Vec<Syllable>) -> Token {
    Token::new(text, syllables, LETTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::lines;

    fn shown(tokens: &[Token]) -> String {
        let syllables = tokens.iter().flat_map(|token| &token.syllables);
        let shown: Vec<_> = syllables.map(ToString::to_string).collect();
        shown.join(" ")
    }

    #[test]
    fn every_letter_is_read_by_its_name() {
        for [letter, mandarin, english] in rows(NAMES) {
            let parsed: Option<Vec<_>> = mandarin.split(' ').map(Syllable::parse).collect();
            assert!(parsed.is_some(), "{letter}");
            let c = letter.chars().next().unwrap_or_default();
            let read = match english {
                "-" => greek(c).into_iter().collect(),
                _ => read(letter, Latin::Mandarin),
            };
            let expected: Vec<_> = mandarin.split(' ').filter_map(Syllable::parse).collect();
            let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(shown(&read), expected.join(" "), "{letter}");
            if english != "-" {
                assert!(are_names(letter, english), "{letter}");
                assert!(!super::super::syllables(english).is_empty(), "{letter}");
            }
        }
        assert_eq!(rows::<3>(NAMES).count(), lines(NAMES).count());
        assert!(('a'..='z').all(|letter| name(letter).is_some()));
    }
}
