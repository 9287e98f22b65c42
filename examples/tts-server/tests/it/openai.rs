//! The routes for clients that are written for OpenAI.

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
            json!({ "response_format": "aac" }),
            422,
            "format_unavailable",
            json!("response_format"),
        ),
        (
            json!({ "speed": 4.1 }),
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
        (
            json!({ "unspeakable": "drop" }),
            422,
            "unspeakable_unknown",
            json!("unspeakable"),
        ),
        (json!({ "stream": 1 }), 422, "request_shape", json!(null)),
        (json!({ "voice": 1 }), 422, "request_shape", json!(null)),
    ] {
        // With aliases of its own, a server has the names that it lists, and no others.
        let config = format!("{CONFIG}[tts.aliases]\nnova = \"test\"\n");
        let server = TestServer::start_as(&config).await;
        let response = send(&server, speech(&more)).await;
        check(&response, status, wrong, code, &param);
        let message = response.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let named = match code {
            "voice_unknown" => "test",
            "format_unavailable" => "wav, pcm, flac",
            "speed_out_of_range" => "0.25 to 4",
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
    let nowhere = server
        .client
        .send(TestRequest::get("/v1/chat/completions"))
        .await;
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
    let other = server.client.send(TestRequest::get("/nowhere")).await;
    assert_eq!(other.header("content-type"), "application/problem+json");
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
async fn models_are_listed_and_found() {
    let server = TestServer::start().await;
    let list = send(&server, TestRequest::get("/v1/models")).await.json();
    assert_eq!(
        (&list["object"], &list["data"][0]["id"]),
        (&json!("list"), &json!("sambert-hifigan"))
    );
    let one = send(&server, TestRequest::get("/v1/models/sambert-hifigan")).await;
    assert_eq!(one.json(), list["data"][0]);
    let none = send(&server, TestRequest::get("/v1/models/gpt-9")).await;
    check(
        &none,
        404,
        "invalid_request_error",
        "model_not_found",
        &json!("model"),
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn voices_are_listed_in_both_common_shapes() {
    let config = format!("{CONFIG}[tts.aliases]\nalloy = \"test\"\n");
    let server = TestServer::start_as(&config).await;
    let list = |query| send(&server, TestRequest::get(query));
    let objects = json!([{ "id": "test", "name": "test" }, { "id": "alloy", "name": "alloy" }]);
    for query in ["/v1/audio/voices", "/v1/audio/voices?shape=objects"] {
        assert_eq!(list(query).await.json(), json!({ "voices": objects }));
    }
    let names = list("/v1/audio/voices?shape=names").await.json();
    assert_eq!(names, json!({ "voices": ["test", "alloy"] }));
    let wrong = list("/v1/audio/voices?shape=x").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let guest = server
        .client
        .send(TestRequest::get("/v1/audio/voices"))
        .await;
    assert_eq!(guest.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_aliases_every_name_is_taken_and_the_voice_that_speaks_is_named() {
    let server = TestServer::start().await;
    let body = |more: Value| TestRequest::json(SPEECH, more.to_string());
    for more in [
        json!({ "input": "好" }),
        json!({ "input": "好", "model": "", "voice": "" }),
        json!({ "input": "好", "model": "sambert-hifigan", "voice": "test" }),
    ] {
        let response = send(&server, body(more)).await;
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
        assert!(!response.headers.contains_key("x-voice"));
    }
    let other = json!({ "input": "好", "model": "tts-1", "voice": "nova" });
    assert_eq!(send(&server, body(other)).await.header("x-voice"), "test");
    // The server's own route has its own voices.
    let own = TestRequest::json("/tts", r#"{"text":"好","voice":"nova"}"#);
    assert_eq!(server.with_key(own).await.code(), "voice_unknown");
    let trail = server.finish().await;
    assert!(
        trail.requests[3]
            .to_string()
            .contains(r#"{"key":"voice","value":"test"}"#),
        "{}",
        trail.text
    );
    assert!(!trail.requests[1].to_string().contains(r#""key":"voice""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asterisk_is_every_model_and_every_voice() {
    let config = format!("{CONFIG}[tts.aliases]\n\"*\" = [\"sambert-hifigan\", \"test\"]\n");
    let server = TestServer::start_as(&config).await;
    let any = json!({ "model": "tts-1-hd", "voice": "nova" });
    assert_eq!(send(&server, speech(&any)).await.status, StatusCode::OK);
    let model = send(&server, TestRequest::get("/v1/models/tts-1-hd")).await;
    assert_eq!(model.status, StatusCode::OK);
    let models = send(&server, TestRequest::get("/v1/models")).await.json();
    assert_eq!(models["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_character_that_cannot_be_spoken_is_named_skipped_or_spelled() {
    let voice = ModelVoice::demo().unwrap();
    let name = voice.info().id;
    let server = TestServer::start_with(CONFIG, voice, TestVoice::default()).await;
    let said = |input: &'static str, how: &'static str| {
        let more =
            json!({ "voice": name, "input": input, "unspeakable": how, "response_format": "flac" });
        send(&server, speech(&more))
    };
    let refused = said("你好，\n他说ж和щ。", "refuse").await;
    let wrong = "invalid_request_error";
    check(&refused, 422, wrong, "text_not_speakable", &json!("input"));
    let message = refused.json()["error"]["message"].to_string();
    assert!(
        message.contains("Line 2, column 3: ") && message.contains("`ж` (U+0436)"),
        "{message}"
    );
    let skipped = said("他说ж和щ。", "skip").await;
    assert_eq!(skipped.status, StatusCode::OK, "{:?}", skipped.body);
    assert_eq!(skipped.body, said("他说和。", "refuse").await.body);
    let spelled = said("他说ж和щ。", "spell").await;
    assert_eq!(spelled.status, StatusCode::OK, "{:?}", spelled.body);
    assert!(spelled.body.len() > skipped.body.len());
    let nothing = said("жщ", "skip").await;
    check(&nothing, 422, wrong, "text_not_speakable", &json!("input"));
    // With marks the place is that in the document.
    let ssml = json!({ "ssml": "<speak>你好<p>ж</p></speak>" }).to_string();
    let marked = server.with_key(TestRequest::json("/tts", ssml)).await;
    assert_eq!(
        (marked.code().as_str(), &marked.json()["unspeakable"]),
        ("text_not_speakable", &json!("ж"))
    );
    assert!(marked.json()["column"].is_number(), "{:?}", marked.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_says_what_becomes_of_unspeakable_characters() {
    let config = format!("{CONFIG}unspeakable = \"skip\"\n");
    let voice = ModelVoice::demo().unwrap();
    let server = TestServer::start_with(&config, voice, TestVoice::default()).await;
    let response = server.with_key(TestRequest::speak("你好ж")).await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    let refused = server.with_key(TestRequest::speak("你好ж").and("unspeakable=refuse"));
    assert_eq!(refused.await.code(), "text_not_speakable");
}
