//! What a text consists of before it is words: characters, and readings that markup gave.
//!
//! Rules rewrite text (numbers become words), so a reading cannot be kept by its place. It stays with its character.

use crate::{syllable::Syllable, word::Break};

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol<'a> {
    /// A character, and how it is read.
    Character(char, Given<'a>),
    /// The end of a phrase.
    PhraseEnd,
    /// A word without characters.
    Word(GivenWord<'a>),
}

/// How a character is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given<'a> {
    /// As tables and rules say.
    Usual,
    /// Not at all: a 儿 that only colors the syllable before it.
    Silent,
    /// As this syllable.
    Syllable(&'a Syllable),
}

/// A word that markup gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GivenWord<'a> {
    pub(crate) syllables: &'a [Syllable],
    /// How strongly it ends. None: as the text around it says.
    pub(crate) after: Option<Break>,
}

impl<'a> Symbol<'a> {
    /// Makes a character that is read as usual.
    pub(crate) const fn usual(c: char) -> Self {
        Self::Character(c, Given::Usual)
    }

    /// Returns the character, if it is one.
    pub(crate) const fn character(&self) -> Option<char> {
        match self {
            Self::Character(c, _) => Some(*c),
            Self::PhraseEnd | Self::Word(_) => None,
        }
    }

    /// Tells whether it is a character that is read as usual.
    pub(crate) const fn is_usual(&self) -> bool {
        matches!(self, Self::Character(_, Given::Usual))
    }

    /// Tells whether it is a blank, without a sound and without a reading.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Character(c, Given::Usual) if c.is_whitespace())
    }

    /// Gives a character its reading. The first one given stays; what is no character takes none.
    pub(crate) fn give(&mut self, reading: Given<'a>) {
        if let Self::Character(_, given @ Given::Usual) = self {
            *given = reading;
        }
    }
}

/// Returns the characters among symbols as text.
pub(crate) fn text_of(symbols: &[Symbol<'_>]) -> String {
    symbols.iter().filter_map(Symbol::character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reading_given_stays() {
        let (first, second) = (Syllable::parse("hao3"), Syllable::parse("hao4"));
        let (first, second) = (first.unwrap(), second.unwrap());
        let mut symbol = Symbol::usual('好');
        symbol.give(Given::Syllable(&first));
        symbol.give(Given::Syllable(&second));
        assert_eq!(symbol, Symbol::Character('好', Given::Syllable(&first)));
    }
}
