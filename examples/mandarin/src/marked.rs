//! A clause in parts that words do not cross: text with the readings given for its characters, and given words.

use crate::{
    symbol::{Given, GivenWord, Symbol},
    token::Token,
};

/// A part of a clause.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    PhraseEnd,
    Text(MarkedText<'a>),
    Word(GivenWord<'a>),
}

/// Text, and how some of its characters are read.
#[derive(Debug, Default)]
pub(crate) struct MarkedText<'a> {
    pub(crate) text: String,
    /// Where a character begins in the text, and how it is read; in order, without those that are read as usual.
    given: Vec<(usize, Given<'a>)>,
}

/// Parts a clause at the words that markup gave and where it ended a phrase.
pub(crate) fn parts_of<'a>(clause: &[Symbol<'a>]) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for symbol in clause {
        match (*symbol, parts.last_mut()) {
            (Symbol::Character(c, given), Some(Part::Text(text))) => text.push(c, given),
            (Symbol::Character(c, given), _) => {
                let mut text = MarkedText::default();
                text.push(c, given);
                parts.push(Part::Text(text));
            }
            (Symbol::PhraseEnd, _) => parts.push(Part::PhraseEnd),
            (Symbol::Word(word), _) => parts.push(Part::Word(word)),
        }
    }
    parts
}

impl<'a> MarkedText<'a> {
    fn push(&mut self, c: char, given: Given<'a>) {
        if given != Given::Usual {
            self.given.push((self.text.len(), given));
        }
        self.text.push(c);
    }

    /// Gives the characters of a word that begins at `start` the readings that markup gave them.
    pub(crate) fn give(&self, token: &mut Token, start: usize) {
        if self.given.is_empty() || token.text.len() != token.syllables.len() {
            return;
        }
        let readings = self.readings(&token.text, start);
        token.given = vec![None; token.text.len()];
        // From the last on, since a silent 儿 has no syllable that could keep its place.
        for (index, given) in readings.into_iter().enumerate().rev() {
            match given {
                Given::Silent => {
                    token.syllables.remove(index);
                    token.given.remove(index);
                }
                Given::Syllable(syllable) => {
                    if let Some(place) = token.given.get_mut(index) {
                        *place = Some(syllable.clone());
                    }
                }
                Given::Usual => {}
            }
        }
        token.restore();
    }

    /// Returns how each character of a word that begins at `start` is read.
    fn readings(&self, word: &[char], start: usize) -> Vec<Given<'a>> {
        let mut at = start;
        let reading = |c: &char| {
            let found = self.given.binary_search_by_key(&at, |(place, _)| *place);
            at += c.len_utf8();
            let (_, given) = self.given.get(found.ok()?)?;
            Some(*given)
        };
        let readings = word.iter().map(reading);
        readings
            .map(|given| given.unwrap_or(Given::Usual))
            .collect()
    }
}
