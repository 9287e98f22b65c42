//! Sentences for voices that were trained on phones.

use super::{Passage, Sentence, TextError, sentence::Content};
use crate::{
    model::VoiceHandle,
    text::{self, Script, Syllable, Word},
};

/// Reads a passage.
pub(super) fn sentences(
    voice: &VoiceHandle,
    script: &Script,
    passage: &Passage,
) -> Result<Vec<Sentence>, TextError> {
    let model = &voice.model;
    let unspeakable = |unit| TextError::Unspeakable { unit };
    let mut sentences = Vec::new();
    for text::Stretch {
        mut words,
        ends_sentence,
    } in text::analyze(script, model.latin)?
    {
        if model.plain_syllables {
            words.iter_mut().for_each(uncolor);
        }
        let units = text::units_of(&words, passage.emotion.symbol(), voice.speaker())
            .map_err(unspeakable)?;
        model.tables.encode(&units).map_err(unspeakable)?;
        let mut sentence = Sentence::new(words, Content::Units(units), passage);
        if !ends_sentence {
            sentence.part();
        }
        sentences.push(sentence);
    }
    Ok(sentences)
}

/// Speaks colored syllables as plain ones with a neutral `er` behind.
fn uncolor(word: &mut Word) {
    let plain = |syllable: &Syllable| match syllable.uncolored() {
        Some([plain, er]) => vec![plain, er],
        None => vec![syllable.clone()],
    };
    word.syllables = word.syllables.iter().flat_map(plain).collect();
}
