//! Clients that leave, and those that find every place taken.

use std::time::Duration;

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::client::TlsStream;

use crate::support::{TestRequest, TestServer, encode};

/// Asks for a text, and does not wait for the response.
async fn ask_and_hold(server: &TestServer, text: &str) -> TlsStream<TcpStream> {
    let mut stream = server.client.connect().await;
    let (text, port, key) = (encode(text), server.https.port(), &server.key);
    let request = format!(
        "GET /tts?text={text} HTTP/1.1\r\nhost: localhost:{port}\r\nx-api-key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Returns a connection whose one request has its response.
async fn idle_connection(server: &TestServer) -> TlsStream<TcpStream> {
    let mut stream = server.client.connect().await;
    let request = format!(
        "GET /nowhere HTTP/1.1\r\nhost: localhost:{}\r\n\r\n",
        server.https.port()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"}") {
        response.push(stream.read_u8().await.unwrap());
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_stops_the_voice_and_is_in_the_trail_once() {
    let server = TestServer::start().await;
    let (speaking, cancelled) = (
        server.voice.speaking.clone(),
        server.voice.cancelled.clone(),
    );
    let held = ask_and_hold(&server, "慢慢说").await;
    speaking.reaches(1).await;
    drop(held);
    cancelled.reaches(1).await;
    let trail = server.finish().await;
    assert_eq!(trail.requests.len(), 1, "{}", trail.text);
    assert_eq!(trail.requests[0]["how"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_sends_retry_after_and_a_disconnect_frees_its_place() {
    let server = TestServer::start().await;
    let speaking = server.voice.speaking.clone();
    let spoken = ask_and_hold(&server, "慢一").await;
    speaking.reaches(1).await;

    // One place is left: of three that come at once, two are turned away.
    let mut asking = JoinSet::new();
    for _ in 0..3 {
        let client = server.another_client();
        let ask = TestRequest::speak("慢二").header("x-api-key", &server.key);
        asking.spawn(async move { client.send(ask).await });
    }
    for _ in 0..2 {
        let full = asking.join_next().await.unwrap().unwrap();
        assert_eq!(
            (full.status.as_u16(), full.code().as_str()),
            (503, "queue_full")
        );
        assert!(full.header("retry-after").parse::<u64>().unwrap() >= 1);
    }

    asking.shutdown().await;
    drop(spoken);
    let response = loop {
        server.clock.advance(Duration::from_secs(60));
        let response = server.with_key(TestRequest::speak("好")).await;
        if response.status != StatusCode::SERVICE_UNAVAILABLE {
            break response;
        }
    };
    assert_eq!(response.status, StatusCode::OK);
    let trail = server.finish().await;
    let full = |record: &&serde_json::Value| record["status"] == 503;
    let record = trail.requests.iter().find(full).unwrap();
    assert_eq!(record["settled"]["audio_milliseconds"], 0, "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_finishes_what_was_begun() {
    let server = TestServer::start().await;
    let (speaking, go_on) = (server.voice.speaking.clone(), server.voice.go_on.clone());
    let client = server.another_client();
    let ask = TestRequest::speak("慢").header("x-api-key", &server.key);
    let answering = tokio::spawn(async move { client.send(ask).await });
    speaking.reaches(1).await;
    let mut idle = idle_connection(&server).await;
    let finishing = tokio::spawn(server.finish());
    // A server that stops closes its idle connections at once.
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert!(!finishing.is_finished());
    go_on.set();
    assert_eq!(answering.await.unwrap().status, StatusCode::OK);
    assert_eq!(finishing.await.unwrap().requests.len(), 2);
}
