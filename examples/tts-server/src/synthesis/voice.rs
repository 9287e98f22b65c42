//! What the server needs of a voice, apart from which model speaks.

use std::fmt;

use bytes::Bytes;
use sambert_hifigan::StopSignal;
use serde::Serialize;
use utoipa::ToSchema;

/// A voice that can be asked from several threads at once.
pub trait Voice: Send + Sync + 'static {
    /// Describes the voice.
    fn info(&self) -> VoiceInfo;

    /// Speaks. Looks at `stop` often, and gives up when it is set.
    ///
    /// # Errors
    /// When there is nothing to speak, the client has left, or the model fails.
    fn speak(&self, utterance: &Utterance, stop: &StopSignal) -> Result<Speech, SpeechError>;
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
    /// The text.
    pub text: String,
    /// One of the voice's emotions.
    pub emotion: String,
    /// 1 is as fast as the voice speaks by itself.
    pub speed: f32,
}

impl fmt::Debug for Utterance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utterance")
            .field("emotion", &self.emotion)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

/// A spoken text.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs)] // Made by each voice.
pub struct Speech {
    /// A WAV file: 16 bits, one channel.
    pub wav: Bytes,
    /// How long it sounds.
    pub seconds: f64,
}

/// Why there is no speech.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SpeechError {
    /// The model failed, or its worker went away.
    Broken,
    /// The client has left.
    Cancelled,
    /// The text holds nothing that can be spoken.
    NothingToSpeak,
}
