//! How often, and how many at once.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::support::{Ask, TestServer};

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
    assert_eq!(trail.requests.len(), 61);
}
