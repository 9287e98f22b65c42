//! Why a text cannot be spoken.

use std::fmt;

use mandarin::Unspeakable;

use crate::style::Emotion;

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

/// What cannot be spoken, and where the passage begins that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unplannable {
    pub(crate) offset: usize,
    pub(crate) error: TextError,
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
