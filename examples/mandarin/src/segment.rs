//! From a clause to words with the tones of the dictionary.

use crate::{
    dictionary::{Cut, cut},
    english::{self, Latin, greek},
    reading,
    run::{ChunkByKind, Run, is_han},
    script::{Reading, Script},
    token::Token,
    word::{Break, Unspeakable},
};

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
                Run::Other(c) => match (script.reading(c), greek(c)) {
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
