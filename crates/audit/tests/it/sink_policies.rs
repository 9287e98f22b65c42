//! What happens to a request whose record a sink on a thread cannot keep, by the policy of the sink.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::Ordering,
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

use crate::{
    sink_losses::Collector,
    support::{NOW, get, hello, send},
};

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
    let collector = Collector::start(200);
    let sink = collector.sink(LossPolicy::FailClosed, &clock);
    let layer = layer(Arc::clone(&sink), &clock);
    assert!(layer.is_fail_closed());
    assert_eq!(status(&layer).await, 200);
    sink.flush().get().await.unwrap();
    collector.status.store(400, Ordering::SeqCst);
    assert_eq!(
        status(&layer).await,
        503,
        "the collector refused the record"
    );
    let _ = sink.flush().get().await;
    assert_eq!(
        status(&layer).await,
        503,
        "this one tries whether it works again"
    );
    let _ = sink.flush().get().await;
    // Now it is known to fail: the next one is refused without a try, until a second has passed.
    let tried = collector.requests.load(Ordering::SeqCst);
    collector.status.store(200, Ordering::SeqCst);
    assert_eq!(status(&layer).await, 503);
    sink.flush().get().await.unwrap();
    assert_eq!(collector.requests.load(Ordering::SeqCst), tried);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&layer).await, 200);
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
    let without_a_try = sink.lost_records();
    assert_eq!(
        without_a_try,
        after_try + 5,
        "these did not: each is counted once, not once for its head and once for its end"
    );

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
async fn with_block_the_deadline_of_the_layer_refuses_nothing() {
    let clock = ManualClock::new(NOW);
    let (address, accepted) = silent();
    let sink = otlp(address, LossPolicy::Block, &clock).deadline(Duration::from_secs(3600));
    let sink = sink.commit_deadline(Duration::from_secs(60)).build();
    let layer = AuditLayer::builder().sink(sink.unwrap());
    // The deadline of the layer is shorter than that of the sink.
    let layer = layer.clock(clock.shared()).deadline(Duration::from_secs(5));
    let layer = layer.build().unwrap();
    assert!(!layer.is_fail_closed());
    let request = tokio::spawn({
        let layer = layer.clone();
        async move { status(&layer).await }
    });
    while accepted.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(5));
    assert_eq!(request.await.unwrap(), 200);
    clock.advance(Duration::from_secs(60));
    // The thread has not moved for longer than a response waits: the next response does not wait.
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
