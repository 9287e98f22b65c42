//! Slow and greedy clients, against limits that are short here and longer in life.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use palisade_transport::{TrustedProxies, server::Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    bind, eventually, hasty, http2, read_all, read_response, start, text, tls, within,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_slow_head_is_closed_while_others_are_served() {
    let running = start(bind().limits(hasty()));
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut socket = running.connect().await;
        socket
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-")
            .await
            .unwrap();
        slow.push(socket);
    }
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
    for mut socket in slow {
        assert_eq!(read_all(&mut socket).await, "");
    }
    assert_eq!(running.stats.timed_out(), 50);
}

#[tokio::test]
async fn a_head_that_trickles_is_closed_in_time() {
    let running = start(bind().limits(hasty()));
    let socket = running.connect().await;
    let (mut reader, mut writer) = socket.into_split();
    let trickle = async {
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        writer.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        while writer.write_all(b"x: y\r\n").await.is_ok() {
            beat.tick().await;
        }
    };
    within(async {
        tokio::select! {
            () = trickle => {}
            _ = reader.read_u8() => {}
        }
    })
    .await;
    eventually("it is cut", || running.stats.timed_out() == 1).await;
}

#[tokio::test]
async fn a_second_head_that_stops_is_closed_as_well() {
    let limits = hasty().idle_timeout(Duration::from_secs(3600));
    let running = start(bind().limits(limits));
    let mut socket = running.connect().await;
    socket.write_all(GET).await.unwrap();
    read_response(&mut socket).await;
    socket.write_all(b"GET / HT").await.unwrap();
    assert_eq!(read_all(&mut socket).await, "");
    assert_eq!(running.stats.timed_out(), 1);
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let tls = tls();
    let plain = start(bind().limits(hasty()));
    let secure = start(bind().limits(hasty()).tls(tls.certificates.clone()));
    let either = start(bind().limits(hasty()).http2_in_clear());
    for running in [&plain, &secure, &either] {
        let mut socket = running.connect().await;
        assert_eq!(read_all(&mut socket).await, "");
        eventually("the place is free", || running.stats.open() == 0).await;
    }
    assert_eq!(secure.stats.failed_handshakes(), 1);
    let mut silent = tls
        .connect(secure.address, "localhost", &[b"h2"])
        .await
        .unwrap();
    let mut bytes = Vec::new();
    // Settings come, then the end.
    let _ = within(silent.read_to_end(&mut bytes)).await;
    eventually("the place is free", || secure.stats.open() == 0).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_on_both_protocols() {
    let limits = hasty().header_timeout(Duration::from_secs(3600));
    let running = start(bind().limits(limits).http2_in_clear());
    let mut socket = running.connect().await;
    socket.write_all(GET).await.unwrap();
    read_response(&mut socket).await;
    assert_eq!(read_all(&mut socket).await, "");

    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/").body(Full::default()).unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(text(response).await, "hello");
    within(async {
        while sender.ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    eventually("the places are free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn a_handler_that_works_is_never_cut() {
    let running = start(bind().limits(hasty()));
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    // Longer than every limit; the door opens when another client's limit has struck three times.
    for _ in 0..3 {
        let mut silent = running.connect().await;
        assert_eq!(read_all(&mut silent).await, "");
    }
    running.door.notify_one();
    assert!(read_response(&mut socket).await.ends_with("waited"));
}

#[tokio::test]
async fn a_body_that_stops_fails_in_the_handler() {
    let running = start(bind().limits(hasty()));
    let mut socket = running.connect().await;
    let head = b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123";
    socket.write_all(head).await.unwrap();
    let response = read_response(&mut socket).await;
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(
        response.ends_with("the client stopped sending"),
        "{response}"
    );
}

#[tokio::test]
async fn a_response_that_is_not_read_is_cut() {
    let running = start(bind().limits(hasty()).http2_in_clear());
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    eventually("HTTP/1 is cut", || running.stats.timed_out() == 1).await;

    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/large")
        .body(Full::default())
        .unwrap();
    let unread = within(sender.send_request(request)).await.unwrap();
    eventually("HTTP/2 is cut", || running.stats.timed_out() == 2).await;
    drop(unread);
}

/// Large pieces, each read for longer than the limit, but without a pause as long as the limit.
#[tokio::test]
async fn a_response_that_is_read_slowly_but_steadily_arrives() {
    let running = start(bind().limits(hasty()));
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    let mut part = vec![0; 512 * 1024];
    let mut seen = 0;
    let started = tokio::time::Instant::now();
    within(async {
        while let Ok(count @ 1..) = socket.read(&mut part).await {
            seen += count;
            beat.tick().await;
        }
    })
    .await;
    assert!(seen > 32 * 1024 * 1024, "{seen}");
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "it was not slow"
    );
    assert_eq!(running.stats.timed_out(), 0);
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let limits = Limits::default().connections_per_address(2);
    let running = start(bind().limits(limits.clone()));
    let _held = [running.connect().await, running.connect().await];
    eventually("both are in", || running.stats.accepted() == 2).await;
    let mut third = running.connect().await;
    assert_eq!(read_all(&mut third).await, "");
    assert_eq!(running.stats.refused_address(), 1);

    let behind = start(
        bind()
            .limits(limits)
            .trusted_proxies(TrustedProxies::loopback()),
    );
    let _held = [behind.connect().await, behind.connect().await];
    let response = behind
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
}

#[tokio::test]
async fn when_all_places_are_taken_the_next_is_closed_and_a_free_one_is_used() {
    let running = start(bind().limits(Limits::default().connections(1)));
    let mut first = running.connect().await;
    first
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    running.waiting(1).await;
    assert_eq!(running.talk(b"").await, "");
    assert_eq!(running.stats.refused_full(), 1);
    running.door.notify_one();
    read_response(&mut first).await;
    drop(first);
    eventually("the place is free", || running.stats.open() == 0).await;
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
}

#[tokio::test]
async fn a_head_over_the_limit_gets_431() {
    let running = start(bind());
    for line in [
        format!("x: {}\r\n", "y".repeat(33 * 1024)),
        "x: y\r\n".repeat(101),
    ] {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{line}\r\n");
        let response = running.talk(request.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 431"), "{response}");
    }
    let fits = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\nconnection: close\r\n\r\n",
        "y".repeat(30 * 1024)
    );
    assert!(running.talk(fits.as_bytes()).await.ends_with("hello"));
}

#[tokio::test]
async fn an_http2_head_over_the_limit_does_not_reach_the_service() {
    let running = start(bind().http2_in_clear());
    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/").header("x", "y".repeat(40 * 1024));
    let response = within(sender.send_request(request.body(Full::default()).unwrap())).await;
    assert!(response.is_err() || response.unwrap().status() == 431);
}

/// The client goes on sending its body after it was refused at its head. Were the socket closed at
/// once, each further piece would be answered by a reset, which can overtake the response.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let running = start(bind());
    let head = b"POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n";
    let mut socket = running.connect().await;
    socket.write_all(head).await.unwrap();
    let mut beat = tokio::time::interval(Duration::from_millis(2));
    for _ in 0..25 {
        socket
            .write_all(&[b'x'; 8_000])
            .await
            .expect("the server resets");
        beat.tick().await;
    }
    let response = read_response(&mut socket).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    assert!(response.contains("connection: close"), "{response}");
    let mut rest = Vec::new();
    assert_eq!(within(socket.read_to_end(&mut rest)).await.unwrap(), 0);
    drop(socket);
    eventually("the place is free", || running.stats.open() == 0).await;
}

#[tokio::test]
async fn a_refusal_over_tls_reaches_a_client_that_is_still_sending() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let stream = tls
        .connect(running.address, "localhost", &[b"http/1.1"])
        .await;
    let mut stream = stream.unwrap();
    let head = b"POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut beat = tokio::time::interval(Duration::from_millis(2));
    for _ in 0..25 {
        stream
            .write_all(&[b'x'; 8_000])
            .await
            .expect("the server resets");
        stream.flush().await.expect("the server resets");
        beat.tick().await;
    }
    let response = read_all(&mut stream).await;
    assert!(
        response.starts_with("HTTP/1.1 401") && response.ends_with("no"),
        "{response}"
    );
}

#[tokio::test]
async fn a_client_that_never_stops_sending_is_drained_only_so_far() {
    let running = start(bind());
    let mut socket = running.connect().await;
    socket
        .write_all(b"POST /refuse HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let flood = vec![b'x'; 64 * 1024];
    within(async { while socket.write_all(&flood).await.is_ok() {} }).await;
    eventually("the place is free", || running.stats.open() == 0).await;
}
