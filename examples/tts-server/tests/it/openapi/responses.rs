//! Every response that the description promises, and no other.

use http::{Method, StatusCode};

use super::{check, description};
use crate::support::{CONFIG, TestRequest, TestServer, send_plain};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_sends_is_what_it_describes() {
    let server = TestServer::start_as(&format!("{CONFIG}sound_seconds_per_minute = 130\n")).await;
    let document = description(&server).await;
    let key = server.key.clone();
    let with_key = |ask: TestRequest| ask.header("x-api-key", &key);
    let text = |body: &str| with_key(TestRequest::json("/tts", body.to_owned()));
    for (method, path, ask) in [
        ("get", "/", TestRequest::get("/")),
        ("head", "/", TestRequest::new(Method::HEAD, "/")),
        ("get", "/health", TestRequest::get("/health")),
        ("get", "/robots.txt", TestRequest::get("/robots.txt")),
        ("get", "/openapi.json", TestRequest::get("/openapi.json")),
        ("get", "/assets/{file}", TestRequest::get("/assets/main.js")),
        ("get", "/voices", with_key(TestRequest::get("/voices"))),
        ("get", "/voices", TestRequest::get("/voices")),
        (
            "get",
            "/health",
            TestRequest::get("/health").header("x-api-key", "wrong"),
        ),
        (
            "get",
            "/health",
            TestRequest::get("/health").header("host", "elsewhere.example"),
        ),
        ("get", "/tts", with_key(TestRequest::speak("好"))),
        (
            "head",
            "/tts",
            with_key(TestRequest::new(Method::HEAD, "/tts?text=%E5%A5%BD")),
        ),
        ("get", "/tts", with_key(TestRequest::get("/tts"))),
        ("get", "/tts", with_key(TestRequest::get("/tts?text=%ff"))),
        (
            "get",
            "/tts",
            with_key(TestRequest::get("/tts?text=%E5%A5%BD&speed=x")),
        ),
        ("post", "/tts", text(r#"{"text":"好"}"#)),
        ("post", "/tts", text("{")),
        ("post", "/tts", text(r#"{"text":"好","emotion":"grumpy"}"#)),
        ("post", "/tts", text(r#"{"text":"好","speed":9}"#)),
        ("post", "/tts", text(r#"{"text":"好","voice":"nobody"}"#)),
        ("post", "/tts", text(r#"{"text":"好","format":"aac"}"#)),
        ("post", "/tts", text(r#"{"text":"好","timing":"events"}"#)),
        ("post", "/tts", text(r#"{"text":"好","timing":"json"}"#)),
        ("post", "/tts", text(r#"{"text":"好","timing":"srt"}"#)),
        ("post", "/tts", text(r#"{"text":"好","timing":"vtt"}"#)),
        ("post", "/tts", text(r#"{"text":"好","timing":"x"}"#)),
        ("post", "/tts", text(r#"{"text":"好","ssml":"好"}"#)),
        ("post", "/tts", text(r#"{"ssml":"<speak>好?</speak>"}"#)),
        (
            "post",
            "/tts",
            text(&format!(r#"{{"text":"{}"}}"#, "好".repeat(501))),
        ),
    ] {
        let response = server.client.send(ask).await;
        check(&document, method, path, &response);
    }
    // The limit of a key is not far now.
    let long = format!(r#"{{"text":"{}"}}"#, "好".repeat(500));
    for _ in 0..10 {
        let response = server.client.send(text(&long)).await;
        check(&document, "post", "/tts", &response);
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            return;
        }
    }
    panic!("there is no limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_what_is_sent_and_who_sends_it_are_described() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let opened = server
        .with_key(TestRequest::new(Method::POST, "/session"))
        .await;
    check(&document, "post", "/session", &opened);
    let cookie = opened.cookie();
    let key = server.key.clone();
    let with_key = |ask: TestRequest| ask.header("x-api-key", &key);
    let post = || with_key(TestRequest::new(Method::POST, "/tts"));
    for (method, path, ask) in [
        ("get", "/session", TestRequest::get("/session")),
        (
            "get",
            "/session",
            TestRequest::get("/session").header("cookie", &cookie),
        ),
        (
            "post",
            "/session",
            TestRequest::new(Method::POST, "/session"),
        ),
        // Nothing says that the server's own page asks.
        (
            "delete",
            "/session",
            TestRequest::new(Method::DELETE, "/session").header("cookie", &cookie),
        ),
        (
            "post",
            "/tts",
            TestRequest::json("/tts", r#"{"text":"好"}"#).header("cookie", &cookie),
        ),
        (
            "post",
            "/tts",
            post().header("content-type", "text/plain").body("好"),
        ),
        (
            "post",
            "/tts",
            with_key(TestRequest::json("/tts", r#"{"text":"好"}"#))
                .header("content-encoding", "gzip"),
        ),
        (
            "post",
            "/tts",
            with_key(TestRequest::json("/tts", vec![b' '; 100_000])),
        ),
        (
            "post",
            "/tts",
            with_key(TestRequest::json("/tts", r#"{"text":["好"]}"#)),
        ),
        (
            "post",
            "/tts",
            with_key(TestRequest::json("/tts", r#"{"text":"坏"}"#)),
        ),
        (
            "post",
            "/tts",
            with_key(TestRequest::json("/tts", r#"{"text":"好"}"#))
                .header("authorization", &format!("Bearer {key}")),
        ),
        (
            "delete",
            "/session",
            with_key(TestRequest::new(Method::DELETE, "/session")),
        ),
    ] {
        let response = server.client.send(ask).await;
        check(&document, method, path, &response);
    }
    for (method, path, ask) in [
        ("get", "/", TestRequest::get("/")),
        ("get", "/tts", TestRequest::get("/tts?text=a")),
        ("get", "/voices", TestRequest::get("/voices")),
        ("post", "/tts", TestRequest::json("/tts", "{}")),
    ] {
        let response = send_plain(server.http, ask).await;
        check(&document, method, path, &response);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_in_the_form_of_openai_is_described_so() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let key = server.key.clone();
    let with_key = |ask: TestRequest| ask.header("x-api-key", &key);
    let speech = |body: &str| with_key(TestRequest::json("/v1/audio/speech", body.to_owned()));
    let said =
        |more: &str| format!(r#"{{"model":"sambert-hifigan","voice":"test","input":"好"{more}}}"#);
    for (method, path, ask) in [
        (
            "get",
            "/v1/models",
            with_key(TestRequest::get("/v1/models")),
        ),
        ("get", "/v1/models", TestRequest::get("/v1/models")),
        (
            "get",
            "/v1/models/{model}",
            with_key(TestRequest::get("/v1/models/nobody")),
        ),
        (
            "post",
            "/v1/audio/speech",
            TestRequest::json("/v1/audio/speech", said("")),
        ),
        ("post", "/v1/audio/speech", speech(&said(""))),
        (
            "post",
            "/v1/audio/speech",
            speech(&said(r#","stream_format":"sse""#)),
        ),
        (
            "post",
            "/v1/audio/speech",
            speech(&said(r#","stream_format":"tape""#)),
        ),
        (
            "post",
            "/v1/audio/speech",
            speech(&said(r#","response_format":"mp3""#)),
        ),
        ("post", "/v1/audio/speech", speech(&said(r#","speed":9"#))),
        ("post", "/v1/audio/speech", speech(&said(r#","key":"x""#))),
        ("post", "/v1/audio/speech", speech("{")),
        ("post", "/v1/audio/speech", speech("{}")),
    ] {
        let response = server.client.send(ask).await;
        check(&document, method, path, &response);
    }
}
