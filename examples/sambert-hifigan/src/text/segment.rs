//! From a clause to words with the tones of the dictionary.

use std::sync::OnceLock;

use jieba_rs::Jieba;

use super::{Break, Syllable, Unspeakable, Word, letters, reading};

/// A word on its way to being spoken: its characters are still known.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: Vec<char>,
    /// One syllable a character, or several for a letter; aligned with `text` only for Chinese words.
    pub(crate) syllables: Vec<Syllable>,
    /// The part of speech, by the dictionary's letters.
    pub(crate) tag: String,
    pub(crate) after: Break,
}

impl From<Token> for Word {
    fn from(token: Token) -> Self {
        Self { syllables: token.syllables, after: token.after }
    }
}

fn jieba() -> &'static Jieba {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    JIEBA.get_or_init(Jieba::new)
}

/// Segments a clause and looks every word's syllables up.
pub(crate) fn words_of(clause: &str) -> Result<Vec<Token>, Unspeakable> {
    let mut tokens: Vec<Token> = Vec::new();
    for tag in jieba().tag(clause, true) {
        let word = tag.word;
        if let Some(c) = word.chars().find(|c| c.is_alphabetic() && !is_han(*c) && !c.is_ascii()) {
            return Err(Unspeakable(c));
        }
        if word.chars().all(is_han) {
            tokens.push(reading::read(word, tag.tag, &tokens)?);
        } else {
            for letter in word.chars().filter(char::is_ascii_alphabetic) {
                tokens.push(letters::read(letter));
            }
        }
    }
    Ok(tokens)
}

/// Tells whether a character is a Chinese one.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
