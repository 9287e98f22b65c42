//! From a clause to words with the tones of the dictionary.

use crate::{
    dictionary::{Cut, cut},
    english::{self, Latin, greek},
    marked::{MarkedText, Part, parts_of},
    reading,
    run::{ChunkByKind, Run, is_han},
    symbol::Symbol,
    token::Token,
    word::{Break, Unspeakable},
};

/// Segments a clause and looks every word's syllables up.
///
/// # Errors
///
/// The first character of a script without Mandarin readings.
pub(crate) fn words_of(clause: &[Symbol<'_>], latin: Latin) -> Result<Vec<Token>, Unspeakable> {
    let parts = parts_of(clause);
    let cuts: Vec<Vec<Cut<'_>>> = parts.iter().map(cuts_of).collect();
    let mut segmenter = Segmenter {
        cuts: &cuts.concat(),
        next: 0,
        latin,
        tokens: Vec::new(),
    };
    for (part, cuts) in parts.iter().zip(&cuts) {
        segmenter.read(part, cuts)?;
    }
    Ok(segmenter.tokens)
}

/// Cuts a part into words. What markup gave is one.
fn cuts_of<'a>(part: &'a Part<'_>) -> Vec<Cut<'a>> {
    match part {
        Part::Text(text) => cut(&text.text),
        Part::PhraseEnd | Part::Word(_) => vec![Cut::GIVEN],
    }
}

/// Reads the parts of a clause one after the other.
struct Segmenter<'a> {
    /// All of the clause: a word's reading may depend on what stands around it.
    cuts: &'a [Cut<'a>],
    /// Which of them is read next.
    next: usize,
    latin: Latin,
    tokens: Vec<Token>,
}

impl Segmenter<'_> {
    fn read(&mut self, part: &Part<'_>, cuts: &[Cut<'_>]) -> Result<(), Unspeakable> {
        match part {
            Part::PhraseEnd => {
                if let Some(last) = self.tokens.last_mut() {
                    (last.after, last.pinned) = (last.after.max(Break::Phrase), true);
                }
                self.next += 1;
            }
            Part::Text(text) => self.read_text(text, cuts)?,
            Part::Word(word) => {
                self.tokens.push(Token::given(*word));
                self.next += 1;
            }
        }
        Ok(())
    }

    fn read_text(&mut self, text: &MarkedText<'_>, cuts: &[Cut<'_>]) -> Result<(), Unspeakable> {
        let mut at = 0;
        for cut in cuts {
            for run in cut.text.chunk_by_kind() {
                match run {
                    Run::Chinese(word) => self.read_chinese(word, *cut, text, at)?,
                    Run::Letters(word) => self.tokens.extend(english::read(word, self.latin)),
                    Run::Other(c) => self.read_other(c)?,
                }
                at += run.length();
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Reads a Chinese word, or the Chinese part of a word, that begins at `start` in the text.
    fn read_chinese(
        &mut self,
        word: &str,
        cut: Cut<'_>,
        text: &MarkedText<'_>,
        start: usize,
    ) -> Result<(), Unspeakable> {
        let whole = word.len() == cut.text.len();
        let tag = if whole { cut.tag } else { "n" };
        let mut token = reading::read(Cut { text: word, tag }, self.cuts, self.next)?;
        text.give(&mut token, start);
        let last = self.tokens.last_mut();
        match last.filter(|last| word == "儿" && takes_suffix(last)) {
            Some(colored) => colored.absorb(token),
            None => self.tokens.push(token),
        }
        Ok(())
    }

    /// Reads a character that is neither Chinese nor Latin.
    fn read_other(&mut self, c: char) -> Result<(), Unspeakable> {
        match greek(c) {
            Some(token) => self.tokens.push(token),
            None if c.is_alphabetic() => return Err(Unspeakable(c)),
            None => {}
        }
        Ok(())
    }
}

/// Returns whether a 儿 behind a word is its suffix. A word has one: in 儿儿儿 each is a word of its own.
fn takes_suffix(token: &Token) -> bool {
    token
        .text
        .last()
        .is_some_and(|last| is_han(*last) && *last != '儿')
}
