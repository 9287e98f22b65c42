//! Sentences for voices that were trained on phones.

use mandarin::{Script, Stretch, Word, analyze};

use super::{Passage, Sentence, TextError, sentence::Content};
use crate::{model::VoiceHandle, units::units_of};

/// Reads a passage.
pub(super) fn sentences(
    voice: &VoiceHandle,
    script: &Script,
    passage: &Passage,
) -> Result<Vec<Sentence>, TextError> {
    let model = &voice.model;
    let unspeakable = |unit| TextError::Unspeakable { unit };
    let mut sentences = Vec::new();
    for Stretch {
        mut words,
        ends_sentence,
    } in analyze(script, model.latin)?
    {
        if model.plain_syllables {
            words.iter_mut().for_each(Word::uncolor);
        }
        let units =
            units_of(&words, passage.emotion.symbol(), voice.speaker()).map_err(unspeakable)?;
        model.tables.encode(&units).map_err(unspeakable)?;
        let mut sentence = Sentence::new(words, Content::Units(units), passage);
        if !ends_sentence {
            sentence.part();
        }
        sentences.push(sentence);
    }
    Ok(sentences)
}
