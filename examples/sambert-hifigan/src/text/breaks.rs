//! Prosodic phrases, and stretches that can be spoken in one piece.

use super::{Break, Word, segment::Token};

/// Syllables of one stretch; the voice heard no longer ones in training.
const STRETCH: usize = 20;

/// Words spoken in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) words: Vec<Word>,
    pub(crate) ends_sentence: bool,
}

/// Divides a clause into prosodic phrases.
pub(crate) fn divide(_words: &mut [Token]) {}

/// Joins clauses into stretches no longer than the voice can speak well.
pub(crate) fn stretches(clauses: Vec<Vec<Word>>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for clause in clauses {
        for part in parts(clause) {
            let ends_sentence = part.last().is_some_and(|word| word.after == Break::Sentence);
            let fits = |stretch: &&mut Stretch| !stretch.ends_sentence && count(&stretch.words) + count(&part) <= STRETCH;
            match stretches.last_mut().filter(fits) {
                Some(stretch) => {
                    stretch.words.extend(part);
                    stretch.ends_sentence = ends_sentence;
                }
                None => stretches.push(Stretch { words: part, ends_sentence }),
            }
        }
    }
    stretches
}

/// Cuts a clause that is too long between words, where a phrase ends if there is one.
fn parts(mut clause: Vec<Word>) -> Vec<Vec<Word>> {
    let mut parts = Vec::new();
    while count(&clause) > STRETCH {
        let mut sum = 0;
        let fitting = clause.iter().take_while(|word| {
            sum += word.syllables.len();
            sum <= STRETCH
        });
        let fitting = fitting.count().max(1);
        let phrase = clause.iter().take(fitting).rposition(|word| word.after >= Break::Phrase);
        let cut = phrase.filter(|at| *at * 2 >= fitting).map_or(fitting, |at| at + 1);
        if cut >= clause.len() {
            break;
        }
        let rest = clause.split_off(cut);
        parts.push(std::mem::replace(&mut clause, rest));
    }
    parts.push(clause);
    parts
}

fn count(words: &[Word]) -> usize {
    words.iter().map(|word| word.syllables.len()).sum()
}
