//! `voice.json`: the metadata that a checkpoint does not contain.

use serde::{Deserialize, Serialize};

use super::LoadError;
use crate::style::Emotion;

/// The name of a voice, and what it was trained for.
#[derive(Clone, Debug, Default)]
pub(crate) struct VoiceMetadata {
    /// Nothing where the folder gives the name.
    pub(crate) name: Option<String>,
    /// Nothing where any emotion may have been trained.
    pub(crate) emotions: Option<Vec<Emotion>>,
    /// Who speaks, of a voice with several speakers.
    pub(crate) speaker: Option<String>,
    /// Whether the phones of colored syllables (erhua) were trained.
    pub(crate) colored_syllables: bool,
    /// Whether the phones of English were trained.
    pub(crate) english: bool,
}

/// The file. A member that is misspelled would be one that is missing, so it is refused.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emotions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
    #[serde(default = "trained")]
    colored_syllables: bool,
    #[serde(default = "trained")]
    english: bool,
}

/// What a package does not say was trained: the phone set of the model family has it.
const fn trained() -> bool {
    true
}

impl VoiceMetadata {
    /// Parses the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        let parsed: File =
            serde_json::from_str(text).map_err(|error| LoadError::new(file, error.to_string()))?;
        let emotion = |name: &String| {
            name.parse()
                .map_err(|_| LoadError::new(file, format!("the emotion {name:?} is unknown")))
        };
        let emotions = parsed
            .emotions
            .map(|names| names.iter().map(emotion).collect());
        Ok(Self {
            name: parsed.name,
            emotions: emotions.transpose()?,
            speaker: parsed.speaker,
            colored_syllables: parsed.colored_syllables,
            english: parsed.english,
        })
    }

    /// A voice without the file.
    pub(crate) fn unknown() -> Self {
        Self {
            colored_syllables: true,
            english: true,
            ..Self::default()
        }
    }

    /// Writes the file.
    pub(crate) fn to_json(&self) -> String {
        let names = |emotions: &Vec<Emotion>| emotions.iter().map(ToString::to_string).collect();
        let file = File {
            name: self.name.clone(),
            emotions: self.emotions.as_ref().map(names),
            speaker: self.speaker.clone(),
            colored_syllables: self.colored_syllables,
            english: self.english,
        };
        serde_json::to_string(&file).unwrap_or_default()
    }
}
