//! The JSON object that OpenAI's clients send, in terms of our own.

use sambert_hifigan::Emotion;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    routes::{
        ask::{Ask, Wish, read},
        fault::{Fault, Field},
    },
    state::App,
    synthesis::{Delivery, Words},
};

/// What the object must be like, in words.
const SHAPE: &str = "The body must be an object with `model`, `input` and `voice` (strings) and, if wanted, `response_format`, `instructions` and `stream_format` (strings) and `speed` (a number).";

/// What was asked for, as it came. The layer for text has cleaned and counted the input.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpeechAsk {
    /// One of the names of the model.
    model: String,
    /// What to say, in Chinese.
    #[schema(example = "你好")]
    input: String,
    /// Who speaks.
    voice: Name,
    /// The kind of file; `wav` where nothing is said.
    response_format: Option<String>,
    /// How fast; 1 is as fast as the voice speaks by itself.
    speed: Option<f32>,
    /// How to sound, in words: an emotion of the voice is found in them.
    instructions: Option<String>,
    /// `audio` for the file itself, `sse` for events that hold it.
    #[schema(pattern = "^(audio|sse)$")]
    stream_format: Option<String>,
}

/// A voice by its name alone, or as an object that holds it.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Name {
    Plain(String),
    Object { id: String },
}

/// What the sound is put into.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Envelope {
    Audio,
    Events,
}

/// Reads a JSON object.
pub(super) fn from_json(body: &[u8]) -> Result<SpeechAsk, Fault> {
    read(body, SHAPE)
}

impl SpeechAsk {
    /// Checks it against what there is.
    pub(super) fn check(self, app: &App) -> Result<(Wish, Envelope), Fault> {
        let (voices, models) = (&app.voices, &app.models);
        if models.find(&self.model).is_none() {
            return Err(Fault::Model(models.names().map(str::to_owned).collect()));
        }
        if self.input.trim().is_empty() {
            return Err(Fault::TextEmpty(Field::Input));
        }
        let envelope = match self.stream_format.as_deref() {
            None | Some("audio") => Envelope::Audio,
            Some("sse") => Envelope::Events,
            Some(_) => return Err(Fault::StreamFormat),
        };
        let (Name::Plain(voice) | Name::Object { id: voice }) = self.voice;
        let emotions = voices.find(Some(&voice)).map(|entry| &entry.info.emotions);
        let emotion = self.instructions.zip(emotions);
        let ask = Ask {
            emotion: emotion.and_then(|(words, there)| described(&words, there)),
            words: Words::Plain(self.input),
            voice: Some(voice),
            speed: self.speed,
            format: self.response_format,
            delivery: Delivery::Stream,
        };
        let wish = ask
            .check(voices, app.max_graphemes)
            .map_err(|fault| match fault {
                Fault::Format(there) => Fault::ResponseFormat(there),
                fault => fault,
            });
        Ok((wish?, envelope))
    }
}

/// Finds the emotion of a voice that the instructions ask for. Instructions are advice: what they say beyond that
/// changes nothing.
fn described(instructions: &str, there: &[String]) -> Option<String> {
    let learned = there.iter().filter_map(|name| name.parse().ok());
    let learned: Vec<Emotion> = learned.collect();
    Emotion::described(instructions, &learned).map(|emotion| emotion.name().to_owned())
}
