//! Speech in the manner of OpenAI, for clients that are written for it.

mod request;
mod errors;
mod events;
mod ignored;
pub(super) mod voices;

use axum::{body::Bytes, extract::State, response::Response};
use http::HeaderMap;
use palisade::core::{SecurityContext, extract::Refused};

pub(crate) use self::errors::OpenAiErrors;
use super::{
    request_error::Field,
    sound::{self, Sound},
    speech_request::check_body,
};
use crate::state::App;

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
            (events::Event = "text/event-stream"),
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
    let (prepared, envelope) = asked
        .check(&app)
        .map_err(|fault| sound::refuse(&cx, fault))?;
    let input = prepared.order.utterance.words.as_str().chars().count() as u64;
    let sound = Sound::begin(&app, &cx, prepared, Field::Input).await?;
    let mut response = match envelope {
        request::Envelope::Audio => sound.file(),
        request::Envelope::Events => events::respond(sound, input),
    };
    ignored.tell(&mut response);
    Ok(response)
}
