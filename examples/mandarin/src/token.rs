//! Words on their way to being spoken.

use crate::{
    syllable::Syllable,
    word::{Break, Word},
};

/// A word on its way to being spoken: its characters are still known.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: Vec<char>,
    /// One syllable a character, or several for a letter; aligned with `text` only for Chinese words.
    pub(crate) syllables: Vec<Syllable>,
    /// The syllables that markup gave, each in its place; empty where it gave none.
    pub(crate) given: Vec<Option<Syllable>>,
    pub(crate) tag: Tag,
    pub(crate) after: Break,
    /// Whether markup gave the break after it.
    pub(crate) pinned: bool,
}

/// A part of speech, by the first letter of the dictionary's tag: `v` verb, `n` noun, `a` adjective,
/// `d` adverb, `m` number, `q` measure, `r` pronoun, `p` preposition, `c` conjunction, `u` particle, `f` place.
pub(crate) type Tag = char;

impl Token {
    /// Makes a word with nothing given.
    pub(crate) const fn new(text: Vec<char>, syllables: Vec<Syllable>, tag: Tag) -> Self {
        Self {
            text,
            syllables,
            given: Vec::new(),
            tag,
            after: Break::Word,
            pinned: false,
        }
    }

    /// Makes a word without characters, all of which is given.
    pub(crate) fn without_text(mark: char, syllables: &[Syllable], after: Option<Break>) -> Self {
        Self {
            given: syllables.iter().cloned().map(Some).collect(),
            after: after.unwrap_or(Break::Word),
            pinned: after.is_some(),
            ..Self::new(vec![mark], syllables.to_vec(), 'x')
        }
    }

    /// Tells whether markup gave the syllable at a place.
    pub(crate) fn is_given(&self, index: usize) -> bool {
        self.given.get(index).is_some_and(Option::is_some)
    }

    /// Sets the given syllables again, whatever was made of them.
    pub(crate) fn restore(&mut self) {
        for (syllable, given) in self.syllables.iter_mut().zip(&self.given) {
            if let Some(given) = given {
                syllable.clone_from(given);
            }
        }
    }

    /// Takes in the word that follows.
    pub(crate) fn absorb(&mut self, next: Self) {
        if !(self.given.is_empty() && next.given.is_empty()) {
            self.given.resize(self.syllables.len(), None);
            self.given.extend(next.given);
        }
        self.text.extend(next.text);
        self.syllables.extend(next.syllables);
        self.after = next.after;
        self.pinned = next.pinned;
    }
}

impl From<Token> for Word {
    fn from(token: Token) -> Self {
        // Marks of a script stand for readings that markup gave: characters for private use.
        let is_character = |c: &&char| !matches!(**c, '\u{f0000}'..='\u{ffffd}');
        Self {
            text: token.text.iter().filter(is_character).collect(),
            syllables: token.syllables,
            after: token.after,
        }
    }
}
