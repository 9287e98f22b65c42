//! Tones in running speech: 一, 不, and third tones.

mod counting;
mod thirds;

use crate::token::Token;

/// Changes the dictionary's tones of one clause into those that are spoken.
pub(crate) fn apply(words: &mut [Token]) {
    counting::one_and_not(words);
    for word in &mut *words {
        thirds::inside(word);
        before_given(word);
    }
    thirds::between(words);
}

/// Gives markup its readings back, and third tones inside a word the change that a given third tone asks for.
fn before_given(word: &mut Token) {
    word.restore();
    for index in (1..word.syllables.len()).rev() {
        let after_given = word.is_given(index) && !word.is_given(index - 1);
        if let Some([here, next]) = word.syllables.get_mut(index - 1..=index)
            && after_given
            && (here.tone, next.tone) == (3, 3)
        {
            here.tone = 2;
        }
    }
}
