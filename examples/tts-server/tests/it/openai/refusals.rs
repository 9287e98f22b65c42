//! Refusals have the form that OpenAI's clients read.

use http::StatusCode;
use serde_json::json;
use tts_server::{ModelVoice, Voice};

use super::{check, send, speech};
use crate::support::{CONFIG, TestRequest, TestServer, TestVoice};

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
