//! What the server needs of a voice, apart from which model speaks.

use std::{fmt, time::Duration};

use sambert_hifigan::{StopSignal, WordTiming};
use serde::Serialize;
use utoipa::ToSchema;

use crate::encoding::EncodeError;

/// A voice that can be asked from several threads at once.
pub trait Voice: Send + Sync + 'static {
    /// Describes the voice.
    fn info(&self) -> VoiceInfo;

    /// Reads the text and begins to speak. What is returned looks at `stop` often, and gives up when it is set.
    ///
    /// # Errors
    ///
    /// When there is nothing to speak, or something that this voice cannot speak.
    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError>;
}

/// Sound in the making: stretches of it, each computed when it is asked for.
pub type Speech = Box<dyn Iterator<Item = Result<Stretch, SpeechError>> + Send>;

/// Some sound, and the words that became known with it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Made by each voice.
pub struct Stretch {
    /// Samples between -1 and 1.
    pub samples: Vec<f32>,
    /// Words that begin in this stretch or later, with their times from the first sample of all. A voice that does not
    /// know them gives none.
    pub words: Vec<WordTiming>,
}

impl From<Vec<f32>> for Stretch {
    fn from(samples: Vec<f32>) -> Self {
        Self {
            samples,
            words: Vec::new(),
        }
    }
}

/// What clients may know of a voice.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[schema(as = Voice)]
#[allow(clippy::exhaustive_structs)] // A description that each voice writes.
pub struct VoiceInfo {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// What it can express, the default first.
    pub emotions: Vec<String>,
}

/// What to say, and how.
#[derive(Clone, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Taken apart by each voice.
pub struct Utterance {
    /// The words.
    pub words: Words,
    /// One of the voice's emotions.
    pub emotion: String,
    /// 1 is as fast as the voice speaks by itself.
    pub speed: f32,
    /// What becomes of characters of plain text that the voice cannot speak.
    pub unspeakable: Unspeakable,
    /// How long it may sound. Some characters are read as many syllables, and marks can ask for pauses.
    pub longest: Duration,
}

/// What becomes of a character that a voice cannot speak.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // Taken apart by each voice.
pub enum Unspeakable {
    /// The text is refused, and the character is named with its place.
    #[default]
    Refuse,
    /// It is left out.
    Skip,
    /// Its number in Unicode is read.
    Spell,
}

impl Unspeakable {
    /// Finds a way by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "refuse" => Self::Refuse,
            "skip" => Self::Skip,
            "spell" => Self::Spell,
            _ => return None,
        })
    }
}

/// The words of a client.
#[derive(Clone, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // Taken apart by each voice.
pub enum Words {
    /// As they are.
    Plain(String),
    /// With marks that say how they sound (SSML).
    Ssml(String),
}

impl Words {
    /// Returns what was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(words) | Self::Ssml(words) => words,
        }
    }
}

// The text of a client must not reach a log.
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Ssml(_) => "Ssml(..)",
        })
    }
}

impl fmt::Debug for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utterance")
            .field("words", &self.words)
            .field("emotion", &self.emotion)
            .field("speed", &self.speed)
            .finish()
    }
}

/// Why there is no speech, or no more of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SpeechError {
    /// The model failed, or its worker went away.
    Broken,
    /// The client has left.
    Cancelled,
    /// The marks are not what the voice reads.
    Marks {
        /// The line of the first that is not; the first is 1.
        line: usize,
        /// Its character in the line; the first is 1.
        column: usize,
        /// What is wrong with it, without what was written.
        why: String,
    },
    /// The words hold nothing that can be spoken.
    NothingToSpeak,
    /// The words would sound longer than is allowed.
    TooLong {
        /// How long they would sound, roughly.
        estimate: Duration,
        /// How long they may sound.
        limit: Duration,
    },
    /// The client read too slowly while others waited for its place.
    TooSlow,
    /// The words hold something that the voice has not learned.
    Unspeakable {
        /// A character, or a syllable.
        what: String,
        /// Its line and its character in the line, where they are known; both begin with 1.
        place: Option<(usize, usize)>,
    },
}

impl SpeechError {
    /// Returns the label of the counter of texts.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
            Self::Marks { .. } | Self::Unspeakable { .. } => "unspeakable",
            Self::NothingToSpeak => "nothing_to_speak",
            Self::TooLong { .. } => "too_long",
            Self::TooSlow => "too_slow",
        }
    }
}

impl fmt::Display for SpeechError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "the voice failed",
            Self::Cancelled => "the client has left",
            Self::Marks { .. } => "the markup is not supported",
            Self::NothingToSpeak => "there is nothing to speak",
            Self::TooLong { .. } => "the words would sound too long",
            Self::TooSlow => "the client read too slowly",
            Self::Unspeakable { .. } => "the voice has not learned this",
        })
    }
}

impl std::error::Error for SpeechError {}

impl From<EncodeError> for SpeechError {
    fn from(_: EncodeError) -> Self {
        Self::Broken
    }
}
