//! Connections that misbehave below HTTP's surface.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use palisade_core::testing::TestBody;
use palisade_transport::server::ReceivedBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::frames::{
    CONTINUATION, DATA, HEAD, HEADERS, PING, RST_STREAM, SETTINGS, frame, goodbye, kinds, opening,
};
use crate::support::{
    Running, bind, eventually, hasty, http2, read_all, read_response, start, start_with, text, tls,
    within,
};

async fn response_to(sent: Vec<u8>) -> Vec<u8> {
    let running = start(bind().http2_in_clear());
    let socket = running.connect().await;
    let (mut reader, mut writer) = socket.into_split();
    let send = tokio::spawn(async move {
        let _ = writer.write_all(&sent).await;
        writer
    });
    let mut received = Vec::new();
    let mut part = [0; 4096];
    within(async {
        while let Ok(count @ 1..) = reader.read(&mut part).await {
            received.extend_from_slice(&part[..count]);
        }
    })
    .await;
    drop(send.await);
    received
}

/// CVE-2023-44487: streams that are opened only to be reset cost work and no place.
#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let mut sent = opening();
    for stream in (1..4_000).step_by(2) {
        sent.extend(frame(HEADERS, 5, stream, HEAD));
        sent.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    let enhance_your_calm = 11;
    assert_eq!(goodbye(&response_to(sent).await), Some(enhance_your_calm));
}

/// CVE-2025-8671: resets that the server itself is provoked to send.
#[tokio::test]
async fn a_flood_of_provoked_resets_ends_the_connection() {
    // `/wait`, with `content-length: 1`.
    let promised = [
        &HEAD[..2],
        &[0x04, 5],
        b"/wait",
        &HEAD[3..],
        &[0x0f, 13, 1, b'1'],
    ]
    .concat();
    let mut sent = opening();
    for stream in (1..4_000).step_by(2) {
        sent.extend(frame(HEADERS, 4, stream, &promised));
        // More than was promised is an error of the stream.
        sent.extend(frame(DATA, 1, stream, b"xx"));
    }
    assert_eq!(goodbye(&response_to(sent).await), Some(11));
}

/// CVE-2024-27316 and its kin: a head that never ends.
#[tokio::test]
async fn a_head_of_endless_continuations_ends_the_connection() {
    let mut sent = opening();
    sent.extend(frame(HEADERS, 1, 1, HEAD));
    for _ in 0..10_000 {
        // A literal field that is never indexed: `x: yyyy…`.
        let field = [&[0x10, 1, b'x', 100][..], &[b'y'; 100]].concat();
        sent.extend(frame(CONTINUATION, 0, 1, &field));
    }
    assert!(goodbye(&response_to(sent).await).is_some_and(|code| code != 0));
}

/// A client whose body is still to come reads the response; a reset in the same packet would hide it.
#[tokio::test]
async fn an_early_response_over_http2_is_not_overtaken_by_a_reset() {
    let running = start(bind().http2_in_clear());
    let (mut reader, mut writer) = running.connect().await.into_split();
    let post = [&[0x83], &HEAD[1..]].concat();
    let head = frame(HEADERS, 4, 1, &post);
    writer.write_all(&[opening(), head].concat()).await.unwrap();
    let (mut received, mut part) = (Vec::new(), [0; 4096]);
    let mut read_until = async |wanted: fn(&(u8, u8, u32)) -> bool| {
        while !kinds(&received).iter().any(wanted) {
            let count = reader.read(&mut part).await.unwrap();
            assert!(count > 0, "the connection ended");
            received.extend_from_slice(&part[..count]);
        }
        kinds(&received)
    };
    let ended =
        |(kind, flags, stream): &(u8, u8, u32)| *kind <= HEADERS && flags & 1 == 1 && *stream == 1;
    within(read_until(ended)).await;
    // Whatever was sent along with the response stands before the echo of a ping.
    writer.write_all(&frame(PING, 0, 0, &[1; 8])).await.unwrap();
    let all = within(read_until(|(kind, flags, _)| *kind == PING && *flags == 1)).await;
    assert!(!all.iter().any(|(kind, ..)| *kind == RST_STREAM), "{all:?}");
    writer.write_all(&frame(DATA, 1, 1, b"late")).await.unwrap();
}

/// Sends an opening and these frames, then a ping every few milliseconds, until the server closes.
async fn ping_until_closed(running: &Running, frames: &[Vec<u8>]) {
    let (mut reader, mut writer) = running.connect().await.into_split();
    writer.write_all(&opening()).await.unwrap();
    writer.write_all(&frames.concat()).await.unwrap();
    let ping = frame(PING, 0, 0, &[0; 8]);
    let mut beat = tokio::time::interval(Duration::from_millis(20));
    let pings = async {
        while writer.write_all(&ping).await.is_ok() {
            beat.tick().await;
        }
    };
    let reads = async {
        let mut scrap = [0; 4096];
        while let Ok(1..) = reader.read(&mut scrap).await {}
    };
    within(async {
        tokio::select! { () = pings => {}, () = reads => {} }
    })
    .await;
    eventually("the place is free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn pings_keep_no_idle_connection_open() {
    let limits = hasty().header_timeout(Duration::from_secs(3600));
    let running = start(bind().http2_in_clear().limits(limits));
    ping_until_closed(&running, &[frame(HEADERS, 5, 1, HEAD)]).await;
}

/// The window for responses is closed from the start, and every ping gets its response.
#[tokio::test]
async fn pings_keep_no_unread_response_alive() {
    let running = start(bind().http2_in_clear().limits(hasty()));
    let no_window = [0, 4, 0, 0, 0, 0];
    let frames = [
        frame(SETTINGS, 0, 0, &no_window),
        frame(HEADERS, 5, 1, HEAD),
    ];
    ping_until_closed(&running, &frames).await;
    assert_eq!(running.stats.timed_out(), 1);
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_and_nothing_else() {
    let service = tower::service_fn(async |request: Request<ReceivedBody>| {
        assert_eq!(request.uri().path(), "/", "this one panics");
        Ok(http::Response::new(TestBody::from("hello")))
    });
    let running = start_with(bind(), service);
    assert_eq!(
        running
            .talk(b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n")
            .await,
        ""
    );
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
    eventually("the places are free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn a_panic_on_one_stream_leaves_the_others() {
    let service = tower::service_fn(async |request: Request<ReceivedBody>| {
        assert_eq!(request.uri().path(), "/", "this one panics");
        Ok(http::Response::new(TestBody::from("hello")))
    });
    let running = start_with(bind().http2_in_clear(), service);
    let mut sender = http2(running.connect().await).await;
    let get = |path: &str| {
        Request::get(format!("http://a{path}"))
            .body(Full::default())
            .unwrap()
    };
    assert!(within(sender.send_request(get("/panic"))).await.is_err());
    let response = within(sender.send_request(get("/"))).await.unwrap();
    assert_eq!(text(response).await, "hello");
}

#[tokio::test]
async fn a_refusal_asks_for_no_body() {
    let running = start(bind());
    let head =
        b"POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    let response = running.talk(head).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
}

/// An upgraded socket belongs to the handler, and so does its connection slot.
#[tokio::test]
async fn an_upgraded_connection_keeps_its_place_and_is_not_cut() {
    let service = tower::service_fn(async |mut request: Request<ReceivedBody>| {
        tokio::spawn(async move {
            let mut upgraded = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
            while let Ok(byte) = upgraded.read_u8().await {
                upgraded.write_u8(byte + 1).await.unwrap();
            }
        });
        let response = http::Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", "plus-one");
        Ok(response.body(TestBody::default()).unwrap())
    });
    let running = start_with(bind().limits(hasty()), service);
    let mut socket = running.connect().await;
    let head = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: plus-one\r\n\r\n";
    socket.write_all(head).await.unwrap();
    assert!(read_response(&mut socket).await.starts_with("HTTP/1.1 101"));
    // Another client is cut by the limits meanwhile; this one is not theirs any more.
    let mut silent = running.connect().await;
    read_all(&mut silent).await;
    socket.write_u8(7).await.unwrap();
    assert_eq!(within(socket.read_u8()).await.unwrap(), 8);
    assert_eq!(running.stats.open(), 1);
    drop(socket);
    eventually("the place is free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn clear_text_on_the_port_of_tls_gets_nothing() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let response = running.talk(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(!response.contains("HTTP"), "{response}");
    eventually("it is counted", || running.stats.failed_handshakes() == 1).await;
}
