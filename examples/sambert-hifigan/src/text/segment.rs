//! From a clause to words with the tones of the dictionary.

use std::sync::OnceLock;

use jieba_rs::Jieba;

use super::{
    Break, Reading, Script, Unspeakable,
    english::{self, Latin},
    letters, lexicon, reading,
    run::{ChunkByKind, Run, is_han, is_latin},
    token::Token,
};

/// A word as the dictionary cuts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) text: &'a str,
    pub(crate) tag: &'a str,
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
                    match tokens
                        .last_mut()
                        .filter(|last| word == "儿" && takes_suffix(last))
                    {
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

/// Returns whether a 儿 behind a word is its suffix. A word has one: in 儿儿儿 each is a word of its own.
fn takes_suffix(token: &Token) -> bool {
    token
        .text
        .last()
        .is_some_and(|last| is_han(*last) && *last != '儿')
}

/// Cuts a clause into words; Latin ones with their apostrophes.
pub(crate) fn cut(clause: &str) -> Vec<Cut<'_>> {
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
