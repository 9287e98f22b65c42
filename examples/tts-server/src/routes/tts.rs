//! Text in, sound out.

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header::CONTENT_TYPE};
use palisade::{SecurityContext, extract::Refused};

use super::{
    ask::{self, Ask},
    fault::{self, Fault},
};
use crate::{
    metrics,
    state::App,
    synthesis::{Speech, Utterance},
};

const AUDIO_SECONDS: HeaderName = HeaderName::from_static("x-audio-seconds");

/// Speaks what the query asks for.
#[utoipa::path(
    get,
    path = "/tts",
    tag = "speech",
    operation_id = "speak_query",
    params(Ask),
    responses((
        status = 200,
        description = "The sound.",
        content_type = "audio/wav",
        headers(("X-Audio-Seconds" = f64, description = "How long it sounds.")),
    )),
    extensions(("x-refusals" = json!({
        "308": ["https_required"],
        "400": ["speed_no_number"],
        "422": ["emotion_unknown", "speed_out_of_range", "text_empty", "text_not_speakable"],
        "500": ["synthesis_failed"],
        "503": ["queue_full"],
    }))),
)]
pub(crate) async fn get(
    State(app): State<App>,
    cx: SecurityContext,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let asked = ask::from_query(query.as_deref().unwrap_or_default());
    answer(&app, &cx, asked).await
}

/// Speaks what the body asks for.
#[utoipa::path(
    post,
    path = "/tts",
    tag = "speech",
    operation_id = "speak",
    request_body = Ask,
    responses((
        status = 200,
        description = "The sound.",
        content_type = "audio/wav",
        headers(("X-Audio-Seconds" = f64, description = "How long it sounds.")),
    )),
    extensions(("x-refusals" = json!({
        "400": [],
        "422": ["emotion_unknown", "request_shape", "speed_out_of_range", "text_empty", "text_not_speakable"],
        "500": ["synthesis_failed"],
        "503": ["queue_full"],
    }))),
)]
pub(crate) async fn post(
    State(app): State<App>,
    cx: SecurityContext,
    body: Bytes,
) -> Result<Response, Refused> {
    answer(&app, &cx, ask::from_json(&body)).await
}

async fn answer(
    app: &App,
    cx: &SecurityContext,
    asked: Result<Ask, Fault>,
) -> Result<Response, Refused> {
    let utterance = asked.and_then(|ask| ask.check(&app.voice));
    let utterance = utterance.map_err(|fault| Refused::new(cx, fault.rejection(&app.voice)))?;
    let speech = speak(app, cx, utterance).await?;
    // For the audit trail, and for limits that count sound.
    cx.settle("audio_milliseconds", (speech.seconds * 1000.0) as u64);
    Ok(sound(speech))
}

/// Waits for the voice. When the client leaves, this future is dropped, and the ticket with it: the
/// voice stops, or the place in the queue is free again.
async fn speak(app: &App, cx: &SecurityContext, utterance: Utterance) -> Result<Speech, Refused> {
    let ticket = app.queue.submit(utterance).map_err(|full| {
        metrics::turned_away();
        Refused::new(cx, fault::busy(full))
    })?;
    ticket
        .speech()
        .await
        .map_err(|why| Refused::new(cx, fault::unspoken(why)))
}

fn sound(speech: Speech) -> Response {
    let mut answer = speech.wav.into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    if let Ok(seconds) = HeaderValue::try_from(format!("{:.3}", speech.seconds)) {
        headers.insert(AUDIO_SECONDS, seconds);
    }
    answer
}
