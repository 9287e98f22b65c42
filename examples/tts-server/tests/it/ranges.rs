//! Parts of finished sound, where the operator keeps it.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use palisade::api_key::{Environment, Grant};

use crate::sessions::another_key;
use crate::support::{CONFIG, TestRequest, TestResponse, TestServer, TestVoice};

async fn server() -> TestServer {
    TestServer::start_as(&format!("{CONFIG}sound_cache_mib = 1\n")).await
}

async fn ask(server: &TestServer, range: &str) -> TestResponse {
    let ask = TestRequest::speak("今天天气").header("range", range);
    server.with_key(ask).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_finished_sound_is_sent_without_speaking_again() {
    let server = server().await;
    let whole = server.with_key(TestRequest::speak("今天天气")).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let length = whole.body.len();
    for (range, part) in [
        ("bytes=0-3", 0..4),
        ("bytes=44-", 44..length),
        ("bytes=-10", length - 10..length),
    ] {
        let response = ask(&server, range).await;
        assert_eq!(response.status, StatusCode::PARTIAL_CONTENT, "{range}");
        let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!(response.header("content-range"), place);
        assert_eq!(response.header("content-length"), part.len().to_string());
        assert_eq!(response.header("etag"), whole.header("etag"));
        assert_eq!(response.header("content-type"), "audio/wav");
        assert_eq!(response.body, whole.body.slice(part), "{range}");
    }
    assert_eq!(server.voice.speaking.get(), 1);
    let trail = server.finish().await;
    let costs: Vec<_> = trail
        .requests
        .iter()
        .map(|one| one["settled"]["audio_milliseconds"].as_u64())
        .collect();
    // What is kept costs what a request costs at least, and not more than to speak it.
    assert_eq!(costs, [Some(400); 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_for_a_part_makes_the_whole() {
    let server = server().await;
    let response = ask(&server, "bytes=0-3").await;
    assert_eq!(
        (response.status, &response.body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"RIFF"[..])
    );
    let behind = ask(&server, "bytes=99999999-").await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.code(), "range_not_satisfiable");
    let length = response
        .header("content-range")
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(behind.header("content-range"), format!("bytes */{length}"));
    assert_eq!(server.voice.speaking.get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_file_and_several_parts_are_the_whole() {
    let server = server().await;
    let whole = server.with_key(TestRequest::speak("今天天气")).await;
    let etag = whole.header("etag").to_owned();
    for (range, known, status) in [
        ("bytes=0-3", etag.as_str(), StatusCode::PARTIAL_CONTENT),
        ("bytes=0-3", "\"another\"", StatusCode::OK),
        ("bytes=0-3", "Mon, 30 Nov 2026 20:00:00 GMT", StatusCode::OK),
        ("bytes=0-3,5-6", etag.as_str(), StatusCode::OK),
        ("lines=0-3", etag.as_str(), StatusCode::OK),
    ] {
        let ask = TestRequest::speak("今天天气")
            .header("range", range)
            .header("if-range", known);
        let response = server.with_key(ask).await;
        assert_eq!(response.status, status, "{range} {known}");
        if status == StatusCode::OK {
            assert_eq!(response.body, whole.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_and_for_streams_there_are_no_parts() {
    let server = TestServer::start().await;
    let response = ask(&server, "bytes=0-3").await;
    assert_eq!(
        (response.status, response.header("accept-ranges")),
        (StatusCode::OK, "none")
    );
    drop(server);
    let server = self::server().await;
    let stream = TestRequest::speak("今天天气")
        .and("stream=true")
        .header("range", "bytes=0-3");
    let response = server.with_key(stream).await;
    assert_eq!(
        (response.status, response.header("accept-ranges")),
        (StatusCode::OK, "none")
    );
    let head = TestRequest::new(http::Method::HEAD, "/tts?text=%E5%A5%BD");
    assert_eq!(server.with_key(head).await.header("accept-ranges"), "bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_sound_of_one_key_is_not_that_of_another() {
    let voice = TestVoice::default();
    let config = format!("{CONFIG}sound_cache_mib = 1\n");
    let server = TestServer::start_with(&config, voice.clone(), voice).await;
    ask(&server, "bytes=0-3").await;
    let grant = Grant::new(Environment::Live).scopes(["tts:speak"]);
    let other = another_key(&server, grant).await;
    let request = TestRequest::speak("今天天气").header("x-api-key", &other);
    assert_eq!(server.client.send(request).await.status, StatusCode::OK);
    assert_eq!(server.voice.speaking.get(), 2);
}

/// Nearly seventeen minutes of sound in few bytes of a query: more than the buffers on the way to a client hold.
fn long(server: &TestServer, first: char) -> TestRequest {
    let text = format!("{first}{}", "a".repeat(4_999));
    TestRequest::speak(&text)
        .and("speed=0.5")
        .header("x-api-key", &server.key)
}

const LONG: &str = r#"queue = 1
listeners = 2
sound_cache_mib = 128
[text]
max_graphemes = 5000
[[limits]]
name = "tts"
rate = "100/minute"
by = "principal"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_finished_sound_have_a_place_until_they_have_read_it() {
    let config = CONFIG.replace("queue = 1\n", LONG);
    let server = TestServer::start_as(&config).await;
    // The first file was not there yet, the second one was.
    let first = server.client.begin(long(&server, '好')).await;
    let second = server.client.begin(long(&server, '好')).await;
    assert_eq!(server.voice.speaking.get(), 1);
    for response in [&first, &second] {
        assert_eq!(response.status(), StatusCode::OK);
    }
    for text in ["好", "今天"] {
        let third = server.with_key(TestRequest::speak(text)).await;
        assert_eq!(third.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(third.code(), "queue_full");
    }
    let third = server.client.begin(long(&server, '好')).await;
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Who is late by more than its patience makes space, and gets no more.
    server.clock.advance(Duration::from_secs(2_000));
    let last = server.with_key(TestRequest::speak("今天")).await;
    assert_eq!(last.status, StatusCode::OK);
    let [first, second] = [first, second].map(|response| response.into_body().collect());
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err() != second.is_err(), "one of both was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_sound_is_not_free_for_its_key() {
    let config = format!("{CONFIG}sound_cache_mib = 1\nsound_seconds_per_minute = 4\n");
    let server = TestServer::start_as(&config).await;
    let mut accepted = 0;
    while ask(&server, "bytes=0-3").await.status == StatusCode::PARTIAL_CONTENT {
        accepted += 1;
        assert!(accepted < 50, "hits are free");
    }
    assert_eq!(server.voice.speaking.get(), 1);
    assert!(accepted >= 4, "{accepted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_sound_is_not_kept_for_ever() {
    let server = server().await;
    for (wait, spoken) in [(0, 1), (1_799, 1), (1, 2)] {
        server.clock.advance(Duration::from_secs(wait));
        let response = ask(&server, "bytes=0-3").await;
        assert_eq!(response.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(server.voice.speaking.get(), spoken, "{wait}");
    }
}
