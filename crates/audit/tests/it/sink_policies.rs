//! What happens to a request whose record a sink on a thread cannot keep, by the policy of the sink.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use palisade_audit::{
    AuditLayer, LossPolicy, OtlpSink, OtlpSinkBuilder, Sink, SyslogAddress, SyslogSink,
};
use palisade_core::ManualClock;
use tower::service_fn;

use crate::support::{NOW, get, hello, send};

/// A collector that reads each request and answers with the statuses one after the other, and then with the last one.
fn collector(statuses: Vec<u16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut statuses = statuses.into_iter().peekable();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            while !is_whole(&bytes) {
                let mut more = [0; 4096];
                match stream.read(&mut more) {
                    Ok(length @ 1..) => bytes.extend_from_slice(&more[..length]),
                    _ => break,
                }
            }
            let status = statuses.next().unwrap();
            let statuses = statuses.peek().is_none();
            let response = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            );
            let _ = stream.write_all(response.as_bytes());
            if statuses {
                return;
            }
        }
    });
    address
}

/// Whether a request has its whole body.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap())
}

/// A collector that accepts connections and never answers. Tells when a connection was accepted.
fn silent() -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (accepts, accepted) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.push(stream.unwrap());
            if accepts.send(()).is_err() {
                return;
            }
        }
    });
    (address, accepted)
}

fn otlp(address: SocketAddr, policy: LossPolicy, clock: &ManualClock) -> OtlpSinkBuilder {
    let endpoint = format!("http://{address}/v1/logs").parse().unwrap();
    OtlpSink::builder(endpoint)
        .policy(policy)
        .retry_pause(Duration::from_millis(1))
        .linger(Duration::ZERO)
        .clock(clock.shared())
}

fn layer(sink: impl Sink, clock: &ManualClock) -> AuditLayer {
    let layer = AuditLayer::builder().sink(sink).clock(clock.shared());
    // Only the deadline of the sink counts.
    layer
        .deadline(Duration::from_secs(1 << 40))
        .build()
        .unwrap()
}

async fn status(layer: &AuditLayer) -> u16 {
    send(layer.clone(), service_fn(hello), get("/hello"))
        .await
        .0
}

/// Sends a request, and moves the clock until there is a response.
async fn status_as_time_passes(layer: &AuditLayer, clock: &ManualClock) -> u16 {
    let request = tokio::spawn({
        let layer = layer.clone();
        async move { status(&layer).await }
    });
    while !request.is_finished() {
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    request.await.unwrap()
}

#[tokio::test]
async fn with_fail_closed_a_response_waits_for_the_collector() {
    let clock = ManualClock::new(NOW);
    // Confirmed; refused; and the end of the first request.
    let address = collector(vec![200, 200, 400, 400]);
    let sink = Arc::new(
        otlp(address, LossPolicy::FailClosed, &clock)
            .build()
            .unwrap(),
    );
    let layer = layer(Arc::clone(&sink), &clock);
    assert!(layer.is_fail_closed());
    assert_eq!(status(&layer).await, 200);
    sink.flush().get().await.unwrap();
    assert_eq!(
        status(&layer).await,
        503,
        "the collector refused the record"
    );
    // Failing is known: the next one is refused without a try, until a second has passed.
    assert!(sink.lost_records() >= 1);
}

#[tokio::test]
async fn while_a_sink_fails_one_request_a_second_tries_it() {
    let clock = ManualClock::new(NOW);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = SyslogAddress::Tcp(listener.local_addr().unwrap());
    drop(listener);
    let sink = SyslogSink::builder(address.clone())
        .policy(LossPolicy::FailClosed)
        .clock(clock.shared());
    let sink = Arc::new(sink.build().unwrap());
    let layer = layer(Arc::clone(&sink), &clock);
    assert_eq!(status(&layer).await, 503);
    sink.flush().get().await.unwrap();
    let lost = sink.lost_records();
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&layer).await, 503, "this one tries");
    sink.flush().get().await.unwrap();
    let after_try = sink.lost_records();
    assert!(after_try > lost);
    for _ in 0..5 {
        assert_eq!(status(&layer).await, 503);
    }
    sink.flush().get().await.unwrap();
    assert_eq!(sink.lost_records(), after_try, "these did not");

    let SyslogAddress::Tcp(address) = address else {
        unreachable!()
    };
    let listener = TcpListener::bind(address).unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&layer).await, 200);
    assert_eq!(status(&layer).await, 200);
    let mut stream = listener.accept().unwrap().0;
    let mut first = [0; 256];
    let read = stream.read(&mut first).unwrap();
    let text = String::from_utf8_lossy(&first[..read]).into_owned();
    assert!(text.contains(" head [meta"), "{text}");
}

#[tokio::test]
async fn with_block_a_response_waits_until_the_deadline_and_then_goes_on() {
    let clock = ManualClock::new(NOW);
    let (address, accepted) = silent();
    let sink = otlp(address, LossPolicy::Block, &clock).deadline(Duration::from_secs(3600));
    let sink = Arc::new(
        sink.commit_deadline(Duration::from_secs(60))
            .build()
            .unwrap(),
    );
    let layer = layer(Arc::clone(&sink), &clock);
    assert!(!layer.is_fail_closed());
    let begun = palisade_core::Clock::monotonic(&clock);
    assert_eq!(status_as_time_passes(&layer, &clock).await, 200);
    let waited = palisade_core::Clock::monotonic(&clock).saturating_sub(begun);
    assert!(waited >= Duration::from_secs(60), "{waited:?}");
    accepted.recv().unwrap();
    // The sink is known to fail: the next response does not wait.
    assert_eq!(status(&layer).await, 200);
}

#[tokio::test]
async fn a_full_queue_refuses_with_fail_closed_and_counts_with_block() {
    for (policy, expected) in [(LossPolicy::FailClosed, 503), (LossPolicy::Block, 200)] {
        let clock = ManualClock::new(NOW);
        let (address, accepted) = silent();
        let sink = otlp(address, policy, &clock).deadline(Duration::from_secs(3600));
        let sink = sink.commit_deadline(Duration::from_secs(60)).capacity(2);
        let sink = Arc::new(sink.build().unwrap());
        let layer = layer(Arc::clone(&sink), &clock);
        let first = tokio::spawn({
            let layer = layer.clone();
            async move { status(&layer).await }
        });
        while accepted.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // The thread has the head of the first request and waits for the collector. Nothing else leaves the queue.
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(status_as_time_passes(&layer, &clock).await);
        }
        assert_eq!(statuses.last(), Some(&expected), "{policy:?} {statuses:?}");
        assert!(policy == LossPolicy::FailClosed || sink.lost_records() >= 1);
        first.abort();
    }
}

#[test]
fn policies_that_cannot_work_are_refused() {
    let server: SocketAddr = ([127, 0, 0, 1], 514).into();
    let waits = |address| SyslogSink::builder(address).policy(LossPolicy::Block);
    let error = waits(SyslogAddress::Udp(server))
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.contains("UDP confirms nothing"), "{error}");
    let error = waits(SyslogAddress::Tcp(server))
        .capacity(1)
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.contains("two records"), "{error}");
    let none = waits(SyslogAddress::Tcp(server)).commit_deadline(Duration::ZERO);
    assert!(none.build().is_err());
}

#[test]
fn syslog_leaves_the_machine_in_clear_text_only_if_that_is_allowed() {
    for elsewhere in ["192.0.2.1:514", "[2001:db8::1]:514", "0.0.0.0:514"] {
        let elsewhere: SocketAddr = elsewhere.parse().unwrap();
        for address in [SyslogAddress::Udp(elsewhere), SyslogAddress::Tcp(elsewhere)] {
            let builder = SyslogSink::builder(address);
            let error = builder.clone().build().unwrap_err().to_string();
            assert!(error.contains("dangerously_allow_clear_text"), "{error}");
            assert!(builder.dangerously_allow_clear_text().build().is_ok());
        }
    }
    for here in ["127.0.0.1:514", "[::1]:514"] {
        let here = SyslogAddress::Udp(here.parse().unwrap());
        assert!(SyslogSink::builder(here).build().is_ok());
    }
}
