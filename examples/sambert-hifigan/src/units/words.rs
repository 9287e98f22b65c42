//! From words to units.

use std::borrow::Cow;

use mandarin::{Break, Syllable, Word};

use super::Unit;

/// A phone with its tone.
pub(crate) type Phone = (Cow<'static, str>, Cow<'static, str>);

/// Tells whether a break is a unit of its own.
pub(crate) const fn is_spoken(after: Break) -> bool {
    symbol(after).is_some()
}

const fn symbol(after: Break) -> Option<&'static str> {
    match after {
        Break::Joined => None,
        Break::Word => Some("#1"),
        Break::Phrase => Some("#2"),
        Break::Clause => Some("#3"),
        Break::Sentence => Some("#4"),
    }
}

/// Turns words into units for one emotion and speaker; the last word ends the sentence.
///
/// # Errors
///
/// The first syllable that is none.
pub(crate) fn units_of(
    words: &[Word],
    emotion: &'static str,
    speaker: &str,
) -> Result<Vec<Unit>, String> {
    let mut units = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let after = if index + 1 == words.len() {
            Break::Sentence
        } else {
            word.after
        };
        let phones = |syllable: &Syllable| -> Result<Vec<Phone>, String> {
            let tone = format!("tone{}", syllable.tone);
            let phones = syllable.phones().ok_or_else(|| syllable.to_string())?;
            Ok(phones
                .into_iter()
                .map(|phone| (phone.into(), tone.clone().into()))
                .collect())
        };
        let syllables = word
            .syllables
            .iter()
            .map(phones)
            .collect::<Result<Vec<_>, _>>()?;
        push_word(&mut units, &syllables, after, emotion, speaker);
    }
    Ok(units)
}

/// Appends one word, syllable by syllable, and the break after it.
pub(crate) fn push_word(
    units: &mut Vec<Unit>,
    syllables: &[Vec<Phone>],
    after: Break,
    emotion: &'static str,
    speaker: &str,
) {
    let total: usize = syllables.iter().map(Vec::len).sum();
    let last = syllables.len().saturating_sub(1);
    for (place, syllable) in syllables.iter().enumerate() {
        for (index, (phone, tone)) in syllable.iter().enumerate() {
            let flag = match (index, syllable.len()) {
                (_, 1) => "s_both",
                (0, _) => "s_begin",
                (index, count) if index + 1 == count => "s_end",
                _ => "s_middle",
            };
            let begins = place == 0 && matches!(flag, "s_begin" | "s_both");
            let ends = place == last && matches!(flag, "s_end" | "s_both");
            let segment = match (total, begins, ends) {
                (1, ..) => "word_both",
                (_, true, _) => "word_begin",
                (_, _, true) => "word_end",
                _ => "word_middle",
            };
            units.push(Unit {
                phone: phone.clone(),
                tone: tone.clone(),
                flag: flag.into(),
                segment: segment.into(),
                emotion: emotion.into(),
                speaker: speaker.to_owned().into(),
            });
        }
    }
    if let Some(symbol) = symbol(after) {
        units.push(Unit {
            phone: symbol.into(),
            tone: "tone_none".into(),
            flag: "s_none".into(),
            segment: "word_none".into(),
            emotion: emotion.into(),
            speaker: speaker.to_owned().into(),
        });
    }
}
