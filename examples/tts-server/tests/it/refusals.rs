//! Bad input: what it gets, and that each is written down once.

use http::{Method, StatusCode};

use crate::support::{Answer, Ask, CONFIG, TestServer, TestVoice, requests};

/// Asks with the key, and checks status, code and that there is exactly one record with both.
async fn check(ask: Ask, status: u16, code: &str) -> Answer {
    let server = TestServer::start().await;
    let answer = server.with_key(ask).await;
    judge(server, answer, status, code).await
}

/// As [`check`], without the key.
async fn check_as_guest(ask: Ask, status: u16, code: &str) -> Answer {
    let server = TestServer::start().await;
    let answer = server.client.send(ask).await;
    judge(server, answer, status, code).await
}

async fn judge(server: TestServer, answer: Answer, status: u16, code: &str) -> Answer {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (status, code),
        "{:?}",
        answer.body
    );
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
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
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_missing_empty_or_nothing_but_control_characters_is_refused_by_name() {
    for (ask, status, code) in [
        (Ask::get("/tts"), 400, "field_missing"),
        (
            Ask::json("/tts", r#"{"emotion":"happy"}"#),
            400,
            "field_missing",
        ),
        (Ask::get("/tts?text="), 422, "text_empty"),
        (Ask::speak(" \t\n"), 422, "text_empty"),
        (Ask::speak("\u{1}\u{2}\u{7f}"), 422, "text_nothing_left"),
        (
            Ask::json("/tts", r#"{"text":"\u0001\u0002"}"#),
            422,
            "text_nothing_left",
        ),
        (Ask::speak("😀"), 422, "text_not_speakable"),
    ] {
        let answer = check(ask, status, code).await;
        assert_eq!(answer.json()["field"], "text", "{:?}", answer.body);
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
            .with_key(Ask::json("/tts", body(&longest)))
            .await
            .status,
        StatusCode::OK
    );
    let answer = server
        .with_key(Ask::json("/tts", body(&format!("{longest}好"))))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (
            answer.json()["field"].clone(),
            answer.json()["limit"].clone()
        ),
        ("text".into(), 500.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_emotion_is_answered_with_those_there_are() {
    let answer = check(
        Ask::get("/tts?text=%E5%A5%BD&emotion=grumpy"),
        422,
        "emotion_unknown",
    )
    .await;
    assert_eq!(
        answer.json()["emotions"],
        serde_json::json!(["neutral", "happy"])
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains("grumpy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_out_of_range_is_refused_with_the_range() {
    for speed in ["0.4", "2.1", "NaN"] {
        let answer = check(
            Ask::get(&format!("/tts?text=%E5%A5%BD&speed={speed}")),
            422,
            "speed_out_of_range",
        )
        .await;
        assert_eq!(answer.json()["range"], serde_json::json!([0.5, 2.0]));
    }
    check(
        Ask::get("/tts?text=%E5%A5%BD&speed=fast"),
        400,
        "speed_no_number",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_as_such() {
    check(Ask::json("/tts", "{"), 400, "json_malformed").await;
    check(
        Ask::json("/tts", &b"{\"text\":\"\xff\"}"[..]),
        400,
        "json_malformed",
    )
    .await;
    check(Ask::get("/tts?text=%ff"), 400, "query_malformed").await;
    check(
        Ask::get("/tts?text=%E5%A5%BD&text=%E5%A5%BD"),
        400,
        "field_duplicated",
    )
    .await;
    check(
        Ask::get("/tts?text=%E5%A5%BD&api_key=x"),
        400,
        "query_malformed",
    )
    .await;
    check(
        Ask::json("/tts", r#"{"text":"好","speed":"fast"}"#),
        422,
        "request_shape",
    )
    .await;
    check(
        Ask::json("/tts", r#"{"text":["好"]}"#),
        422,
        "field_not_text",
    )
    .await;
    check(
        Ask::new(Method::POST, "/tts")
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
    check(Ask::json("/tts", body), 413, "payload_too_large").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_end_behind_the_same_layers() {
    check_as_guest(Ask::get("/admin"), 404, "not_found").await;
    check_as_guest(Ask::get("/assets/main.js"), 404, "not_found").await;
    let answer = check_as_guest(Ask::new(Method::PUT, "/tts"), 405, "method_not_allowed").await;
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_missing_wrong_or_doubled_is_refused() {
    for ask in [
        Ask::speak("好"),
        Ask::speak("好").header("x-api-key", ""),
        Ask::speak("好").header("x-api-key", "psk_live_guess"),
        Ask::speak("好").header("authorization", "Bearer psk_live_guess"),
        Ask::speak("好").header("cookie", "__Host-palisade=guess"),
    ] {
        let server = TestServer::start().await;
        let answer = server.client.send(ask).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{:?}", answer.body);
        assert!(answer.headers.contains_key("www-authenticate"));
        assert_eq!(server.finish().await.requests.len(), 1);
    }
    let server = TestServer::start().await;
    let ask = Ask::speak("好").header("authorization", &format!("Bearer {}", server.key));
    let answer = server.with_key(ask).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:?}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_is_not_followed() {
    let server = TestServer::start().await;
    let ask = Ask::get("/tts").header("host", "evil.example");
    let answer = crate::support::send_plain(server.http, ask).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!answer.headers.contains_key("location"));
    let answer = crate::support::send_plain(server.http, Ask::get("/tts?text=a")).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        answer.header("location"),
        format!("https://localhost:{}/tts?text=a", server.https.port())
    );
    // A program that posts its text in clear is told, not led on.
    let answer = crate::support::send_plain(server.http, Ask::json("/tts", "{}")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(server.finish().await.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_panics_costs_one_answer_and_no_thread() {
    let server = TestServer::start().await;
    let answer = server.with_key(Ask::speak("坏")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (500, "synthesis_failed")
    );
    assert_eq!(
        server.with_key(Ask::speak("好")).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_fail_closed_mode_each_answer_is_on_record_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trail.jsonl");
    let config = format!("{CONFIG}\n[audit]\nfile = {file:?}\npolicy = \"fail-closed\"\n");
    let voice = TestVoice::default();
    let server = TestServer::start_with(&config, voice.clone(), voice).await;
    assert_eq!(
        server.with_key(Ask::speak("好")).await.status,
        StatusCode::OK
    );
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        !requests(&text).is_empty() || text.contains("\"head\""),
        "{text}"
    );
}
