//! What is to be said.

use std::{fmt, sync::Arc};

use crate::{
    Emotion, Style, Voice,
    text::{self, Break, Unspeakable, Word},
    units::{Ids, Tables, TextIds, Unit},
};

/// Silence between two sentences, in seconds.
const BETWEEN_SENTENCES: f32 = 0.28;

/// Silence where a sentence was cut because it is too long for one breath.
const BETWEEN_PARTS: f32 = 0.1;

/// Seconds a syllable, a comma and a sentence end take on average; measured on the demo voice.
const SYLLABLE_SECONDS: f32 = 0.23;
const CLAUSE_SECONDS: f32 = 0.25;

/// A text made ready for one voice: never empty, and everything in it can be spoken. A clone shares what it holds.
///
/// ```
/// use sambert_hifigan::{Style, TextError, Voice};
///
/// let voice = Voice::demo()?;
/// let plan = voice.plan("你好，世界！", &Style::default())?;
/// assert_eq!(plan.pinyin(), "ni2 hao3, shi4 jie4.");
/// assert!(plan.seconds_estimate() > 0.5);
/// assert_eq!(voice.plan("……", &Style::default()).unwrap_err(), TextError::NothingSpeakable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    sentences: Arc<[Sentence]>,
    style: Style,
}

/// One stretch of speech, computed in one piece.
#[derive(Clone, Debug)]
pub(crate) struct Sentence {
    words: Vec<Word>,
    content: Content,
    pause: f32,
}

#[derive(Clone, Debug)]
enum Content {
    Bytes { bytes: Vec<u32>, unit: Box<Unit> },
    Units(Vec<Unit>),
}

impl Plan {
    pub(crate) fn new(voice: &Voice, text: &str, style: &Style) -> Result<Self, TextError> {
        if !voice.emotions().contains(&style.emotion()) {
            return Err(TextError::Emotion(style.emotion()));
        }
        let mut sentences = if voice.model.bytes {
            byte_sentences(voice, text, style)?
        } else {
            unit_sentences(voice, text, style)?
        };
        match sentences.last_mut() {
            Some(last) => last.pause = 0.0,
            None => return Err(TextError::NothingSpeakable),
        }
        Ok(Self {
            sentences: sentences.into(),
            style: style.clone(),
        })
    }

    /// Returns how long the speech will take, roughly, before any of it is computed.
    #[must_use]
    pub fn seconds_estimate(&self) -> f32 {
        let seconds = |sentence: &Sentence| {
            let syllables = sentence
                .words
                .iter()
                .map(|word| word.syllables.len())
                .sum::<usize>() as f32;
            let clauses = sentence
                .words
                .iter()
                .filter(|word| word.after >= Break::Clause)
                .count() as f32;
            syllables * SYLLABLE_SECONDS + clauses * CLAUSE_SECONDS + sentence.pause
        };
        self.sentences.iter().map(seconds).sum::<f32>() / self.style.speed()
    }

    /// Returns how many stretches the speech comes in.
    #[must_use]
    pub fn stretches(&self) -> usize {
        self.sentences.len()
    }

    /// Tells whether there is nothing to say, which never happens: such a text has no plan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// Shows what will be said: surface pinyin, words joined, `/` between phrases.
    #[must_use]
    pub fn pinyin(&self) -> String {
        let mut shown = String::new();
        for sentence in self.sentences.iter() {
            for word in &sentence.words {
                if !shown.is_empty() {
                    shown.push(' ');
                }
                let syllables: Vec<_> = word.syllables.iter().map(ToString::to_string).collect();
                shown.push_str(&syllables.join(" "));
                match word.after {
                    Break::Joined | Break::Word => {}
                    Break::Phrase => shown.push_str(" /"),
                    Break::Clause => shown.push(','),
                    Break::Sentence => shown.push('.'),
                }
            }
        }
        shown
    }

    pub(crate) fn sentences(&self) -> &[Sentence] {
        &self.sentences
    }

    pub(crate) const fn style(&self) -> &Style {
        &self.style
    }
}

fn unit_sentences(voice: &Voice, text: &str, style: &Style) -> Result<Vec<Sentence>, TextError> {
    let mut sentences = Vec::new();
    for stretch in text::analyze(&text::Script::plain(text), voice.model.latin)? {
        let text::Stretch {
            mut words,
            ends_sentence,
        } = stretch;
        if voice.model.plain_syllables {
            words.iter_mut().for_each(uncolor);
        }
        let unspeakable = |unit| TextError::Unspeakable { unit };
        let units = text::units_of(&words, style.emotion().symbol(), &voice.model.speaker)
            .map_err(unspeakable)?;
        voice.model.tables.encode(&units).map_err(unspeakable)?;
        let pause = if ends_sentence {
            BETWEEN_SENTENCES
        } else {
            BETWEEN_PARTS
        };
        sentences.push(Sentence {
            words,
            content: Content::Units(units),
            pause,
        });
    }
    Ok(sentences)
}

/// Speaks colored syllables as plain ones with a neutral `er` behind.
fn uncolor(word: &mut Word) {
    let plain = |syllable: &text::Syllable| match syllable.uncolored() {
        Some([plain, er]) => vec![plain, er],
        None => vec![syllable.clone()],
    };
    word.syllables = word.syllables.iter().flat_map(plain).collect();
}

/// A voice trained on bytes reads the text as it is, a sentence at a time.
fn byte_sentences(voice: &Voice, text: &str, style: &Style) -> Result<Vec<Sentence>, TextError> {
    let unit = Unit {
        phone: "#4".into(),
        tone: "tone_none".into(),
        flag: "s_none".into(),
        segment: "word_none".into(),
        emotion: style.emotion().symbol().into(),
        speaker: voice.model.speaker.clone().into(),
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
        let content = Content::Bytes {
            bytes,
            unit: Box::new(unit.clone()),
        };
        Sentence {
            words: Vec::new(),
            content,
            pause: BETWEEN_SENTENCES,
        }
    };
    let parts = text
        .split_inclusive(['。', '！', '？', '!', '?', '.', '\n'])
        .map(str::trim);
    Ok(parts
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .map(sentence)
        .collect())
}

impl Sentence {
    /// Looks the sentence up in a voice's tables.
    pub(crate) fn encode(&self, tables: &Tables) -> Result<Ids, String> {
        match &self.content {
            Content::Units(units) => tables.encode(units),
            Content::Bytes { bytes, unit } => {
                let one = tables.encode(std::slice::from_ref(unit))?;
                let repeat = |ids: &[u32]| ids.repeat(bytes.len());
                let (emotion, speaker) = (repeat(&one.emotion), repeat(&one.speaker));
                Ok(Ids {
                    text: TextIds::Bytes(bytes.clone()),
                    emotion,
                    speaker,
                })
            }
        }
    }

    /// Returns the silence after the stretch, in seconds.
    pub(crate) const fn pause(&self) -> f32 {
        self.pause
    }

    #[cfg(test)]
    pub(crate) fn units(&self) -> &[Unit] {
        match &self.content {
            Content::Units(units) => units,
            Content::Bytes { .. } => &[],
        }
    }

    #[cfg(test)]
    pub(crate) const fn of_units(units: Vec<Unit>) -> Self {
        Self {
            words: Vec::new(),
            content: Content::Units(units),
            pause: 0.0,
        }
    }
}

/// Why a text cannot be spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// The voice has not learned this emotion.
    Emotion(Emotion),
    /// The text holds nothing that can be spoken: it is empty, or blanks, punctuation and pictures only.
    NothingSpeakable,
    /// The text holds something the voice cannot speak.
    Unspeakable {
        /// What it is: a character, or a syllable.
        unit: String,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emotion(emotion) => write!(f, "the voice has not learned the emotion {emotion}"),
            Self::NothingSpeakable => f.write_str("the text holds nothing that can be spoken"),
            Self::Unspeakable { unit } => write!(f, "the voice cannot speak {unit:?}"),
        }
    }
}

impl std::error::Error for TextError {}

impl From<Unspeakable> for TextError {
    fn from(unspeakable: Unspeakable) -> Self {
        Self::Unspeakable {
            unit: unspeakable.0.to_string(),
        }
    }
}
