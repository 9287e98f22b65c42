//! Sentences for voices that were trained on bytes: they read the text as it is.

use super::{Passage, Sentence, TextError, sentence::Content};
use crate::{Voice, units::Unit};

/// Cuts a text into its sentences.
pub(super) fn sentences(
    voice: &Voice,
    text: &str,
    passage: &Passage,
) -> Result<Vec<Sentence>, TextError> {
    let unit = Unit {
        phone: "#4".into(),
        tone: "tone_none".into(),
        flag: "s_none".into(),
        segment: "word_none".into(),
        emotion: passage.emotion.symbol().into(),
        speaker: voice.speaker().to_owned().into(),
    };
    voice
        .model
        .tables
        .encode(std::slice::from_ref(&unit))
        .map_err(|unit| TextError::Unspeakable { unit })?;
    let sentence = |text: &str| {
        let mut bytes: Vec<u32> = text.bytes().map(u32::from).collect();
        // The model was trained on sentences that end.
        if !text.ends_with(['!', '.', '?']) {
            bytes.push(u32::from(b'.'));
        }
        let unit = Box::new(unit.clone());
        Sentence::new(Vec::new(), Content::Bytes { bytes, unit }, passage)
    };
    let parts = text
        .split_inclusive(['。', '！', '？', '!', '?', '.', '\n'])
        .map(str::trim);
    Ok(parts
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .map(sentence)
        .collect())
}
