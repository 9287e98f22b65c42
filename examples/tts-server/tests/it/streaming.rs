//! Sound that is sent while it is made.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::{
    speech::samples,
    support::{CONFIG, LETTER, TestRequest, TestServer},
};

/// Asks for a stream, and returns the body that has just begun.
async fn stream(server: &TestServer, text: &str) -> Incoming {
    let ask = TestRequest::speak(text)
        .and("stream=true")
        .header("x-api-key", &server.key);
    let response = server.client.begin(ask).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("content-length"));
    response.into_body()
}

/// Takes so many bytes of a stream.
async fn read(body: &mut Incoming, bytes: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < bytes {
        let frame = body.frame().await.expect("more").unwrap();
        read.extend_from_slice(frame.data_ref().unwrap());
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_the_samples_of_the_whole_and_says_behind_them_how_long_it_sounds() {
    let server = TestServer::start().await;
    let whole = server.with_key(TestRequest::speak("今天天气很好")).await;
    let streamed = TestRequest::speak("今天天气很好").and("stream=true");
    let streamed = server.with_key(streamed.header("te", "trailers")).await;
    let expected = samples(&whole);
    assert_eq!(streamed.header("trailer"), "x-audio-seconds");
    assert_eq!(streamed.header("transfer-encoding"), "chunked");
    assert_eq!(streamed.trailers["x-audio-seconds"], "0.600");
    assert_eq!(streamed.body.slice(44..), whole.body.slice(44..));
    assert_eq!(expected.len(), 6 * LETTER);
    assert_eq!(streamed.body[40..44], u32::MAX.to_le_bytes());
    for record in server.finish().await.requests {
        assert_eq!(record["settled"]["audio_milliseconds"], 600, "{record}");
        assert_eq!(record["how"], "complete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sound_comes_while_the_rest_is_made() {
    let server = TestServer::start().await;
    let mut body = stream(&server, "好慢").await;
    assert_eq!(
        read(&mut body, 44 + 2 * LETTER).await.len(),
        44 + 2 * LETTER
    );
    assert_eq!(server.voice.made.get(), 1);
    server.voice.go_on.set();
    assert_eq!(read(&mut body, 2 * LETTER).await.len(), 2 * LETTER);
    assert!(body.frame().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_half_way_stops_the_voice_within_a_stretch_and_pays_for_what_was_made() {
    let server = TestServer::start().await;
    let (made, cancelled) = (server.voice.made.clone(), server.voice.cancelled.clone());
    let mut body = stream(&server, "一二三慢五六七八九十").await;
    read(&mut body, 44 + 3 * 2 * LETTER).await;
    drop(body);
    cancelled.reaches(1).await;
    assert_eq!(made.get(), 3, "nothing was made after it left");
    let trail = server.finish().await;
    let record = &trail.requests[0];
    assert_eq!(record["how"], "body_dropped", "{record}");
    assert_eq!(record["settled"]["audio_milliseconds"], 300, "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_that_breaks_half_way_ends_the_response_early() {
    let server = TestServer::start().await;
    let refused = server.with_key(TestRequest::speak("好断")).await;
    assert_eq!(refused.code(), "synthesis_failed");
    let mut body = stream(&server, "好慢断").await;
    read(&mut body, 44 + 2 * LETTER).await;
    server.voice.go_on.set();
    let broken = async {
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok::<_, hyper::Error>(())
    };
    assert!(broken.await.is_err(), "not a clean end");
    let trail = server.finish().await;
    assert_eq!(trail.requests[1]["how"], "body_failed", "{}", trail.text);
}

/// Space for long texts, and for many of them.
const ROOMY: &str = r#"queue = 16
[text]
max_graphemes = 4000
[[limits]]
name = "tts"
rate = "100/minute"
by = "principal"
"#;

/// Ten minutes of sound, more than all buffers on the way to a client hold.
fn long(server: &TestServer) -> TestRequest {
    let text = "好".repeat(3_000);
    let body = format!(r#"{{"text":"{text}","speed":0.5,"stream":true,"format":"pcm"}}"#);
    TestRequest::json("/tts", body).header("x-api-key", &server.key)
}

const LONG: usize = 3_000 * 2 * LETTER * 2;

/// Waits until no voice makes anything any more, and returns how much was made.
async fn still(server: &TestServer) -> usize {
    let made = &server.voice.made;
    made.reaches(1).await;
    made.stands_still_for(Duration::from_millis(200)).await
}

async fn begin(server: &TestServer) -> Incoming {
    let response = server.client.begin(long(server)).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_read_nothing_stop_the_voice_and_no_other_client() {
    let config = CONFIG.replace("queue = 1\n", ROOMY);
    let server = TestServer::start_as(&config).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(begin(&server).await);
    }
    let made = still(&server).await;
    assert!(made < 8 * 3_000, "all are parked: {made}");
    let asked = tokio::time::timeout(
        Duration::from_secs(5),
        server.with_key(TestRequest::speak("好")),
    );
    assert_eq!(asked.await.unwrap().status, StatusCode::OK);
    // One that reads again gets everything.
    let body = held.pop().unwrap().collect().await.unwrap();
    assert_eq!(body.to_bytes().len(), LONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_ends_its_slowest_reader_and_no_other() {
    let config = CONFIG.replace("queue = 1\n", &format!("listeners = 2\n{ROOMY}"));
    let server = TestServer::start_as(&config).await;
    let slower = begin(&server).await;
    still(&server).await;
    // As long as it takes to be late by more than what the buffers have taken.
    server.clock.advance(Duration::from_secs(900));
    let slow = begin(&server).await;
    still(&server).await;
    assert_eq!(
        server.with_key(TestRequest::speak("好")).await.status,
        StatusCode::OK
    );
    assert!(slower.collect().await.is_err(), "it has lost its place");
    assert_eq!(slow.collect().await.unwrap().to_bytes().len(), LONG);
}
