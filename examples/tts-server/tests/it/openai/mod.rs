//! The routes for clients that are written for OpenAI.

mod names;
mod refusals;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};
use tts_server::{ModelVoice, Voice};

use crate::support::{CONFIG, LETTER, TestRequest, TestResponse, TestServer, TestVoice};

const SPEECH: &str = "/v1/audio/speech";

fn speech(more: &Value) -> TestRequest {
    let mut body = json!({ "model": "sambert-hifigan", "voice": "test", "input": "今天天气" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    TestRequest::json(SPEECH, body.to_string())
}

/// Asks as their clients do.
async fn send(server: &TestServer, ask: TestRequest) -> TestResponse {
    let bearer = format!("Bearer {}", server.key);
    server
        .client
        .send(ask.header("authorization", &bearer))
        .await
}

/// Checks that a refusal is in their envelope.
#[track_caller]
fn check(response: &TestResponse, status: u16, kind: &str, code: &str, param: &Value) {
    assert_eq!(response.status.as_u16(), status, "{:?}", response.body);
    assert_eq!(response.header("content-type"), "application/json");
    let document = response.json();
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
        #[cfg(feature = "mp3")]
        (json!(null), "audio/mpeg"),
        #[cfg(not(feature = "mp3"))]
        (json!(null), "audio/wav"),
        (json!("wav"), "audio/wav"),
        (
            json!("pcm"),
            "audio/pcm; rate=24000; channels=1; encoding=s16le",
        ),
        (json!("flac"), "audio/flac"),
    ] {
        let response = send(&server, speech(&json!({ "response_format": format }))).await;
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
        assert_eq!(response.header("content-type"), kind);
        assert_eq!(response.header("transfer-encoding"), "chunked");
    }
    let fast = speech(&json!({ "response_format": "pcm", "speed": 2, "voice": { "id": "test" } }));
    // At 24 kHz half as many samples again.
    assert_eq!(send(&server, fast).await.body.len(), 4 * LETTER * 3 / 2);
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
async fn instructions_choose_an_emotion_and_are_cleaned_like_any_text() {
    let voice = ModelVoice::demo().unwrap();
    let name = voice.info().id;
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    let instructed = |instructions: &'static str| {
        let more =
            json!({ "voice": name, "response_format": "flac", "instructions": instructions });
        send(&server, speech(&more))
    };
    let sad = TestRequest::speak("今天天气").and("emotion=sad&format=flac&stream=true");
    let sad = server.with_key(sad).await;
    assert_eq!(
        instructed("Sound \u{202e}sad, please.").await.body,
        sad.body
    );
    let neutral = instructed("Speak as you like.").await.body;
    assert_ne!(neutral, sad.body);
    // Nothing said is no instruction, and nothing wrong.
    assert_eq!(instructed("").await.body, neutral);
    let trail = server.finish().await;
    assert!(trail.text.contains("\"cleaned\""), "{}", trail.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_other_servers_are_ignored_and_named() {
    let server = TestServer::start().await;
    let more = json!({ "lang_code": "z", "user": "u", "return_download_link": false, "a\nb": 1 });
    let response = send(&server, speech(&more)).await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    let named = "lang_code, return_download_link, user, and 1 more";
    assert_eq!(response.header("x-ignored-members"), named);
    let plain = send(&server, speech(&json!({ "stream": true }))).await;
    assert!(!plain.headers.contains_key("x-ignored-members"));
    let trail = server.finish().await;
    assert!(
        trail.requests[0].to_string().contains(named),
        "{}",
        trail.text
    );
    assert!(!trail.requests[1].to_string().contains("ignored_members"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_of_their_range_is_brought_into_that_of_the_voice() {
    let server = TestServer::start().await;
    for (asked, as_if) in [(0.25, 0.5), (4.0, 2.0)] {
        let at = |speed: f64| speech(&json!({ "speed": speed, "response_format": "flac" }));
        let theirs = send(&server, at(asked)).await;
        assert_eq!(theirs.status, StatusCode::OK, "{asked}");
        assert_eq!(theirs.body, send(&server, at(as_if)).await.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_file_has_its_length_where_it_is_asked_for() {
    let server = TestServer::start().await;
    let wav = |stream| speech(&json!({ "stream": stream, "response_format": "wav" }));
    let whole = send(&server, wav(false)).await;
    assert_eq!(crate::speech::samples(&whole).len(), 4 * LETTER);
    assert_eq!(
        whole.header("content-length"),
        (44 + 8 * LETTER).to_string()
    );
    assert_eq!(whole.header("accept-ranges"), "none");
    let streamed = send(&server, wav(true)).await;
    assert!(!streamed.headers.contains_key("content-length"));
    assert_eq!(streamed.body[44..], whole.body[44..]);
    let pcm = json!({ "stream": false, "response_format": "pcm" });
    let pcm = send(&server, speech(&pcm)).await;
    assert_eq!(pcm.header("content-length"), (12 * LETTER).to_string());
    assert_eq!(pcm.body.len(), 12 * LETTER);
    assert_eq!(pcm.header("x-audio-seconds"), "0.400");
}
