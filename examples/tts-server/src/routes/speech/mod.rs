//! Speech in the manner of OpenAI, for clients that are written for it.

mod request;
mod errors;
mod ignored;
pub(super) mod voices;

use axum::{body::Bytes, extract::State, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use palisade::core::{Fact, SecurityContext, extract::Refused};

pub(crate) use self::errors::OpenAiErrors;
use super::{
    request_error::Field,
    sound::{self, Event, Sound},
    speech_request::check_body,
};
use crate::state::App;

const VOICE: HeaderName = HeaderName::from_static("x-voice");

/// Speaks what the body asks for, as it is made.
#[utoipa::path(
    post,
    path = "/v1/audio/speech",
    tag = "openai",
    operation_id = "speech",
    request_body = request::OpenAiRequest,
    responses((
        status = 200,
        description = "The sound, sent while it is made, or whole where `stream` is false.",
        content(
            (Vec<u8> = "audio/wav"),
            (Vec<u8> = "audio/pcm"),
            (Vec<u8> = "audio/flac"),
            (Vec<u8> = "audio/ogg"),
            (Vec<u8> = "audio/mpeg"),
            (Event = "text/event-stream"),
        ),
        headers(
            ("X-Ignored-Members" = String, description = "Members of the request that have no meaning here, where there were some."),
            ("X-Voice" = String, description = "The voice that speaks, where it is not the one that was named."),
        ),
    )),
    extensions(("x-refusals" = json!({
        "422": ["format_unavailable", "model_unknown", "request_shape", "speed_out_of_range", "stream_format_unknown", "text_empty", "text_not_speakable", "unspeakable_unknown", "voice_unknown"],
        "500": ["synthesis_failed"],
        "503": ["queue_full"],
    }))),
)]
pub(crate) async fn post(
    State(app): State<App>,
    cx: SecurityContext,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let asked = check_body(&headers, &body, app.max_body);
    let asked = asked.and_then(|()| request::from_json(&body));
    let asked = asked.map_err(|fault| sound::refuse(&cx, fault))?;
    let ignored = asked.ignored().clone();
    ignored.note(&cx);
    let request::Accepted {
        prepared,
        envelope,
        other_voice,
    } = asked
        .check(&app)
        .map_err(|fault| sound::refuse(&cx, fault))?;
    let characters = prepared.characters();
    let sound = Sound::begin(&app, &cx, prepared, Field::Input).await?;
    let mut response = match envelope {
        request::Envelope::Audio => sound.file(),
        request::Envelope::Events => sound.events(characters),
    };
    ignored.tell(&mut response);
    if let Some(voice) = other_voice {
        name_voice(&cx, &mut response, voice);
    }
    Ok(response)
}

/// Says in the response and in the audit trail which voice speaks, where a client named another: clients are written
/// with fixed names, and no one should believe that such a voice was there.
fn name_voice(cx: &SecurityContext, response: &mut Response, voice: String) {
    if let Ok(name) = HeaderValue::try_from(voice.as_str()) {
        response.headers_mut().insert(VOICE, name);
    }
    cx.record(Fact::Noted {
        key: "voice",
        value: voice.into(),
    });
}
