//! The Mandarin syllables nearest to English sounds.

use std::{collections::HashMap, sync::OnceLock};

use crate::table::{lines, rows};

const SOUNDS: &str = include_str!("../../data/arpabet.tsv");
const FINALS: &str = include_str!("../../data/arpabet-finals.tsv");
const PAIRS: &str = include_str!("../../data/arpabet-pairs.tsv");

/// The table of sounds.
#[derive(Debug, Default)]
struct Sounds {
    finals: Vec<&'static str>,
    consonants: HashMap<&'static str, Consonant>,
}

/// What a consonant becomes.
#[derive(Debug)]
struct Consonant {
    alone: Option<&'static str>,
    /// With each final, in the order of the finals.
    with: Vec<Option<&'static str>>,
}

fn sounds() -> &'static Sounds {
    static TABLE: OnceLock<Sounds> = OnceLock::new();
    TABLE.get_or_init(|| {
        let cell = |cell: &'static str| (cell != "-").then_some(cell);
        let mut sounds = Sounds::default();
        for line in lines(SOUNDS) {
            let mut columns = line.split('\t');
            let (Some(name), Some(alone)) = (columns.next(), columns.next()) else {
                continue;
            };
            if name == "consonant" {
                sounds.finals = columns.collect();
                continue;
            }
            let consonant = Consonant {
                alone: cell(alone),
                with: columns.map(cell).collect(),
            };
            sounds
                .consonants
                .insert(cell(name).unwrap_or_default(), consonant);
        }
        sounds
    })
}

/// Returns the syllable of two consonants and a vowel, if Mandarin says them in one.
pub(super) fn pair(first: &str, second: &str, vowel: &str) -> Option<&'static str> {
    let mut pairs = rows(PAIRS);
    let is_it = |sounds: &str| sounds.split('-').eq([first, second, vowel]);
    let [_, syllable] = pairs.find(|[sounds, _]| is_it(sounds))?;
    Some(syllable)
}

/// What stands in the table for a vowel without a nasal behind it.
pub(super) const NO_NASAL: &str = "-";

/// Returns the final nearest to a vowel with a nasal behind it, if there is one. A full vowel has a stress.
pub(super) fn final_of(vowel: &str, nasal: &str, full: bool) -> Option<&'static str> {
    let fits = |kind: &str| matches!((kind, full), ("any", _) | ("full", true) | ("weak", false));
    let mut finals = rows(FINALS);
    finals.find_map(|[of, with, kind, last, _, _]| {
        ((of, with) == (vowel, nasal) && fits(kind)).then_some(last)
    })
}

/// Returns the syllable of a consonant and a final.
pub(super) fn cell(consonant: &str, last: &str) -> Option<&'static str> {
    let sounds = sounds();
    let column = sounds.finals.iter().position(|known| *known == last)?;
    *sounds.consonants.get(consonant)?.with.get(column)?
}

/// Returns the syllable of a consonant without a vowel.
pub(super) fn alone(consonant: &str) -> Option<&'static str> {
    sounds().consonants.get(consonant)?.alone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        english::{mandarin::nearest, syllables},
        syllable::Syllable,
    };

    #[track_caller]
    fn check(spelling: &str) {
        let syllable = Syllable::parse(&format!("{spelling}1"));
        assert!(syllable.is_some(), "{spelling}");
    }

    #[test]
    fn every_cell_is_a_syllable() {
        let sounds = sounds();
        assert_eq!(sounds.finals.len(), 14);
        assert_eq!(sounds.consonants.len() + 1, lines(SOUNDS).count());
        for (name, consonant) in &sounds.consonants {
            assert_eq!(consonant.with.len(), sounds.finals.len(), "{name}");
            consonant.with.iter().flatten().for_each(|cell| check(cell));
            consonant.alone.iter().for_each(|alone| check(alone));
            // Every consonant is said in some way.
            assert!(name.is_empty() || consonant.alone.is_some(), "{name}");
        }
    }

    #[test]
    fn every_final_is_said_as_its_example() {
        for [vowel, nasal, kind, last, example, said] in rows(FINALS) {
            assert!(matches!(kind, "any" | "full" | "weak"), "{vowel} {nasal}");
            assert_eq!(final_of(vowel, nasal, kind != "weak"), Some(last));
            let spoken = nearest(&syllables::of(example));
            let shown: Vec<_> = spoken.iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), said, "{example}");
        }
        assert_eq!(rows::<6>(FINALS).count(), lines(FINALS).count());
    }

    #[test]
    fn every_pair_is_a_syllable() {
        for [sounds, syllable] in rows(PAIRS) {
            check(syllable);
            let [first, second, vowel] = sounds.split('-').collect::<Vec<_>>()[..] else {
                panic!("{sounds}");
            };
            assert_eq!(pair(first, second, vowel), Some(syllable), "{sounds}");
        }
        assert_eq!(rows::<2>(PAIRS).count(), lines(PAIRS).count());
    }
}
