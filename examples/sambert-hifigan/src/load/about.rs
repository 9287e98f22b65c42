//! `voice.json`: what a checkpoint does not say about itself.

use serde::Deserialize;

use super::LoadError;
use crate::Emotion;

/// What a voice has learned.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) emotions: Vec<Emotion>,
    /// Whether the phones of colored syllables (erhua) were trained.
    pub(crate) colored_syllables: bool,
    /// Whether the phones of English were trained.
    pub(crate) english: bool,
}

#[derive(Deserialize)]
struct File {
    name: String,
    emotions: Vec<String>,
    colored_syllables: bool,
    #[serde(default = "trained")]
    english: bool,
}

/// What a package does not say was trained: the phone set of the model family has it.
const fn trained() -> bool {
    true
}

impl About {
    /// Parses the file.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        let parsed: File =
            serde_json::from_str(text).map_err(|error| LoadError::new(file, error.to_string()))?;
        let emotion = |name: &String| {
            name.parse()
                .map_err(|_| LoadError::new(file, format!("no emotion is called {name:?}")))
        };
        let emotions = parsed
            .emotions
            .iter()
            .map(emotion)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: parsed.name,
            emotions,
            colored_syllables: parsed.colored_syllables,
            english: parsed.english,
        })
    }

    /// A voice without the file: any emotion may have been trained.
    pub(crate) fn unknown(name: String) -> Self {
        Self {
            name,
            emotions: Emotion::ALL.to_vec(),
            colored_syllables: true,
            english: true,
        }
    }
}
