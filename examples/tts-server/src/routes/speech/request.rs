//! The JSON object that OpenAI's clients send, in terms of our own.

use std::collections::BTreeMap;

use sambert_hifigan::Emotion;
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::ignored::Ignored;
use crate::{
    routes::{
        ask::{Ask, Wish, read},
        fault::{Fault, Field},
    },
    state::{App, OPENAI_SPEED, SPEED},
    synthesis::{Delivery, Words},
};

/// What the object must be like, in words.
const SHAPE: &str = "The body must be an object with `model`, `input` and `voice` (strings) and, if wanted, `response_format`, `instructions`, `stream_format` and `unspeakable` (strings), `speed` (a number) and `stream` (true or false).";
/// The members that mean something here.
const KNOWN: [&str; 9] = [
    "input",
    "instructions",
    "model",
    "response_format",
    "speed",
    "stream",
    "stream_format",
    "unspeakable",
    "voice",
];
/// The sample rate that these clients take samples without a header for.
const PCM_RATE: u32 = 24_000;

/// What was asked for, as it came. The layer for text has cleaned and counted the input.
///
/// Members that mean nothing here are ignored, and named in the header `X-Ignored-Members` of the answer.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SpeechAsk {
    /// One of the names of the model.
    model: String,
    /// What to say, in Chinese.
    #[schema(example = "你好")]
    input: String,
    /// Who speaks.
    voice: Name,
    /// The kind of file; `wav` where nothing is said. `pcm` has 24,000 samples a second.
    response_format: Option<String>,
    /// How fast; 1 is as fast as the voice speaks by itself. Below 0.5 it is 0.5, above 2 it is 2.
    speed: Option<f32>,
    /// How to sound, in words: an emotion of the voice is found in them.
    instructions: Option<String>,
    /// `audio` for the file itself, `sse` for events that hold it.
    #[schema(pattern = "^(audio|sse)$")]
    stream_format: Option<String>,
    /// Whether the file is sent while it is made. `false`: whole, and with its length.
    stream: Option<bool>,
    /// What becomes of characters that the voice cannot speak; what the server is set to where nothing is said.
    #[schema(pattern = "^(refuse|skip|spell)$")]
    unspeakable: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    ignored: Ignored,
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
    let mut ask: SpeechAsk = read(body, SHAPE)?;
    let members: BTreeMap<String, IgnoredAny> = read(body, SHAPE)?;
    ask.ignored = Ignored::of(members.keys().map(String::as_str), &KNOWN);
    Ok(ask)
}

impl SpeechAsk {
    /// Returns the members that mean nothing here.
    pub(super) fn ignored(&self) -> &Ignored {
        &self.ignored
    }

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
            speed: self.speed.map(speed).transpose()?,
            format: self.response_format,
            unspeakable: self.unspeakable,
            pcm_rate: Some(PCM_RATE),
            delivery: match (self.stream, envelope) {
                (Some(false), Envelope::Audio) => Delivery::Whole,
                _ => Delivery::Stream,
            },
        };
        let wish = ask
            .check(voices, app.max_graphemes, app.unspeakable)
            .map_err(|fault| match fault {
                Fault::Format(there) => Fault::ResponseFormat(there),
                fault => fault,
            });
        Ok((wish?, envelope))
    }
}

/// Brings a speed of these clients into the range of the voice.
fn speed(asked: f32) -> Result<f32, Fault> {
    match OPENAI_SPEED.contains(&asked) {
        true => Ok(asked.clamp(*SPEED.start(), *SPEED.end())),
        false => Err(Fault::SpeechSpeed),
    }
}

/// Finds the emotion of a voice that the instructions ask for. Instructions are advice: what they say beyond that
/// changes nothing.
fn described(instructions: &str, there: &[String]) -> Option<String> {
    let learned = there.iter().filter_map(|name| name.parse().ok());
    let learned: Vec<Emotion> = learned.collect();
    Emotion::described(instructions, &learned).map(|emotion| emotion.name().to_owned())
}
