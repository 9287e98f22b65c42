//! Bad input: what it gets, and that each is written down once.

use http::{Method, StatusCode};

use crate::support::{CONFIG, TestRequest, TestResponse, TestServer, TestVoice, requests};

/// Asks with the key, and checks status, code and that there is exactly one record with both.
async fn check(ask: TestRequest, status: u16, code: &str) -> TestResponse {
    let server = TestServer::start().await;
    let response = server.with_key(ask).await;
    check_refusal(server, response, status, code).await
}

/// As [`check`], without the key.
async fn check_as_guest(ask: TestRequest, status: u16, code: &str) -> TestResponse {
    let server = TestServer::start().await;
    let response = server.client.send(ask).await;
    check_refusal(server, response, status, code).await
}

async fn check_refusal(
    server: TestServer,
    response: TestResponse,
    status: u16,
    code: &str,
) -> TestResponse {
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (status, code),
        "{:?}",
        response.body
    );
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(response.header("cache-control"), "no-store");
    let trail = server.finish().await;
    assert_eq!(trail.requests.len(), 1, "{}", trail.text);
    assert_eq!(trail.requests[0]["status"], status);
    let refused = trail.requests[0]["refused"].as_array().unwrap();
    assert_eq!(
        (refused.len(), &refused[0]["code"]),
        (1, &code.into()),
        "{}",
        trail.text
    );
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_missing_empty_or_nothing_but_control_characters_is_refused_by_name() {
    for (ask, status, code) in [
        (TestRequest::get("/tts"), 400, "field_missing"),
        (
            TestRequest::json("/tts", r#"{"emotion":"happy"}"#),
            400,
            "field_missing",
        ),
        (TestRequest::get("/tts?text="), 422, "text_empty"),
        (TestRequest::speak(" \t\n"), 422, "text_empty"),
        (
            TestRequest::speak("\u{1}\u{2}\u{7f}"),
            422,
            "text_nothing_left",
        ),
        (
            TestRequest::json("/tts", r#"{"text":"\u0001\u0002"}"#),
            422,
            "text_nothing_left",
        ),
        (TestRequest::speak("😀"), 422, "text_not_speakable"),
    ] {
        let response = check(ask, status, code).await;
        assert_eq!(response.json()["field"], "text", "{:?}", response.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_graphemes_pass_and_one_more_does_not() {
    let server = TestServer::start().await;
    // A family is one grapheme of seven code points.
    let longest = format!("{}👨‍👩‍👧‍👦", "好".repeat(499));
    let body = |text: &str| serde_json::json!({ "text": text, "speed": 2 }).to_string();
    assert_eq!(
        server
            .with_key(TestRequest::json("/tts", body(&longest)))
            .await
            .status,
        StatusCode::OK
    );
    let response = server
        .with_key(TestRequest::json("/tts", body(&format!("{longest}好"))))
        .await;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (
            response.json()["field"].clone(),
            response.json()["limit"].clone()
        ),
        ("text".into(), 500.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_emotion_is_refused_with_those_there_are() {
    let response = check(
        TestRequest::get("/tts?text=%E5%A5%BD&emotion=grumpy"),
        422,
        "emotion_unknown",
    )
    .await;
    assert_eq!(
        response.json()["emotions"],
        serde_json::json!(["neutral", "happy"])
    );
    assert!(!String::from_utf8_lossy(&response.body).contains("grumpy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_out_of_range_is_refused_with_the_range() {
    for speed in ["0.4", "2.1", "NaN"] {
        let response = check(
            TestRequest::get(&format!("/tts?text=%E5%A5%BD&speed={speed}")),
            422,
            "speed_out_of_range",
        )
        .await;
        assert_eq!(response.json()["range"], serde_json::json!([0.5, 2.0]));
    }
    check(
        TestRequest::get("/tts?text=%E5%A5%BD&speed=fast"),
        400,
        "speed_no_number",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_as_such() {
    check(TestRequest::json("/tts", "{"), 400, "json_malformed").await;
    check(
        TestRequest::json("/tts", &b"{\"text\":\"\xff\"}"[..]),
        400,
        "json_malformed",
    )
    .await;
    check(TestRequest::get("/tts?text=%ff"), 400, "query_malformed").await;
    check(
        TestRequest::get("/tts?text=%E5%A5%BD&text=%E5%A5%BD"),
        400,
        "field_duplicated",
    )
    .await;
    check(
        TestRequest::get("/tts?text=%E5%A5%BD&api_key=x"),
        400,
        "query_malformed",
    )
    .await;
    check(
        TestRequest::json("/tts", r#"{"text":"好","speed":"fast"}"#),
        422,
        "request_shape",
    )
    .await;
    check(
        TestRequest::json("/tts", r#"{"text":["好"]}"#),
        422,
        "field_not_text",
    )
    .await;
    check(
        TestRequest::new(Method::POST, "/tts")
            .header("content-type", "text/plain")
            .body("好"),
        415,
        "content_type_unsupported",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_cap_is_413() {
    let body = format!("{{\"text\":\"{}\"}}", "好".repeat(30_000));
    check(TestRequest::json("/tts", body), 413, "payload_too_large").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_end_behind_the_same_layers() {
    check_as_guest(TestRequest::get("/admin"), 404, "not_found").await;
    check_as_guest(TestRequest::get("/assets/main.js"), 404, "not_found").await;
    let response = check_as_guest(
        TestRequest::new(Method::PUT, "/tts"),
        405,
        "method_not_allowed",
    )
    .await;
    assert_eq!(response.header("allow"), "GET, HEAD, POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_missing_wrong_or_doubled_is_refused() {
    for ask in [
        TestRequest::speak("好"),
        TestRequest::speak("好").header("x-api-key", ""),
        TestRequest::speak("好").header("x-api-key", "psk_live_guess"),
        TestRequest::speak("好").header("authorization", "Bearer psk_live_guess"),
        TestRequest::speak("好").header("cookie", "__Host-palisade=guess"),
    ] {
        let server = TestServer::start().await;
        let response = server.client.send(ask).await;
        assert_eq!(
            response.status,
            StatusCode::UNAUTHORIZED,
            "{:?}",
            response.body
        );
        assert!(response.headers.contains_key("www-authenticate"));
        assert_eq!(server.finish().await.requests.len(), 1);
    }
    let server = TestServer::start().await;
    let ask = TestRequest::speak("好").header("authorization", &format!("Bearer {}", server.key));
    let response = server.with_key(ask).await;
    assert_eq!(
        response.status,
        StatusCode::BAD_REQUEST,
        "{:?}",
        response.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_is_not_followed() {
    let server = TestServer::start().await;
    let ask = TestRequest::get("/tts").header("host", "evil.example");
    let response = crate::support::send_plain(server.http, ask).await;
    assert_eq!(response.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!response.headers.contains_key("location"));
    let response = crate::support::send_plain(server.http, TestRequest::get("/tts?text=a")).await;
    assert_eq!(response.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        response.header("location"),
        format!("https://localhost:{}/tts?text=a", server.https.port())
    );
    // A program that posts its text in clear gets a refusal, not a redirect.
    let response = crate::support::send_plain(server.http, TestRequest::json("/tts", "{}")).await;
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    assert_eq!(server.finish().await.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_panics_costs_one_response_and_no_thread() {
    let server = TestServer::start().await;
    let response = server.with_key(TestRequest::speak("坏")).await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (500, "synthesis_failed")
    );
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_fail_closed_mode_each_response_is_on_record_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trail.jsonl");
    let config = format!("{CONFIG}\n[audit]\nfile = {file:?}\npolicy = \"fail-closed\"\n");
    let voice = TestVoice::default();
    let server = TestServer::start_with(&config, voice.clone(), voice).await;
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        !requests(&text).is_empty() || text.contains("\"head\""),
        "{text}"
    );
}
