//! 一 and 不, which change before other tones.

use crate::{syllable::Syllable, table::rows, token::Token};

/// A syllable with its character, and whether it ends a word of several.
#[derive(Clone, Copy)]
struct Spoken {
    /// Its character; none where markup gave syllables alone.
    c: Option<char>,
    tone: u8,
    ends_word: bool,
    /// Whether it is a verb of one character.
    verb: bool,
    /// Whether it begins a verb of three, such as 看不清.
    begins: bool,
}

/// Characters beside which 一 is a digit.
const DIGITS: &str = "零一二三四五六七八九幺";

/// Changes every 一 and 不 of a clause.
pub(super) fn one_and_not(words: &mut [Token]) {
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
            Some('不') => *tone = not(before, next),
            Some('一') => {
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
    let count = word.syllables.len();
    let known = word.text.is_empty() || word.text.len() == count;
    let spoken = |(index, syllable): (usize, &Syllable)| {
        known.then_some(Spoken {
            c: word.text.get(index).copied(),
            tone: syllable.tone,
            ends_word: count > 1 && index + 1 == count,
            verb: word.tag == 'v' && count == 1,
            begins: index == 0 && matches!(word.tag, 'v' | 'a') && count == 3,
        })
    };
    word.syllables.iter().enumerate().map(spoken).collect()
}

const COMPLEMENTS: &str = include_str!("../../data/complements.tsv");

/// Tells whether a syllable's character says what a verb reaches: 看不清, 听不懂.
fn is_complement(spoken: Spoken) -> bool {
    let is_it = |complement: &str| complement.chars().next() == spoken.c;
    rows(COMPLEMENTS).any(|[complement, _]| is_it(complement))
}

impl Spoken {
    /// Tells whether its character is one of a set.
    fn is_among(self, set: &str) -> bool {
        self.c.is_some_and(|c| set.contains(c))
    }

    /// Tells whether another syllable has the same character.
    fn repeats(self, other: Self) -> bool {
        self.c.is_some() && self.c == other.c
    }
}

/// 不 rises before a falling tone, and is neutral between a word and itself and between a verb and its complement.
fn not(before: Option<Spoken>, next: Option<Spoken>) -> u8 {
    match (before, next) {
        (Some(before), Some(next)) if before.repeats(next) => 5,
        (Some(before), Some(next)) if before.begins || before.verb && is_complement(next) => 5,
        (_, Some(next)) if next.tone == 4 => 2,
        _ => 4,
    }
}

/// 一 keeps its tone as a number and an ordinal, rises before a falling tone, and falls before the others.
fn one(here: Spoken, before: Option<Spoken>, [next, second, third]: [Option<Spoken>; 3]) -> u8 {
    let Some(next) = next else { return 1 };
    let among =
        |spoken: Option<Spoken>, set: &str| spoken.is_some_and(|spoken| spoken.is_among(set));
    if before.is_some_and(|before| before.repeats(next)) && !next.is_among("一") {
        // 看一看, but 数一数二.
        return if among(second, DIGITS) { 1 } else { 5 };
    }
    let quarter = among(before, "点") && next.is_among("刻");
    let decimal = next.is_among("点") && among(second, DIGITS) && !among(third, "刻");
    let digit =
        among(before, DIGITS) || among(Some(next), DIGITS) || among(before, "点") || decimal;
    let ordinal = among(before, "第初十百千万亿期周") && !among(before, "千万")
        || among(Some(next), "月号楼班级十");
    let ratio = next.is_among("比") && among(second, DIGITS);
    let term = among(Some(next), "加减乘除等") || among(before, "加减乘") || ratio;
    let date = next.is_among("日") && among(before, "月");
    let grade =
        next.is_among("年") && among(second, "级") || next.is_among("不") && among(second, "二");
    let ends_word = here.ends_word && !among(before, "这那每某同另哪任进");
    if !quarter && (digit || ordinal || term || date || grade || ends_word) {
        return 1;
    }
    // A neutral syllable after 一 is a measure that falls by itself: 一个.
    if next.tone == 4 || (next.tone == 5 && next.is_among("个")) {
        2
    } else {
        4
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{analyze::analyze, english::Latin, script::Script, table::lines, word::pinyin};

    #[test]
    fn every_complement_makes_its_negation_neutral() {
        for [complement, example] in rows(COMPLEMENTS) {
            let stretches = analyze(&Script::plain(example), Latin::Mandarin).unwrap();
            let read = pinyin(&stretches[0].words, " ");
            assert!(example.ends_with(complement), "{complement}");
            assert!(read.contains("bu5"), "{example}: {read}");
        }
        assert_eq!(rows::<2>(COMPLEMENTS).count(), lines(COMPLEMENTS).count());
    }
}
