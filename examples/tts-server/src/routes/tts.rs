//! Text in, sound out.

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::Response,
};
use http::HeaderMap;
use palisade::core::{SecurityContext, extract::Refused};

use super::{
    request_error::{Field, RequestError},
    sound::{self, Sound},
    speech_request::{self, PreparedSpeech, SpeechRequest, Timing, TtsRequest},
};
use crate::{sound_cache::FinishedSound, state::App};

/// Speaks what the query asks for.
#[utoipa::path(
    get,
    path = "/tts",
    tag = "speech",
    operation_id = "speak_query",
    params(
        TtsRequest,
        ("Range" = Option<String>, Header, description = "A part of the file, as `bytes=FIRST-LAST` (RFC 9110, 14). Read where `Accept-Ranges` is `bytes`: the operator keeps finished sound."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the part must be of; otherwise the whole file is sent."),
    ),
    responses((
        status = 200,
        description = "The sound. Streamed, how long it sounds comes behind it, as a trailer.",
        content(
            (Vec<u8> = "audio/wav"),
            (Vec<u8> = "audio/pcm"),
            (Vec<u8> = "audio/flac"),
            (Vec<u8> = "audio/ogg"),
            (Vec<u8> = "audio/mpeg"),
            (sound::Timed = "application/json"),
            (sound::Event = "text/event-stream"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
        ),
        headers(
            ("Accept-Ranges" = String, description = "`bytes` where parts of the file can be asked for, otherwise `none`."),
            ("ETag" = String, description = "The tag of the file, where parts of it can be asked for."),
            ("X-Audio-Seconds" = f64, description = "How long it sounds, where the response is whole."),
        ),
    ), (
        status = 206,
        description = "The part of the file that was asked for.",
        content(
            (Vec<u8> = "audio/wav"),
            (Vec<u8> = "audio/pcm"),
            (Vec<u8> = "audio/flac"),
            (Vec<u8> = "audio/ogg"),
            (Vec<u8> = "audio/mpeg"),
        ),
        headers(
            ("Content-Range" = String, description = "Which bytes these are, and of how many."),
            ("ETag" = String, description = "The tag of the file."),
            ("X-Audio-Seconds" = f64, description = "How long the whole file sounds."),
        ),
    )),
    extensions(("x-refusals" = json!({
        "308": ["https_required"],
        "400": ["speed_no_number", "stream_no_flag", "text_twice"],
        "416": ["range_not_satisfiable"],
        "422": ["emotion_unknown", "format_unavailable", "speed_out_of_range", "ssml_malformed", "text_empty", "text_not_speakable", "timing_unknown", "unspeakable_unknown", "voice_unknown"],
        "500": ["synthesis_failed"],
        "503": ["queue_full"],
    }))),
)]
pub(crate) async fn get(
    State(app): State<App>,
    cx: SecurityContext,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let asked = speech_request::from_query(query.as_deref().unwrap_or_default());
    let prepared = check(&app, &cx, asked)?;
    match (&app.sound_cache, cx.principal()) {
        (Some(cache), Some(who)) if prepared.is_plain_file() => {
            let key = prepared.cache_key(who);
            if let Some(sound) = cache.find(&key) {
                return sound::kept(&app, &cx, &sound, &headers);
            }
            let sound = Sound::begin(&app, &cx, prepared, Field::Text).await?;
            let keep = |sound: &FinishedSound| cache.insert(key, sound.clone());
            sound.kept(&cx, keep, &headers).await
        }
        _ => speak(&app, &cx, prepared).await,
    }
}

/// Responds with the head of the response to `GET`. Checks the request, and speaks nothing.
#[utoipa::path(
    head,
    path = "/tts",
    tag = "speech",
    operation_id = "speak_query_head",
    params(TtsRequest),
    responses((status = 200, description = "The request is one that `GET` would try to speak.")),
    extensions(("x-refusals" = json!({
        "308": ["https_required"],
        "400": ["speed_no_number", "stream_no_flag", "text_twice"],
        "422": ["emotion_unknown", "format_unavailable", "speed_out_of_range", "text_empty", "timing_unknown", "unspeakable_unknown", "voice_unknown"],
    }))),
)]
pub(crate) async fn head(
    State(app): State<App>,
    cx: SecurityContext,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let asked = speech_request::from_query(query.as_deref().unwrap_or_default());
    let prepared = asked.and_then(|ask| ask.check(&app.voices, app.max_graphemes, app.unspeakable));
    let prepared = prepared.map_err(|fault| Refused::new(&cx, fault.rejection()))?;
    Ok(sound::head(&prepared, app.sound_cache.is_some()))
}

/// Speaks what the body asks for.
#[utoipa::path(
    post,
    path = "/tts",
    tag = "speech",
    operation_id = "speak",
    request_body = TtsRequest,
    responses((
        status = 200,
        description = "The sound. Streamed, how long it sounds comes behind it, as a trailer.",
        content(
            (Vec<u8> = "audio/wav"),
            (Vec<u8> = "audio/pcm"),
            (Vec<u8> = "audio/flac"),
            (Vec<u8> = "audio/ogg"),
            (Vec<u8> = "audio/mpeg"),
            (sound::Timed = "application/json"),
            (sound::Event = "text/event-stream"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
        ),
        headers(("X-Audio-Seconds" = f64, description = "How long it sounds, where the response is whole.")),
    )),
    extensions(("x-refusals" = json!({
        "400": ["text_twice"],
        "422": ["emotion_unknown", "format_unavailable", "request_shape", "speed_out_of_range", "ssml_malformed", "text_empty", "text_not_speakable", "timing_unknown", "unspeakable_unknown", "voice_unknown"],
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
    let asked = speech_request::check_body(&headers, &body, app.max_body);
    let asked = asked.and_then(|()| speech_request::from_json(&body));
    let prepared = check(&app, &cx, asked)?;
    speak(&app, &cx, prepared).await
}

/// Checks a request. One that is refused costs no sound.
fn check(
    app: &App,
    cx: &SecurityContext,
    asked: Result<SpeechRequest, RequestError>,
) -> Result<PreparedSpeech, Refused> {
    let prepared = asked.and_then(|ask| ask.check(&app.voices, app.max_graphemes, app.unspeakable));
    prepared.map_err(|fault| sound::refuse(cx, fault))
}

async fn speak(
    app: &App,
    cx: &SecurityContext,
    prepared: PreparedSpeech,
) -> Result<Response, Refused> {
    let (timing, characters) = (prepared.timing, prepared.characters());
    let sound = Sound::begin(app, cx, prepared, Field::Text).await?;
    match timing {
        Some(Timing::Events) => Ok(sound.events(characters)),
        Some(timing) => sound.timed(timing, cx).await,
        None => Ok(sound.file()),
    }
}
