//! Speech in the manner of OpenAI, for clients that are written for it.

mod ask;
mod errors;
mod events;
mod ignored;
pub(super) mod voices;

use axum::{body::Bytes, extract::State, response::Response};
use http::HeaderMap;
use palisade::core::{SecurityContext, extract::Refused};

pub(crate) use self::errors::OpenAiErrors;
use super::{
    ask::check_body,
    fault::Field,
    sound::{self, Sound},
};
use crate::state::App;

/// Speaks what the body asks for, as it is made.
#[utoipa::path(
    post,
    path = "/v1/audio/speech",
    tag = "openai",
    operation_id = "speech",
    request_body = ask::SpeechAsk,
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
    let asked = asked.and_then(|()| ask::from_json(&body));
    let asked = asked.map_err(|fault| sound::refuse(&cx, fault))?;
    let ignored = asked.ignored().clone();
    ignored.note(&cx);
    let (wish, envelope) = asked
        .check(&app)
        .map_err(|fault| sound::refuse(&cx, fault))?;
    let input = wish.order.utterance.words.as_str().chars().count() as u64;
    let sound = Sound::begin(&app, &cx, wish, Field::Input).await?;
    let mut answer = match envelope {
        ask::Envelope::Audio => sound.file(),
        ask::Envelope::Events => events::answer(sound, input),
    };
    ignored.tell(&mut answer);
    Ok(answer)
}
