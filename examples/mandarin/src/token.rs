//! Words on their way to being spoken.

use crate::{
    syllable::Syllable,
    symbol::GivenWord,
    word::{Break, Word},
};

/// A word on its way to being spoken: its characters are still known.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Its characters; none where markup gave a word by its syllables.
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
    pub(crate) fn given(word: GivenWord<'_>) -> Self {
        Self {
            given: word.syllables.iter().cloned().map(Some).collect(),
            after: word.after.unwrap_or(Break::Word),
            pinned: word.after.is_some(),
            ..Self::new(Vec::new(), word.syllables.to_vec(), 'x')
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
        Self {
            text: token.text.iter().collect(),
            syllables: token.syllables,
            after: token.after,
        }
    }
}
