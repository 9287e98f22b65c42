//! The routes for clients that are written for OpenAI.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};
use tts_server::{ModelVoice, Voice};

use crate::support::{Answer, Ask, CONFIG, LETTER, TestServer, TestVoice};

const SPEECH: &str = "/v1/audio/speech";

fn speech(more: &Value) -> Ask {
    let mut body = json!({ "model": "sambert-hifigan", "voice": "test", "input": "今天天气" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    Ask::json(SPEECH, body.to_string())
}

/// Asks as their clients do.
async fn send(server: &TestServer, ask: Ask) -> Answer {
    let bearer = format!("Bearer {}", server.key);
    server
        .client
        .send(ask.header("authorization", &bearer))
        .await
}

/// Checks that a refusal is in their envelope.
#[track_caller]
fn check(answer: &Answer, status: u16, kind: &str, code: &str, param: &Value) {
    assert_eq!(answer.status.as_u16(), status, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    let error = &document["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!(kind), &json!(code))
    );
    assert_eq!(&error["param"], param);
    assert!(error["message"].as_str().unwrap().ends_with('.'));
    assert_eq!(document.as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_in_pieces_in_the_format_that_was_asked_for() {
    let server = TestServer::start().await;
    for (format, kind) in [
        (json!(null), "audio/wav"),
        (json!("wav"), "audio/wav"),
        (
            json!("pcm"),
            "audio/pcm; rate=16000; channels=1; encoding=s16le",
        ),
        (json!("flac"), "audio/flac"),
    ] {
        let answer = send(&server, speech(&json!({ "response_format": format }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(answer.header("transfer-encoding"), "chunked");
    }
    let fast = speech(&json!({ "response_format": "pcm", "speed": 2, "voice": { "id": "test" } }));
    assert_eq!(send(&server, fast).await.body.len(), 4 * LETTER);
    let trail = server.finish().await;
    assert_eq!(trail.requests[4]["settled"]["audio_milliseconds"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_hold_the_same_file_and_what_was_spent() {
    let server = TestServer::start().await;
    let file = send(&server, speech(&json!({ "stream_format": "audio" })))
        .await
        .body;
    let events = send(&server, speech(&json!({ "stream_format": "sse" }))).await;
    assert_eq!(
        events.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    let text = String::from_utf8(events.body.to_vec()).unwrap();
    let events: Vec<Value> = text
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let (done, deltas) = events.split_last().unwrap();
    let sound = deltas.iter().flat_map(|delta| {
        assert_eq!(delta["type"], "speech.audio.delta");
        STANDARD.decode(delta["audio"].as_str().unwrap()).unwrap()
    });
    assert_eq!(sound.collect::<Vec<_>>(), file);
    let usage = json!({ "input_tokens": 4, "output_tokens": 8, "total_tokens": 12 });
    assert_eq!(
        *done,
        json!({ "type": "speech.audio.done", "usage": usage })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_handler_refuses_is_in_their_envelope() {
    let wrong = "invalid_request_error";
    for (more, status, code, param) in [
        (
            json!({ "model": "gpt-9" }),
            422,
            "model_unknown",
            json!("model"),
        ),
        (
            json!({ "voice": "alloy" }),
            422,
            "voice_unknown",
            json!("voice"),
        ),
        (
            json!({ "response_format": "mp3" }),
            422,
            "format_unavailable",
            json!("response_format"),
        ),
        (
            json!({ "speed": 4.0 }),
            422,
            "speed_out_of_range",
            json!("speed"),
        ),
        (
            json!({ "stream_format": "x" }),
            422,
            "stream_format_unknown",
            json!("stream_format"),
        ),
        (
            json!({ "input": "😀" }),
            422,
            "text_not_speakable",
            json!("input"),
        ),
        (json!({ "inputs": "a" }), 422, "request_shape", json!(null)),
        (json!({ "voice": 1 }), 422, "request_shape", json!(null)),
    ] {
        let server = TestServer::start().await;
        let answer = send(&server, speech(&more)).await;
        check(&answer, status, wrong, code, &param);
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let named = match code {
            "voice_unknown" => "test",
            "format_unavailable" => "wav, pcm, flac",
            "speed_out_of_range" => "0.5 to 2",
            _ => "",
        };
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_layers_refuse_is_in_their_envelope_too_and_elsewhere_it_is_not() {
    let server = TestServer::start().await;
    let guest = server.client.send(speech(&json!({}))).await;
    check(
        &guest,
        401,
        "authentication_error",
        "unauthenticated",
        &json!(null),
    );
    assert!(guest.headers.contains_key("www-authenticate"));
    let wrong = "invalid_request_error";
    let empty = send(&server, speech(&json!({ "input": " " }))).await;
    check(&empty, 422, wrong, "text_empty", &json!("input"));
    let long = send(&server, speech(&json!({ "input": "好".repeat(501) }))).await;
    check(&long, 422, wrong, "text_too_long", &json!("input"));
    let nowhere = server.client.send(Ask::get("/v1/chat/completions")).await;
    check(&nowhere, 404, wrong, "not_found", &json!(null));
    let config = format!("{CONFIG}sound_seconds_per_minute = 1\n");
    let server = TestServer::start_as(&config).await;
    assert_eq!(send(&server, speech(&json!({}))).await.status, 200);
    let often = send(&server, speech(&json!({}))).await;
    check(
        &often,
        429,
        "rate_limit_error",
        "quota_exceeded",
        &json!(null),
    );
    assert!(often.headers.contains_key("retry-after"));
    let other = server.client.send(Ask::get("/nowhere")).await;
    assert_eq!(other.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn instructions_choose_an_emotion_and_are_cleaned_like_any_text() {
    let voice = ModelVoice::demo().unwrap();
    let name = voice.info().id;
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    let instructed = |instructions: &'static str| {
        let more = json!({ "voice": name, "response_format": "pcm", "instructions": instructions });
        send(&server, speech(&more))
    };
    let sad = Ask::speak("今天天气").and("emotion=sad&format=pcm");
    let sad = server.with_key(sad).await;
    assert_eq!(
        instructed("Sound \u{202e}sad, please.").await.body,
        sad.body
    );
    assert_ne!(instructed("Speak as you like.").await.body, sad.body);
    let trail = server.finish().await;
    assert!(trail.text.contains("\"cleaned\""), "{}", trail.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_and_found() {
    let server = TestServer::start().await;
    let list = send(&server, Ask::get("/v1/models")).await.json();
    assert_eq!(
        (&list["object"], &list["data"][0]["id"]),
        (&json!("list"), &json!("sambert-hifigan"))
    );
    let one = send(&server, Ask::get("/v1/models/sambert-hifigan")).await;
    assert_eq!(one.json(), list["data"][0]);
    let none = send(&server, Ask::get("/v1/models/gpt-9")).await;
    check(
        &none,
        404,
        "invalid_request_error",
        "model_not_found",
        &json!("model"),
    );
}
