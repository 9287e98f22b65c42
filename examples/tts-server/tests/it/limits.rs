//! How often, and how many at once.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::support::{CONFIG, TestRequest, TestServer};

/// A minute of sound and forty seconds more, of the quick voice.
fn long() -> TestRequest {
    let body = serde_json::json!({ "text": "好".repeat(500), "speed": 0.5 });
    TestRequest::json("/tts", body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_ten_minutes_of_sound_waits_and_is_told_how_long() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        assert_eq!(server.with_key(long()).await.status, StatusCode::OK);
    }
    // A hundred seconds are left, and 121 would be reserved.
    let response = server.with_key(long()).await;
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
    server.clock.advance(Duration::from_secs(wait));
    assert_eq!(server.with_key(long()).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_in_many_sentences_is_spoken_whole() {
    let server = TestServer::start().await;
    for sentence in 0..50 {
        let response = server.with_key(TestRequest::speak("今天天气很好。")).await;
        assert_eq!(response.status, StatusCode::OK, "sentence {sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_refused_costs_no_sound() {
    let server = TestServer::start_as(&format!("{CONFIG}sound_seconds_per_minute = 4\n")).await;
    for ask in [
        // Refused by the voice, by the handler, and by the layer for text.
        || TestRequest::speak("😀"),
        || TestRequest::speak("好").and("speed=9"),
        || TestRequest::speak("\u{1}"),
    ] {
        for _ in 0..9 {
            let status = server.with_key(ask()).await.status;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
    let trail = server.finish().await;
    let spoken = trail.requests.last().unwrap();
    assert_eq!(spoken["settled"]["audio_milliseconds"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_needs_no_voice_and_no_limit_of_sound() {
    let server = TestServer::start_as(&format!("{CONFIG}sound_seconds_per_minute = 1\n")).await;
    let head = |query: &str| TestRequest::new(Method::HEAD, &format!("/tts?{query}"));
    for _ in 0..10 {
        let response = server.with_key(head("text=%E5%A5%BD&format=flac")).await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.header("content-type"), "audio/flac");
        assert_eq!(response.header("accept-ranges"), "none");
        assert!(response.body.is_empty());
    }
    for (query, status) in [
        ("text=%E5%A5%BD&speed=9", 422),
        ("text=", 422),
        ("text=%ff", 400),
    ] {
        let response = server.with_key(head(query)).await;
        assert_eq!(response.status.as_u16(), status, "{query}");
    }
    let guest = server.client.send(head("text=%E5%A5%BD")).await;
    assert_eq!(guest.status, StatusCode::UNAUTHORIZED);
    let spoken = server.voice.speaking.get();
    assert_eq!(spoken, 0, "no voice is asked for a head");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_buys_no_second_quota() {
    let server = TestServer::start_as(&format!("{CONFIG}sound_seconds_per_minute = 1\n")).await;
    let session = server
        .with_key(TestRequest::new(Method::POST, "/session"))
        .await;
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
    let by_cookie = server
        .client
        .send(TestRequest::speak("好").header("cookie", &session.cookie()))
        .await;
    assert_eq!(by_cookie.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_sixty_requests_a_minute_whatever_they_are() {
    let server = TestServer::start().await;
    for asked in 0..60 {
        let ask = if asked % 2 == 0 {
            TestRequest::get("/nowhere")
        } else {
            TestRequest::speak("好").header("x-api-key", "guess")
        };
        assert_ne!(
            server.client.send(ask).await.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{asked}"
        );
    }
    let response = server.client.send(TestRequest::get("/voices")).await;
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    // A monitor must not take the server for dead.
    let health = server.client.send(TestRequest::get("/health")).await;
    assert_eq!(health.status, StatusCode::OK);
    let trail = server.finish().await;
    assert_eq!(trail.count(), 62);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_text_needs_one_setting() {
    let server = TestServer::start_as(&format!(
        "{CONFIG}sound_seconds_per_minute = 86400\n[text]\nmax_graphemes = 1000\n"
    ))
    .await;
    // Each of seven code points, and every one escaped in two halves where it needs them.
    let family: String = "👨‍👩‍👧‍👦"
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let longest = format!(r#"{{"text":"{}好","speed":2}}"#, family.repeat(999));
    let response = server.with_key(TestRequest::json("/tts", longest)).await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    let by_query = TestRequest::speak(&"好".repeat(1000)).and("speed=2");
    assert_eq!(server.with_key(by_query).await.status, StatusCode::OK);
    let more = server
        .with_key(TestRequest::speak(&"好".repeat(1001)))
        .await;
    assert_eq!(
        (more.code(), more.json()["limit"].clone()),
        ("text_too_long".into(), 1000.into())
    );
    // Marks do not count against the words.
    let marked = format!("<speak>{}</speak>", "<p>好</p>".repeat(400));
    let body = serde_json::json!({ "ssml": marked, "speed": 2 }).to_string();
    assert_eq!(
        server
            .with_key(TestRequest::json("/tts", body))
            .await
            .status,
        StatusCode::OK
    );
}
