//! Prosodic words and phrases, and stretches that can be spoken in one piece.

use crate::{
    break_words::{BreakWord, is_break_word},
    english::LETTER,
    syllable::Syllable,
    token::Token,
    word::{Break, Word},
};

/// Syllables of one stretch; the training data has no longer ones.
const STRETCH: usize = 20;

/// Syllables by which the parts of a long clause may differ.
const BALANCE: usize = 3;

/// Syllables after which a phrase is closed before a word that opens a new one.
const PHRASE: usize = 4;

/// Syllables after which a phrase is closed at the next good chance; the training data of the demo voice has phrases of five or six.
const LONG_PHRASE: usize = 5;

/// Syllables after which a phrase is closed at any chance.
const LONGEST_PHRASE: usize = 8;

/// Syllables of a prosodic word that a particle may still lean on.
const LEANING: usize = 6;

/// Words spoken in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // What reads a stretch takes it apart.
pub struct Stretch {
    /// Its words: at most 20 syllables.
    pub words: Vec<Word>,
    /// Whether a sentence ends with it. Otherwise it is a part of one that is too long for one breath.
    pub ends_sentence: bool,
}

/// Joins particles to the words they lean on and letters to each other.
pub(crate) fn join(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::new();
    for token in tokens {
        match joined.last_mut().filter(|last| leans(&token, last)) {
            Some(last) => last.absorb(token),
            None => joined.push(token),
        }
    }
    joined
}

fn leans(token: &Token, on: &Token) -> bool {
    let text: String = token.text.iter().collect();
    let particle = is_break_word(&text, BreakWord::Particle);
    let neutral = token.syllables.iter().all(|syllable| syllable.tone == 5);
    on.after == Break::Word
        && !on.pinned
        && on.tag != LETTER
        && on.syllables.len() < LEANING
        && (particle && (neutral || token.tag == 'f') || text == "于" && on.tag == 'v')
}

/// Divides a clause into prosodic phrases.
pub(crate) fn divide(tokens: &mut [Token]) {
    let mut left: usize = tokens.iter().map(|token| token.syllables.len()).sum();
    let mut since = 0;
    for index in 0..tokens.len() {
        let Some([token, rest @ ..]) = tokens.get_mut(index..) else {
            return;
        };
        since += token.syllables.len();
        left -= token.syllables.len();
        let closes = rest.first().is_some_and(|next| closes(token, next, since));
        if token.after == Break::Word && !token.pinned && closes && left >= 3 {
            token.after = Break::Phrase;
        }
        if token.after >= Break::Phrase {
            since = 0;
        }
    }
}

/// Tells whether a phrase of `since` syllables may end between two words.
fn closes(token: &Token, next: &Token, since: usize) -> bool {
    // Never inside a number or between letters.
    if "mq@".contains(token.tag) && "mq@t".contains(next.tag) {
        return false;
    }
    let text: String = next.text.iter().collect();
    let subject = "nftl".contains(token.tag) && is_break_word(&text, BreakWord::Subject);
    let opens = token.tag != 'm' && is_break_word(&text, BreakWord::Opener) || subject;
    let bound = "mpcdqr".contains(token.tag) || "mquyf".contains(next.tag) || clings(token, next);
    (since >= PHRASE && opens)
        || (since >= LONG_PHRASE && !bound)
        || (since >= LONGEST_PHRASE && !"pm".contains(token.tag))
}

/// Tells whether two words belong together although each could stand alone: a short verb or a modal and what it
/// governs, an attribute and its noun, two nouns that make one.
fn clings(token: &Token, next: &Token) -> bool {
    let text: String = token.text.iter().collect();
    let verb = token.tag == 'v' && token.syllables.len() == 1;
    let modal = is_break_word(&text, BreakWord::Modal);
    let attribute = text.ends_with('的') && next.tag == 'n' && next.syllables.len() <= 2;
    let short = token.syllables.len() <= 2 && next.syllables.len() <= 2;
    let compound =
        next.tag == 'n' && (token.tag == 'n' || token.tag == 'v' && short) && !text.ends_with('的');
    verb || modal || attribute || compound
}

/// Joins clauses into stretches no longer than the voice can speak well.
pub(crate) fn stretches(clauses: Vec<Vec<Word>>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let bounded = |clause: Vec<Word>| clause.into_iter().flat_map(bounded).collect();
    for part in clauses.into_iter().map(bounded).flat_map(parts) {
        let ends_sentence = part
            .last()
            .is_some_and(|word| word.after == Break::Sentence);
        let fits = |stretch: &&mut Stretch| {
            !stretch.ends_sentence && count(&stretch.words) + count(&part) <= STRETCH
        };
        match stretches.last_mut().filter(fits) {
            Some(stretch) => {
                stretch.words.extend(part);
                stretch.ends_sentence = ends_sentence;
            }
            None => stretches.push(Stretch {
                words: part,
                ends_sentence,
            }),
        }
    }
    stretches
}

/// Cuts a word that is too long for any stretch. No word of a language is; a text can be made to hold one.
fn bounded(word: Word) -> Vec<Word> {
    if word.syllables.len() <= STRETCH {
        return vec![word];
    }
    let piece = |syllables: &[Syllable]| Word {
        text: String::new(),
        syllables: syllables.to_vec(),
        after: Break::Word,
    };
    let mut pieces: Vec<Word> = word.syllables.chunks(STRETCH).map(piece).collect();
    if let Some(last) = pieces.last_mut() {
        last.after = word.after;
    }
    if let Some(first) = pieces.first_mut() {
        first.text = word.text;
    }
    pieces
}

/// Cuts a clause that is too long into parts of about equal length, where a phrase ends if there is one.
fn parts(clause: Vec<Word>) -> Vec<Vec<Word>> {
    let total = count(&clause);
    let limit = STRETCH.min(total / total.div_ceil(STRETCH).max(1) + BALANCE);
    let mut parts = Vec::new();
    let mut current: Vec<Word> = Vec::new();
    for word in clause {
        if !current.is_empty() && count(&current) + word.syllables.len() > limit {
            let phrase = current.iter().rposition(|word| word.after >= Break::Phrase);
            let cut = phrase
                .filter(|at| *at * 2 >= current.len())
                .map_or(current.len(), |at| at + 1);
            let rest = current.split_off(cut);
            parts.push(std::mem::replace(&mut current, rest));
        }
        current.push(word);
    }
    parts.push(current);
    parts
}

fn count(words: &[Word]) -> usize {
    words.iter().map(|word| word.syllables.len()).sum()
}
