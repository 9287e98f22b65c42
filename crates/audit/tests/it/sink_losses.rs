//! What is lost is counted, whatever the policies of the sink and of the layer are.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use http::StatusCode;
use palisade_audit::{
    AuditLayer, DetachedSink, FileSink, LossPolicy, MemorySink, OtlpSink, Sink, SinkPolicy,
};
use palisade_core::{GuardLayer, ManualClock, Rejection, SecurityContext, Verdict};
use tower::service_fn;

use crate::support::{Does, NOW, get, hello, is_whole_request, known, send};

/// A collector whose status a test sets, and that counts requests.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    pub(crate) status: Arc<AtomicU16>,
    pub(crate) requests: Arc<AtomicUsize>,
}

impl Collector {
    pub(crate) fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            status: Arc::new(AtomicU16::new(status)),
            requests: Arc::default(),
        };
        let served = collector.clone();
        thread::spawn(move || served.serve(&listener));
        collector
    }

    fn serve(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            while !is_whole_request(&bytes) {
                let mut more = [0; 4096];
                match stream.read(&mut more) {
                    Ok(length @ 1..) => bytes.extend_from_slice(&more[..length]),
                    _ => break,
                }
            }
            self.requests.fetch_add(1, Ordering::SeqCst);
            let status = self.status.load(Ordering::SeqCst);
            let response = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            );
            let _ = stream.write_all(response.as_bytes());
        }
    }

    pub(crate) fn sink(&self, policy: LossPolicy, clock: &ManualClock) -> Arc<OtlpSink> {
        let endpoint = format!("http://{}/v1/logs", self.address);
        let sink = OtlpSink::builder(endpoint.parse().unwrap())
            .policy(policy)
            .retry_pause(Duration::from_millis(1))
            .linger(Duration::ZERO)
            .clock(clock.shared());
        Arc::new(sink.build().unwrap())
    }
}

async fn status(layer: &AuditLayer) -> u16 {
    send(layer.clone(), service_fn(hello), get("/hello"))
        .await
        .0
}

#[tokio::test]
async fn a_request_that_goes_on_without_a_record_is_counted() {
    for policy in [SinkPolicy::BestEffort, SinkPolicy::OneSuffices] {
        let clock = ManualClock::new(NOW);
        let collector = Collector::start(400);
        let sink = collector.sink(LossPolicy::FailClosed, &clock);
        let memory = MemorySink::new();
        let layer = AuditLayer::builder()
            .sink_with(policy, Arc::clone(&sink))
            .sink_with(policy, memory.clone())
            .clock(clock.shared())
            .build()
            .unwrap();
        // One that finds out that the collector fails, and the one that may try it in this second.
        // With `OneSuffices` these are refused: the other sink keeps no record before a response.
        for _ in 0..2 {
            let expected = if policy == SinkPolicy::BestEffort {
                200
            } else {
                503
            };
            assert_eq!(status(&layer).await, expected);
            let _ = sink.flush().get().await;
        }
        let tried = collector.requests.load(Ordering::SeqCst);
        let (lost, kept) = (sink.lost_records(), memory.requests().len());
        for _ in 0..3 {
            assert_eq!(status(&layer).await, 200);
        }
        assert_eq!(sink.lost_records(), lost + 3, "{policy:?}");
        assert_eq!(collector.requests.load(Ordering::SeqCst), tried);
        assert_eq!(memory.requests().len(), kept + 3);
    }
}

#[tokio::test]
async fn a_repetition_is_not_promised_by_a_sink_that_fails() {
    let clock = ManualClock::new(NOW);
    let collector = Collector::start(200);
    let sink = collector.sink(LossPolicy::FailClosed, &clock);
    let layer = AuditLayer::builder()
        .sink(Arc::clone(&sink))
        .clock(clock.shared())
        .build()
        .unwrap();
    let refuse = Does(|cx: &SecurityContext, _: &mut http::request::Parts| {
        known(cx);
        Verdict::<()>::from(Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No."))
    });
    let refused = async || {
        let stack = GuardLayer((layer.clone(), refuse));
        send(stack, service_fn(hello), get("/hello")).await.0
    };
    assert_eq!(refused().await, 403, "the first one is sent");
    assert_eq!(refused().await, 403, "this one is counted");
    collector.status.store(400, Ordering::SeqCst);
    assert_eq!(status(&layer).await, 503);
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        refused().await,
        503,
        "admitted as a try, and not to be counted"
    );
}

#[test]
fn a_sink_that_fails_closed_is_not_detached() {
    let folder = tempfile::tempdir().unwrap();
    let file = || FileSink::builder(folder.path().join("audit.jsonl"));
    let error = DetachedSink::builder(file().fail_closed().open().unwrap())
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("fails closed"), "{error}");
    let other = folder.path().join("other.jsonl");
    let blocks = FileSink::builder(other).policy(LossPolicy::Block);
    assert!(
        DetachedSink::builder(blocks.open().unwrap())
            .build()
            .is_ok()
    );
}
