//! The JSON object of OpenAI's API, converted to a [`SpeechRequest`].

use std::collections::BTreeMap;

use sambert_hifigan::Emotion;
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::ignored::Ignored;
use crate::{
    encoding::Format,
    routes::{
        request_error::{Field, RequestError},
        speech_request::{PreparedSpeech, SpeechRequest, Timing, read},
    },
    state::{App, OPENAI_SPEED, SPEED},
    synthesis::{Delivery, Words},
};

/// The shape of the object, for the client.
const SHAPE: &str = "The body must be an object with `input` (a string) and, if wanted, `model`, `voice`, `response_format`, `instructions`, `stream_format` and `unspeakable` (strings), `speed` (a number), `stream` and `marks` (true or false).";
/// The members that are used.
const KNOWN: [&str; 10] = [
    "input",
    "instructions",
    "marks",
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

/// A text to speak, as clients of the OpenAI API send it.
///
/// Other members are ignored, and named in the header `X-Ignored-Members` of the response.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OpenAiRequest {
    /// One of the names of the model. Default: the model.
    model: Option<String>,
    /// The text, in Chinese.
    #[schema(example = "你好")]
    input: String,
    /// The name of a voice. Default: the first voice. Where the operator has set no aliases, every other name means the
    /// first voice too, and the header `X-Voice` of the response names the voice that speaks.
    voice: Option<Name>,
    /// The format of the sound. Default: `mp3`, or `wav` in a build without MP3. `pcm` has 24,000 samples a second.
    response_format: Option<String>,
    /// The speed, from 0.25 to 4. Default: 1. Values below 0.5 count as 0.5, and above 2 as 2.
    speed: Option<f32>,
    /// How to sound, in words. If they name an emotion of the voice, it is used.
    instructions: Option<String>,
    /// `audio` for the file itself, `sse` for events that hold it.
    #[schema(pattern = "^(audio|sse)$")]
    stream_format: Option<String>,
    /// Whether the events of `stream_format` `sse` hold `speech.audio.mark`: when each word is heard. Default: false.
    marks: Option<bool>,
    /// Whether the file is sent in chunks while it is made. Default: true. `false`: complete, with its length.
    stream: Option<bool>,
    /// What is done with characters that the voice cannot speak. Default: the setting of the server.
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

impl Name {
    fn into_string(self) -> String {
        match self {
            Self::Plain(name) | Self::Object { id: name } => name,
        }
    }
}

/// A request that was checked.
pub(super) struct Accepted {
    pub(super) prepared: PreparedSpeech,
    pub(super) envelope: Envelope,
    /// The voice that speaks, where it is not the one that was named.
    pub(super) other_voice: Option<String>,
}

/// The form of the response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Envelope {
    Audio,
    Events,
}

/// Reads a JSON object.
pub(super) fn from_json(body: &[u8]) -> Result<OpenAiRequest, RequestError> {
    let mut ask: OpenAiRequest = read(body, SHAPE)?;
    let members: BTreeMap<String, IgnoredAny> = read(body, SHAPE)?;
    ask.ignored = Ignored::of(members.keys().map(String::as_str), &KNOWN);
    Ok(ask)
}

impl OpenAiRequest {
    /// Returns the members that are ignored.
    pub(super) fn ignored(&self) -> &Ignored {
        &self.ignored
    }

    /// Checks it against the models and voices.
    pub(super) fn check(self, app: &App) -> Result<Accepted, RequestError> {
        let voices = &app.voices;
        self.check_model(app)?;
        if self.input.trim().is_empty() {
            return Err(RequestError::TextEmpty(Field::Input));
        }
        let envelope = envelope(self.stream_format.as_deref())?;
        let named = self.voice.map(Name::into_string);
        let named = named.filter(|name| !name.is_empty());
        let known = voices.find(named.as_deref());
        let any = || voices.find(None).filter(|_| app.accepts_any_name);
        let entry = known.or_else(any);
        let emotion = self
            .instructions
            .zip(entry.map(|entry| &entry.info.emotions));
        let ask = SpeechRequest {
            emotion: emotion.and_then(|(words, there)| emotion_from_instructions(&words, there)),
            words: Words::Plain(self.input),
            voice: entry
                .map(|entry| entry.info.id.clone())
                .or_else(|| named.clone()),
            speed: self.speed.map(speed).transpose()?,
            format: self
                .response_format
                .or_else(|| Some(Format::OPENAI.name().to_owned())),
            unspeakable: self.unspeakable,
            pcm_rate: Some(PCM_RATE),
            timing: None,
            delivery: match (self.stream, envelope) {
                (Some(false), Envelope::Audio) => Delivery::Whole,
                _ => Delivery::Stream,
            },
        };
        let other_voice = ask
            .voice
            .clone()
            .filter(|voice| named.is_some_and(|named| named != *voice));
        let mut prepared = ask
            .check(voices, app.max_graphemes, app.unspeakable)
            .map_err(|fault| match fault {
                RequestError::Format(there) => RequestError::ResponseFormat(there),
                fault => fault,
            })?;
        if self.marks == Some(true) && envelope == Envelope::Events {
            (prepared.order.timed, prepared.timing) = (true, Some(Timing::Events));
        }
        Ok(Accepted {
            prepared,
            envelope,
            other_voice,
        })
    }

    /// Checks the name of the model, if there is one.
    fn check_model(&self, app: &App) -> Result<(), RequestError> {
        let name = self.model.as_deref().filter(|name| !name.is_empty());
        let is_known = name.is_none_or(|name| app.models.find(name).is_some());
        match is_known || app.accepts_any_name {
            true => Ok(()),
            false => Err(RequestError::Model(
                app.models.names().map(str::to_owned).collect(),
            )),
        }
    }
}

fn envelope(stream_format: Option<&str>) -> Result<Envelope, RequestError> {
    match stream_format {
        None | Some("audio") => Ok(Envelope::Audio),
        Some("sse") => Ok(Envelope::Events),
        Some(_) => Err(RequestError::StreamFormat),
    }
}

/// Brings a speed of these clients into the range of the voice.
fn speed(asked: f32) -> Result<f32, RequestError> {
    match OPENAI_SPEED.contains(&asked) {
        true => Ok(asked.clamp(*SPEED.start(), *SPEED.end())),
        false => Err(RequestError::SpeechSpeed),
    }
}

/// Finds the emotion of a voice that the instructions ask for. Instructions are advice: what they say beyond that
/// changes nothing.
fn emotion_from_instructions(instructions: &str, there: &[String]) -> Option<String> {
    let learned = there.iter().filter_map(|name| name.parse().ok());
    let learned: Vec<Emotion> = learned.collect();
    Emotion::described(instructions, &learned).map(|emotion| emotion.name().to_owned())
}
