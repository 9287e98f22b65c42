//! Third tones before third tones.

use crate::{dictionary::is_word, token::Token};

/// Third tones inside a word, by its structure.
pub(super) fn inside(word: &mut Token) {
    if word.text.len() != word.syllables.len() {
        return;
    }
    let piece = |range: std::ops::Range<usize>| {
        word.text
            .get(range)
            .map(|chars| chars.iter().collect::<String>())
    };
    let known = |range| piece(range).is_some_and(|piece| is_word(&piece));
    // 小老虎 is one and two, 展览馆 two and one.
    let one_and_two = word.text.len() == 3 && known(1..3) && !known(0..2);
    let mut tones: Vec<&mut u8> = word
        .syllables
        .iter_mut()
        .map(|syllable| &mut syllable.tone)
        .collect();
    match tones.as_mut_slice() {
        [a, b, c] if (**a, **b, **c) == (3, 3, 3) => {
            **b = 2;
            **a = if one_and_two { 3 } else { 2 };
        }
        tones => {
            // Longer words are pairs: the second of each pair is left alone, and then the seams.
            for pair in tones.chunks_mut(2) {
                raise(pair);
            }
            if let Some(shifted) = tones.get_mut(1..) {
                for pair in shifted.chunks_mut(2) {
                    raise(pair);
                }
            }
        }
    }
}

fn raise(pair: &mut [&mut u8]) {
    if let [first, second] = pair
        && (**first, **second) == (3, 3)
    {
        **first = 2;
    }
}

/// Third tones where words meet, from the end of the clause on: 我很好 stays 3 2 3.
pub(super) fn between(words: &mut [Token]) {
    bind(words);
    let mut next = None;
    for word in words.iter_mut().rev() {
        let given = word.is_given(word.syllables.len().saturating_sub(1));
        if let Some(last) = word.syllables.last_mut()
            && !given
            && (last.tone, next) == (3, Some(3))
        {
            last.tone = 2;
        }
        next = word.syllables.first().map(|syllable| syllable.tone);
    }
}

/// Raises a verb or a preposition before its pronoun, which are as close as one word: 请你, 给我.
fn bind(words: &mut [Token]) {
    for at in 1..words.len() {
        let Some([verb, pronoun]) = words.get_mut(at - 1..=at) else {
            return;
        };
        let close =
            matches!(verb.tag, 'v' | 'p') && matches!(pronoun.text.as_slice(), ['我' | '你']);
        let given = verb.is_given(0);
        if let ([first], [second]) = (verb.syllables.as_mut_slice(), pronoun.syllables.as_slice())
            && close
            && !given
            && (first.tone, second.tone) == (3, 3)
        {
            first.tone = 2;
        }
    }
}
