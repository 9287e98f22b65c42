//! The dictionary of words, and a clause cut by it.

use std::sync::OnceLock;

use jieba_rs::Jieba;

use crate::{lexicon, run::is_latin};

/// A word as the dictionary cuts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) text: &'a str,
    pub(crate) tag: &'a str,
}

impl Cut<'_> {
    /// What stands among the words where markup gave one, or ended a phrase.
    pub(crate) const GIVEN: Self = Self { text: "", tag: "x" };
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
