//! Text in one style, and the silence between such texts.

use mandarin::{Break, Reading, Script, TooManyReadings, begins_with_end, ends_sentence};

use super::{Sentence, TextError, Unplannable, bytes, units};
use crate::{
    model::VoiceHandle,
    style::{Emotion, Style},
};

/// Text in one style.
#[derive(Clone, Debug)]
pub(crate) struct Passage {
    pub(crate) wording: Wording,
    pub(crate) emotion: Emotion,
    pub(crate) speed: f32,
    pub(crate) after: Pause,
    /// Where it begins in what the user wrote.
    pub(crate) offset: usize,
}

/// What a passage says.
#[derive(Clone, Debug)]
pub(crate) enum Wording {
    /// Text for a voice that was trained on bytes.
    Bytes(String),
    /// Text for the front end.
    Script(Script),
}

/// The silence after a passage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pause {
    /// As after a sentence or a part of one, but no shorter than so many seconds.
    AtLeast(f32),
    /// So many seconds, whatever the speed.
    Exactly(f32),
}

/// Why a reading cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmarkable {
    /// The voice reads bytes, for which there are no readings.
    Bytes,
    /// There are too many readings.
    TooMany,
}

impl Pause {
    /// As the text has it.
    pub(crate) const NATURAL: Self = Self::AtLeast(0.0);
}

impl Passage {
    pub(crate) const fn new(wording: Wording, style: &Style, offset: usize) -> Self {
        Self {
            wording,
            emotion: style.emotion(),
            speed: style.speed(),
            after: Pause::NATURAL,
            offset,
        }
    }

    fn sentences(&self, voice: &VoiceHandle) -> Result<Vec<Sentence>, TextError> {
        if !voice.emotions().contains(&self.emotion) {
            return Err(TextError::Emotion(self.emotion));
        }
        match &self.wording {
            Wording::Bytes(text) => bytes::sentences(voice, text, self),
            Wording::Script(script) => units::sentences(voice, script, self),
        }
    }
}

impl Wording {
    /// Makes an empty one, of the kind a voice reads.
    pub(crate) fn for_voice(voice: &VoiceHandle) -> Self {
        if voice.model.bytes {
            Self::Bytes(String::new())
        } else {
            Self::Script(Script::default())
        }
    }

    /// Appends text that is read as usual.
    pub(crate) fn push(&mut self, text: &str) {
        match self {
            Self::Bytes(bytes) => bytes.push_str(text),
            Self::Script(script) => script.push(text),
        }
    }

    /// Appends a reading.
    ///
    /// # Errors
    ///
    /// When the voice reads bytes, and when there are too many readings.
    pub(crate) fn mark(&mut self, reading: Reading) -> Result<(), Unmarkable> {
        match self {
            Self::Bytes(_) => Err(Unmarkable::Bytes),
            Self::Script(script) => script
                .mark(reading)
                .map_err(|TooManyReadings| Unmarkable::TooMany),
        }
    }

    /// Ends a word, a phrase, a clause or a sentence where no mark of the text does.
    ///
    /// # Errors
    ///
    /// When there are too many readings.
    pub(crate) fn end(&mut self, after: Break) -> Result<(), Unmarkable> {
        match (self, after) {
            (_, Break::Joined | Break::Word) | (Self::Bytes(_), Break::Phrase) => {}
            (Self::Bytes(text), Break::Clause) => text.push(','),
            (Self::Bytes(text), Break::Sentence) => text.push('\n'),
            (wording @ Self::Script(_), Break::Phrase) => wording.mark(Reading::PhraseEnd)?,
            // These two marks have no part in any number.
            (Self::Script(script), Break::Clause) => script.push("、"),
            (Self::Script(script), Break::Sentence) => script.push("。"),
        }
        Ok(())
    }

    fn ends_sentence(&self) -> bool {
        match self {
            Self::Bytes(text) => ends_sentence(text),
            Self::Script(script) => script.ends_sentence(),
        }
    }

    fn begins_with_end(&self) -> bool {
        match self {
            Self::Bytes(text) => begins_with_end(text),
            Self::Script(script) => script.begins_with_end(),
        }
    }
}

/// Turns passages into sentences, with silence between them.
pub(super) fn sentences(
    voice: &VoiceHandle,
    passages: &[Passage],
) -> Result<Vec<Sentence>, Unplannable> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut lead = 0.0;
    for passage in passages {
        let mut spoken = passage.sentences(voice).map_err(|error| Unplannable {
            offset: passage.offset,
            error,
        })?;
        if let Some(last) = spoken.last_mut()
            && !passage.wording.ends_sentence()
        {
            last.part();
        }
        // Where the style changes, the mark that ends a sentence may stand behind the change.
        if let Some(before) = sentences.last_mut()
            && passage.wording.begins_with_end()
        {
            before.whole();
        }
        sentences.append(&mut spoken);
        match (sentences.last_mut(), passage.after) {
            (Some(last), after) => last.pause_after(after),
            (None, Pause::Exactly(seconds)) => lead += seconds,
            (None, Pause::AtLeast(_)) => {}
        }
    }
    if let Some(first) = sentences.first_mut() {
        first.lead_with(lead);
    }
    if let Some(last) = sentences.last_mut() {
        last.end();
    }
    Ok(sentences)
}
