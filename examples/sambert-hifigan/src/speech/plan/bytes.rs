//! Sentences for voices that were trained on bytes: they read the text as it is.

use super::{Passage, Sentence, TextError, sentence::Content};
use crate::{model::VoiceHandle, units::Unit};

/// Bytes a sentence may have: a limit on what the model computes at once, and so on the memory for one sentence.
const LONGEST: usize = 240;

/// Cuts a text into its sentences.
pub(super) fn sentences(
    voice: &VoiceHandle,
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
        .flat_map(short)
        .map(str::trim);
    Ok(parts
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .map(sentence)
        .collect())
}

/// Cuts a sentence that is too long behind the last blank or mark within reach, else between two characters.
fn short(sentence: &str) -> impl Iterator<Item = &str> {
    let mut rest = sentence;
    std::iter::from_fn(move || {
        let reach = rest.floor_char_boundary(LONGEST);
        let within = rest.get(..reach).filter(|_| reach < rest.len());
        let mark = |(at, mark): (usize, &str)| at + mark.len();
        let cut = within.map_or(rest.len(), |within| {
            let last = within
                .rmatch_indices([' ', ',', ';', '，', '、', '；'])
                .next();
            last.map_or(reach, mark)
        });
        let (part, behind) = rest.split_at_checked(cut)?;
        rest = behind;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_cut_behind_words_and_nothing_is_lost() {
        let text = "one, two three ".repeat(40);
        let parts: Vec<_> = short(&text).collect();
        assert!(parts.len() == 3 && parts.iter().all(|part| part.len() <= LONGEST));
        assert!(parts.iter().all(|part| part.ends_with(' ')));
        assert_eq!(parts.concat(), text);
        let solid = "好".repeat(200);
        let parts: Vec<_> = short(&solid).collect();
        assert!(parts.iter().all(|part| part.len() <= LONGEST));
        assert_eq!(parts.concat(), solid);
        assert_eq!(short("").count(), 0);
    }
}
