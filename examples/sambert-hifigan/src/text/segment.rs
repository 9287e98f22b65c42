//! From a clause to words with the tones of the dictionary.

use std::sync::OnceLock;

use jieba_rs::Jieba;

use super::{
    Break, Reading, Script, Syllable, Unspeakable, Word,
    english::{self, Latin},
    letters, lexicon, reading,
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

/// A word as the dictionary cuts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) text: &'a str,
    pub(crate) tag: &'a str,
}

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
    fn without_text(mark: char, syllables: &[Syllable], after: Option<Break>) -> Self {
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
        Self {
            syllables: token.syllables,
            after: token.after,
        }
    }
}

fn jieba() -> &'static Jieba {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    JIEBA.get_or_init(|| {
        let mut jieba = Jieba::new();
        for word in lexicon::own_words().filter(|word| word.chars().count() > 1) {
            if !jieba.has_word(word) {
                jieba.add_word(word, None, None);
            }
        }
        jieba
    })
}

/// Tells whether the dictionary knows a word.
pub(crate) fn is_word(word: &str) -> bool {
    jieba().has_word(word)
}

/// Segments a clause and looks every word's syllables up.
///
/// # Errors
///
/// The first character of a script without Mandarin readings.
pub(crate) fn words_of(
    clause: &str,
    script: &Script,
    latin: Latin,
) -> Result<Vec<Token>, Unspeakable> {
    let unmarked = script.unmark(clause);
    let clause = unmarked.text.as_str();
    let cuts = cut(clause);
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    for (index, cut) in cuts.iter().enumerate() {
        for run in cut.text.chunk_by_kind() {
            let start = at;
            at += run.length();
            match run {
                Run::Chinese(word) => {
                    let whole = word.len() == cut.text.len();
                    let cut = Cut {
                        text: word,
                        tag: if whole { cut.tag } else { "n" },
                    };
                    let mut token = reading::read(cut, &cuts, index)?;
                    unmarked.give(&mut token, start);
                    match tokens.last_mut().filter(|last| {
                        word == "儿" && last.text.last().copied().is_some_and(is_han)
                    }) {
                        Some(colored) => colored.absorb(token),
                        None => tokens.push(token),
                    }
                }
                Run::Letters(word) => tokens.extend(english::read(word, latin)),
                Run::Other(c) => match (script.reading(c), letters::greek(c)) {
                    (Some(Reading::Word { syllables, after }), _) => {
                        tokens.push(Token::without_text(c, syllables, *after));
                    }
                    (Some(Reading::PhraseEnd), _) => {
                        if let Some(last) = tokens.last_mut() {
                            (last.after, last.pinned) = (last.after.max(Break::Phrase), true);
                        }
                    }
                    (_, Some(token)) => tokens.push(token),
                    (None, None) if c.is_alphabetic() => return Err(Unspeakable(c)),
                    (_, None) => {}
                },
            }
        }
    }
    Ok(tokens)
}

/// Cuts a clause into words; Latin ones with their apostrophes.
fn cut(clause: &str) -> Vec<Cut<'_>> {
    let mut cuts = Vec::new();
    let mut rest = clause;
    while !rest.is_empty() {
        let start = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (before, latin) = rest.split_at(start);
        let end = latin.len() - latin.trim_start_matches(is_latin).len();
        let (word, after) = latin.split_at(end);
        // Without guessing at unknown words: a wrong guess takes characters from words that are known.
        let tagged = jieba().tag(before, false).into_iter();
        cuts.extend(tagged.map(|tag| Cut {
            text: tag.word,
            tag: tag.tag,
        }));
        if !word.is_empty() {
            cuts.push(Cut {
                text: word,
                tag: "eng",
            });
        }
        rest = after;
    }
    cuts
}

/// Tells whether a character may be part of a Latin word.
fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '\''
}

/// A stretch of one script.
enum Run<'a> {
    Chinese(&'a str),
    Letters(&'a str),
    Other(char),
}

impl Run<'_> {
    const fn length(&self) -> usize {
        match self {
            Self::Chinese(text) | Self::Letters(text) => text.len(),
            Self::Other(c) => c.len_utf8(),
        }
    }
}

/// Cuts a text where its script changes.
trait ChunkByKind {
    fn chunk_by_kind(&self) -> Vec<Run<'_>>;
}

impl ChunkByKind for str {
    fn chunk_by_kind(&self) -> Vec<Run<'_>> {
        let mut runs = Vec::new();
        let mut rest = self;
        while let Some(first) = rest.chars().next() {
            let end = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
            let (run, length) = if is_han(first) {
                let length = end(is_han);
                (rest.get(..length).map(Run::Chinese), length)
            } else if first.is_ascii_alphabetic() {
                let length = end(is_latin);
                (rest.get(..length).map(Run::Letters), length)
            } else {
                (Some(Run::Other(first)), first.len_utf8())
            };
            runs.extend(run);
            rest = rest.get(length..).unwrap_or_default();
        }
        runs
    }
}

/// Tells whether a character is a Chinese one.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
