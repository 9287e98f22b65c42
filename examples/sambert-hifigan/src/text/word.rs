//! Words with breaks after them, and the units they become.

use std::borrow::Cow;

use super::syllable::Syllable;
use crate::units::Unit;

/// How strongly a word is set off from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Break {
    /// None at all, which only annotated texts ask for.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "annotated texts are read by tests")
    )]
    Joined,
    /// The end of a word.
    Word,
    /// The end of a prosodic phrase: lengthened, no pause.
    Phrase,
    /// A comma: a pause.
    Clause,
    /// The end of a sentence.
    Sentence,
}

/// A spoken word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its characters, as they are spoken; empty where only a reading was given.
    pub(crate) text: String,
    pub(crate) syllables: Vec<Syllable>,
    pub(crate) after: Break,
}

/// A phone with its tone.
pub(crate) type Phone = (Cow<'static, str>, Cow<'static, str>);

impl Break {
    /// Tells whether it is a unit of its own.
    pub(crate) const fn is_spoken(self) -> bool {
        self.symbol().is_some()
    }

    const fn symbol(self) -> Option<&'static str> {
        match self {
            Self::Joined => None,
            Self::Word => Some("#1"),
            Self::Phrase => Some("#2"),
            Self::Clause => Some("#3"),
            Self::Sentence => Some("#4"),
        }
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
    if let Some(symbol) = after.symbol() {
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
