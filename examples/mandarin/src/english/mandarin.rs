//! English words in Mandarin syllables, for voices that learned nothing else.
//!
//! This is how the language borrows words itself: each consonant gets a vowel, and each pair of sounds the nearest syllable there is.

use super::{
    sounds::{NO_NASAL, alone, cell, final_of, pair},
    syllables::EnglishSyllable,
};
use crate::syllable::Syllable;

/// Returns the nearest Mandarin syllables: stress is a high or falling tone, what follows it is neutral.
pub(super) fn nearest(syllables: &[EnglishSyllable<'_>]) -> Vec<Syllable> {
    let mut spoken = Vec::new();
    let mut stressed = false;
    for (index, syllable) in syllables.iter().enumerate() {
        let ends = index + 1 == syllables.len();
        let tone = match (syllable.stressed, stressed) {
            (true, _) if ends => 4,
            (false, true) if !syllable.full => 5,
            _ => 1,
        };
        stressed |= syllable.stressed;
        say(syllable, tone, &mut spoken);
    }
    spoken
}

fn say(syllable: &EnglishSyllable<'_>, tone: u8, spoken: &mut Vec<Syllable>) {
    let mut add = |spelling: Option<&str>, tone: u8| {
        spoken.extend(spelling.and_then(|spelling| Syllable::parse(&format!("{spelling}{tone}"))));
    };
    let (mut onset, mut coda) = (syllable.onset.as_slice(), syllable.coda.as_slice());
    let merged = match onset {
        [before @ .., first, second] => {
            let found = pair(first, second, syllable.vowel);
            found.inspect(|_| onset = before)
        }
        _ => None,
    };
    let consonant = match onset {
        [before @ .., last] if merged.is_none() => {
            onset = before;
            *last
        }
        _ => "",
    };
    for consonant in onset {
        add(alone(consonant), 1);
    }
    let nasal = coda.first().copied().unwrap_or_default();
    let closed = final_of(syllable.vowel, nasal, syllable.full).filter(|_| merged.is_none());
    if closed.is_some() {
        coda = coda.get(1..).unwrap_or_default();
    }
    let last = closed.or_else(|| final_of(syllable.vowel, NO_NASAL, syllable.full));
    add(merged.or_else(|| cell(consonant, last?)), tone);
    match syllable.vowel {
        "OY" => add(Some("yi"), 5),
        "ER" if syllable.stressed && nasal != "L" => add(Some("er"), 5),
        _ => {}
    }
    for consonant in coda {
        add(alone(consonant), 5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::english::syllables;

    #[track_caller]
    fn check(phones: &str, pinyin: &str) {
        let spoken = nearest(&syllables::of(phones));
        let shown: Vec<_> = spoken.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), pinyin);
    }

    #[test]
    fn words_sound_as_borrowed_ones() {
        check("HH AH0 L OW1", "he1 lou4");
        check("G UW1 G AH0 L", "gu1 ge5 er5");
        check("AY1 F OW2 N", "ai1 feng1");
        check("K W IH1 K", "kui4 ke5");
        check("S T AA1 R", "si1 ta4 er5");
    }
}
