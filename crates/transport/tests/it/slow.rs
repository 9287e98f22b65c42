//! Bodies that move, but too slowly.

use std::time::Duration;

use palisade_transport::server::{ConnectionEventKind, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    frames::{DATA, HEADERS, Method, Raw, SETTINGS, frame, head, no_window, window_update},
    support::{Running, bind, eventually, hasty, read_all, read_response, start, within},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Only what a test sets is short.
fn patient() -> Limits {
    Limits::default()
        .header_timeout(HOUR)
        .idle_timeout(HOUR)
        .body_timeout(HOUR)
        .write_timeout(HOUR)
        .rate_grace(HOUR)
}

const GRACE: Duration = Duration::from_millis(300);

/// A clock for clients that do something now and then.
fn beat() -> tokio::time::Interval {
    tokio::time::interval(Duration::from_millis(20))
}

async fn trickle_a_body(running: &Running) -> String {
    let (mut reader, mut writer) = running.connect().await.into_split();
    let head = b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
    writer.write_all(head).await.unwrap();
    let mut beat = beat();
    let trickle = async {
        while writer.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
        std::future::pending::<()>().await;
    };
    within(async {
        tokio::select! {
            () = trickle => unreachable!(),
            response = read_response(&mut reader) => response,
        }
    })
    .await
}

#[tokio::test]
async fn a_byte_now_and_then_keeps_no_request_body_alive() {
    let limits = patient().rate_grace(GRACE);
    let running = start(bind().limits(limits));
    let response = trickle_a_body(&running).await;
    assert!(
        response.ends_with("the client sent too slowly"),
        "{response}"
    );
    assert_eq!(
        running.stats.count(ConnectionEventKind::RequestBodyTimeout),
        1
    );
}

#[tokio::test]
async fn a_request_body_has_a_total_deadline() {
    let limits = patient().body_minimum_rate(0).body_total_timeout(GRACE);
    let running = start(bind().limits(limits));
    let response = trickle_a_body(&running).await;
    assert!(
        response.ends_with("the client sent too slowly"),
        "{response}"
    );
}

#[tokio::test]
async fn a_slow_request_body_on_http2_ends_alone() {
    let limits = patient().rate_grace(GRACE);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut raw = Raw::open(&running).await;
    raw.send(&frame(HEADERS, 4, 1, &head(Method::Post, "/length")))
        .await;
    raw.send(&frame(HEADERS, 5, 3, &head(Method::Get, "/wait")))
        .await;
    let mut beat = beat();
    while running.stats.count(ConnectionEventKind::RequestBodyTimeout) == 0 {
        assert!(raw.send(&frame(DATA, 0, 1, b"x")).await);
        beat.tick().await;
    }
    assert!(raw.response_ends(1).await);
    running.door.notify_one();
    assert!(raw.response_ends(3).await);
}

/// Once the response has begun, the two sides talk to each other, for as long as they like.
#[tokio::test]
async fn a_conversation_has_neither_a_rate_nor_a_total() {
    let limits = patient()
        .rate_grace(Duration::ZERO)
        .body_total_timeout(GRACE);
    let running = start(bind().limits(limits));
    let mut socket = running.connect().await;
    let head = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut beat = beat();
    for _ in 0..30 {
        socket.write_all(b"1\r\nx\r\n").await.unwrap();
        beat.tick().await;
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let mut received = Vec::new();
    let mut part = [0; 1024];
    within(async {
        while !received.ends_with(b"0\r\n\r\n") {
            let count = socket.read(&mut part).await.unwrap();
            assert!(
                count > 0,
                "it was cut: {}",
                String::from_utf8_lossy(&received)
            );
            received.extend_from_slice(&part[..count]);
        }
    })
    .await;
    assert_eq!(received.iter().filter(|byte| **byte == b'x').count(), 30);
}

/// The buffers of the system take some megabytes at once: only a very high rate shows the cut soon.
#[tokio::test]
async fn a_byte_now_and_then_keeps_no_response_alive() {
    let limits = patient().rate_grace(GRACE).response_minimum_rate(u32::MAX);
    let running = start(bind().limits(limits));
    let (mut reader, mut writer) = running.connect().await.into_split();
    writer
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut beat = beat();
    while running.stats.count(ConnectionEventKind::ResponseTimeout) == 0 {
        within(reader.read_u8()).await.unwrap();
        beat.tick().await;
    }
    eventually("the place is free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn a_response_has_a_total_deadline() {
    let limits = patient()
        .response_minimum_rate(0)
        .response_total_timeout(GRACE);
    let running = start(bind().limits(limits));
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    eventually("it is cut", || {
        running.stats.count(ConnectionEventKind::ResponseTimeout) == 1
    })
    .await;
}

/// A window that is opened a byte at a time, beside a stream whose handler takes its time.
#[tokio::test]
async fn a_slow_reader_on_http2_loses_its_stream_and_no_other() {
    // What lies in the server's buffers counts as taken: a high rate makes that a moment.
    let limits = patient().rate_grace(GRACE).response_minimum_rate(100_000);
    let running = start(bind().http2_in_clear().limits(limits));
    let mut raw = Raw::open(&running).await;
    raw.send(&no_window()).await;
    raw.send(&frame(HEADERS, 5, 1, &head(Method::Get, "/large")))
        .await;
    raw.send(&frame(HEADERS, 5, 3, &head(Method::Get, "/wait")))
        .await;
    let mut beat = beat();
    while running.stats.count(ConnectionEventKind::ResponseTimeout) == 0 {
        assert!(raw.send(&window_update(1, 1)).await);
        beat.tick().await;
    }
    assert!(raw.stream_is_reset(1).await);
    running.door.notify_one();
    raw.send(&window_update(3, 100)).await;
    assert!(raw.response_ends(3).await);
}

#[tokio::test]
async fn an_unread_response_on_http2_ends_alone() {
    let running = start(
        bind()
            .http2_in_clear()
            .limits(patient().write_timeout(GRACE)),
    );
    let mut raw = Raw::open(&running).await;
    raw.send(&frame(HEADERS, 5, 1, &head(Method::Get, "/large")))
        .await;
    assert!(raw.stream_is_reset(1).await);
    raw.send(&frame(HEADERS, 5, 3, &head(Method::Get, "/")))
        .await;
    assert!(raw.gets_a_reply().await);
}

/// What the handler has not produced cannot be read: waiting for it is no slow reading.
#[tokio::test]
async fn an_event_stream_that_is_quiet_is_not_cut() {
    let limits = hasty()
        .idle_timeout(HOUR) // Half of it is when the server pings, and this client does not answer.
        .rate_grace(Duration::from_millis(200))
        .response_minimum_rate(u32::MAX)
        .response_total_timeout(Duration::from_millis(200));
    let running = start(bind().http2_in_clear().limits(limits));
    let mut socket = running.connect().await;
    let get = b"GET /events HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    socket.write_all(get).await.unwrap();
    let mut raw = Raw::open(&running).await;
    raw.send(&frame(HEADERS, 5, 1, &head(Method::Get, "/events")))
        .await;
    assert!(raw.read_until(|(kind, ..)| *kind == DATA).await);
    // Longer than every limit: another client's limit strikes three times.
    for _ in 0..3 {
        let mut silent = running.connect().await;
        assert_eq!(read_all(&mut silent).await, "");
    }
    running.door.notify_waiters();
    assert!(read_all(&mut socket).await.contains("last"));
    assert!(raw.response_ends(1).await);
    assert_eq!(running.stats.count(ConnectionEventKind::ResponseTimeout), 0);
}

/// Windows of one byte leave the rest of each response in the server's buffers, where hyper has
/// forgotten it. Small requests that are read keep the connection from being idle.
#[tokio::test]
async fn responses_that_are_over_and_not_let_out_end_the_connection() {
    let running = start(
        bind()
            .http2_in_clear()
            .limits(patient().write_timeout(GRACE)),
    );
    let mut raw = Raw::open(&running).await;
    raw.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1])).await;
    for stream in (1..40).step_by(2) {
        raw.send(&frame(HEADERS, 5, stream, &head(Method::Get, "/")))
            .await;
    }
    let mut beat = beat();
    let mut stream = 41;
    while raw
        .send(&frame(HEADERS, 5, stream, &head(Method::Get, "/")))
        .await
    {
        raw.send(&window_update(stream, 100)).await;
        if !raw.response_ends(stream).await {
            break;
        }
        stream += 2;
        assert!(stream < 2_000, "it lives for ever");
        beat.tick().await;
    }
    eventually("it is recorded", || {
        running.stats.count(ConnectionEventKind::ResponseTimeout) == 1
    })
    .await;
}
