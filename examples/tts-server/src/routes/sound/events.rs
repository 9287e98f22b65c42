//! Sound as server-sent events: each stretch in base64, and at the end what was spent.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::CONTENT_TYPE;
use http_body::Frame;
use serde::Serialize;
use utoipa::ToSchema;

use super::{SoundBody, WordTime};
use crate::synthesis::SpeechError;

/// What we count as one token of sound: as long as one of theirs.
const TOKEN_MILLISECONDS: u128 = 50;

/// Responds with events. `input` are the characters that were sent.
pub(super) fn respond(sound: SoundBody, input: u64) -> Response {
    let events = Events {
        sound,
        input,
        over: false,
    };
    let kind = [(CONTENT_TYPE, "text/event-stream; charset=utf-8")];
    (kind, Body::new(events)).into_response()
}

/// What one event says.
#[derive(Serialize, ToSchema)]
#[schema(as = SpeechEvent)]
#[serde(tag = "type")]
pub(crate) enum Event {
    /// The next stretch of the file, in base64.
    #[serde(rename = "speech.audio.delta")]
    Delta { audio: String },
    /// When a word is heard. It comes before the sound of the word.
    #[serde(rename = "speech.audio.mark")]
    Mark { word: WordTime },
    /// The file is whole.
    #[serde(rename = "speech.audio.done")]
    Done { usage: Usage },
}

/// What was spent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

struct Events {
    sound: SoundBody,
    input: u64,
    over: bool,
}

impl Events {
    /// Writes the words that became known.
    fn marks(&self) -> Vec<u8> {
        let words = self.sound.take_words();
        let marks = words.iter().map(|word| {
            event(&Event::Mark {
                word: WordTime::of(word),
            })
        });
        marks.flatten().collect()
    }

    /// We have no tokens: a character of the text counts as one, and so do 50 ms of sound.
    fn done(&self) -> Bytes {
        let output = self.sound.sounds().as_millis().div_ceil(TOKEN_MILLISECONDS);
        let output = u64::try_from(output).unwrap_or(u64::MAX);
        let usage = Usage {
            input_tokens: self.input,
            output_tokens: output,
            total_tokens: self.input.saturating_add(output),
        };
        event(&Event::Done { usage })
    }
}

fn delta(sound: &[u8]) -> Bytes {
    let audio = STANDARD.encode(sound);
    event(&Event::Delta { audio })
}

fn event(event: &Event) -> Bytes {
    // Nothing in an event fails to be written.
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("data: {data}\n\n").into()
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = SpeechError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SpeechError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.sound).poll_frame(task));
        Poll::Ready(Some(match next.transpose() {
            Ok(Some(frame)) if frame.is_data() => {
                let sound = frame.into_data().unwrap_or_default();
                let mut events = self.marks();
                events.extend(delta(&sound));
                Ok(Frame::data(events.into()))
            }
            Ok(_) => {
                self.over = true;
                Ok(Frame::data(self.done()))
            }
            Err(why) => {
                self.over = true;
                Err(why)
            }
        }))
    }
}
