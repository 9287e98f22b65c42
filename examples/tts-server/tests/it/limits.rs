//! How often, and how many at once.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::support::{Ask, CONFIG, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_text_in_a_minute_waits_and_is_told_how_long() {
    let server = TestServer::start().await;
    for _ in 0..10 {
        assert_eq!(
            server.with_key(Ask::speak("好")).await.status,
            StatusCode::OK
        );
    }
    let answer = server.with_key(Ask::speak("好")).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    server.clock.advance(Duration::from_secs(wait));
    assert_eq!(
        server.with_key(Ask::speak("好")).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_buys_no_second_quota() {
    let server = TestServer::start().await;
    let session = server.with_key(Ask::new(Method::POST, "/session")).await;
    for _ in 0..10 {
        assert_eq!(
            server.with_key(Ask::speak("好")).await.status,
            StatusCode::OK
        );
    }
    let by_cookie = server
        .client
        .send(Ask::speak("好").header("cookie", &session.cookie()))
        .await;
    assert_eq!(by_cookie.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_sixty_requests_a_minute_whatever_they_are() {
    let server = TestServer::start().await;
    for asked in 0..60 {
        let ask = if asked % 2 == 0 {
            Ask::get("/nowhere")
        } else {
            Ask::speak("好").header("x-api-key", "guess")
        };
        assert_ne!(
            server.client.send(ask).await.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{asked}"
        );
    }
    let answer = server.client.send(Ask::get("/health")).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let trail = server.finish().await;
    assert_eq!(trail.count(), 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_text_needs_one_setting() {
    let server = TestServer::start_as(&format!("{CONFIG}[text]\nmax_graphemes = 1000\n")).await;
    // Each of seven code points, and every one escaped in two halves where it needs them.
    let family: String = "👨‍👩‍👧‍👦"
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let longest = format!(r#"{{"text":"{}好","speed":2}}"#, family.repeat(999));
    let answer = server.with_key(Ask::json("/tts", longest)).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let by_query = Ask::speak(&"好".repeat(1000)).and("speed=2");
    assert_eq!(server.with_key(by_query).await.status, StatusCode::OK);
    let more = server.with_key(Ask::speak(&"好".repeat(1001))).await;
    assert_eq!(
        (more.code(), more.json()["limit"].clone()),
        ("text_too_long".into(), 1000.into())
    );
    // Marks do not count against the words.
    let marked = format!("<speak>{}</speak>", "<p>好</p>".repeat(400));
    let body = serde_json::json!({ "ssml": marked, "speed": 2 }).to_string();
    assert_eq!(
        server.with_key(Ask::json("/tts", body)).await.status,
        StatusCode::OK
    );
}
