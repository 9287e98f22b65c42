//! Tones in running speech: 一, 不, and third tones.

use super::segment::{Token, is_word};

/// Changes the dictionary's tones of one clause into those that are spoken.
pub(crate) fn apply(words: &mut [Token]) {
    one_and_not(words);
    for word in &mut *words {
        inside(word);
        before_given(word);
    }
    between(words);
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

/// A character with the tone it is spoken in, and whether it ends a word of several.
#[derive(Clone, Copy)]
struct Spoken {
    c: char,
    tone: u8,
    ends_word: bool,
    /// Whether it is a verb of one character.
    verb: bool,
    /// Whether it begins a verb of three, such as 看不清.
    begins: bool,
}

/// Characters beside which 一 is a digit.
const DIGITS: &str = "零一二三四五六七八九幺";

fn one_and_not(words: &mut [Token]) {
    let spoken: Vec<Option<Spoken>> = words.iter().flat_map(spoken_of).collect();
    let at = |index: Option<usize>| index.and_then(|index| spoken.get(index).copied().flatten());
    let tones = words
        .iter_mut()
        .flat_map(|word| &mut word.syllables)
        .map(|syllable| &mut syllable.tone);
    for (index, tone) in tones.enumerate() {
        let Some(here) = at(Some(index)).filter(|here| here.tone != 5) else {
            continue;
        };
        let (before, next) = (at(index.checked_sub(1)), at(Some(index + 1)));
        match here.c {
            '不' => *tone = not(before, next),
            '一' => {
                *tone = one(
                    here,
                    before,
                    [next, at(Some(index + 2)), at(Some(index + 3))],
                )
            }
            _ => {}
        }
    }
}

fn spoken_of(word: &Token) -> Vec<Option<Spoken>> {
    let aligned = word.text.len() == word.syllables.len();
    let count = word.syllables.len();
    let spoken = |(index, syllable): (usize, &super::Syllable)| {
        let c = *word.text.get(index)?;
        aligned.then_some(Spoken {
            c,
            tone: syllable.tone,
            ends_word: count > 1 && index + 1 == count,
            verb: word.tag == 'v' && count == 1,
            begins: index == 0 && matches!(word.tag, 'v' | 'a') && count == 3,
        })
    };
    word.syllables.iter().enumerate().map(spoken).collect()
}

/// Complements, which say what cannot be reached: 看不清, 听不懂.
const COMPLEMENTS: &str = "清见懂到起了着完动惯够透准满饱出进开过来去上下及得";

/// 不 rises before a falling tone, and is neutral between a word and itself and between a verb and its complement.
fn not(before: Option<Spoken>, next: Option<Spoken>) -> u8 {
    match (before, next) {
        (Some(before), Some(next)) if before.c == next.c => 5,
        (Some(before), Some(next))
            if before.begins || before.verb && COMPLEMENTS.contains(next.c) =>
        {
            5
        }
        (_, Some(next)) if next.tone == 4 => 2,
        _ => 4,
    }
}

/// 一 keeps its tone as a number and an ordinal, rises before a falling tone, and falls before the others.
fn one(here: Spoken, before: Option<Spoken>, [next, second, third]: [Option<Spoken>; 3]) -> u8 {
    let Some(next) = next else { return 1 };
    let among =
        |spoken: Option<Spoken>, set: &str| spoken.is_some_and(|spoken| set.contains(spoken.c));
    if before.is_some_and(|before| before.c == next.c) && next.c != '一' {
        return 5;
    }
    let quarter = among(before, "点") && next.c == '刻';
    let decimal = next.c == '点' && among(second, DIGITS) && !among(third, "刻");
    let digit =
        among(before, DIGITS) || among(Some(next), DIGITS) || among(before, "点") || decimal;
    let ordinal = among(before, "第初十百千万亿期周") && !among(before, "千万")
        || among(Some(next), "月号楼班级十");
    let ratio = next.c == '比' && among(second, DIGITS);
    let term = among(Some(next), "加减乘除等") || among(before, "加减乘") || ratio;
    let date = next.c == '日' && among(before, "月");
    let grade = next.c == '年' && among(second, "级") || next.c == '不' && among(second, "二");
    let ends_word = here.ends_word && !among(before, "这那每某同另哪任进");
    if !quarter && (digit || ordinal || term || date || grade || ends_word) {
        return 1;
    }
    // A neutral syllable after 一 is a measure that falls by itself: 一个.
    if next.tone == 4 || (next.tone == 5 && next.c == '个') {
        2
    } else {
        4
    }
}

/// Third tones inside a word, by its structure.
fn inside(word: &mut Token) {
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
fn between(words: &mut [Token]) {
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
        if let ([first], [second]) = (verb.syllables.as_mut_slice(), pronoun.syllables.as_slice())
            && close
            && (first.tone, second.tone) == (3, 3)
        {
            first.tone = 2;
        }
    }
}
