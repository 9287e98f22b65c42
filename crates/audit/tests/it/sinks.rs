//! Sinks that panic, hang or refuse: what they do to each other and to requests.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use palisade_audit::{
    AuditEvent, AuditLayer, DetachedSink, FileSink, MemorySink, RequestRecord, Sink, SinkPolicy,
    SinkUnavailable, VerifyOptions, event_id, verify_file,
};
use palisade_core::{ManualClock, MaybeReady};
use tempfile::tempdir;
use tower::service_fn;

use crate::support::{Body, NOW, Trail, get, hello, of_type, send};

type SinkResult = Result<(), SinkUnavailable>;

/// A sink that does what a test says, in every place where it is called.
#[derive(Clone, Default)]
struct Bad {
    begin: Option<fn() -> SinkResult>,
    head: Option<fn() -> MaybeReady<SinkResult>>,
    end: Option<fn()>,
    /// Whether responses wait for it, and are not refused.
    blocks: bool,
    ended: Arc<AtomicU32>,
    forgotten: Arc<AtomicU32>,
}

impl fmt::Debug for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bad")
    }
}

impl Sink for Bad {
    fn record_request(&self, _: &Arc<RequestRecord>) {
        self.ended.fetch_add(1, Ordering::SeqCst);
        if let Some(end) = self.end {
            end();
        }
    }

    fn record_event(&self, _: &Arc<AuditEvent>) {
        if let Some(end) = self.end {
            end();
        }
    }

    fn requires_head_records(&self) -> bool {
        self.head.is_some()
    }

    fn fails_closed(&self) -> bool {
        self.head.is_some() && !self.blocks
    }

    fn reserve(&self) -> SinkResult {
        self.begin.map_or(Ok(()), |begin| begin())
    }

    fn release(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    fn record_head(&self, _: &Arc<RequestRecord>) -> MaybeReady<SinkResult> {
        self.head.map_or(MaybeReady::Ready(Ok(())), |head| head())
    }
}

fn panics<T>() -> T {
    panic!("as a test must")
}

#[tokio::test]
async fn a_sink_that_panics_silences_no_other_one() {
    for bad_first in [true, false] {
        let (memory, clock) = (MemorySink::new(), ManualClock::new(NOW));
        let bad = Bad {
            end: Some(panics),
            ..Bad::default()
        };
        let builder = AuditLayer::builder().clock(clock.shared());
        let builder = match bad_first {
            true => builder.sink(bad).sink(memory.clone()),
            false => builder.sink(memory.clone()).sink(bad),
        };
        let layer = builder.build().unwrap();
        for _ in 0..3 {
            let (status, _) = send(layer.clone(), service_fn(hello), get("/")).await;
            assert_eq!(status, 200);
        }
        layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
        assert_eq!(memory.lines().len(), 4);
        assert_eq!(layer.handle().sink_panics(), 4);
    }
}

#[tokio::test]
async fn a_sink_that_panics_in_reserve_releases_the_reservations_of_the_others() {
    let folder = tempdir().unwrap();
    let file = FileSink::builder(folder.path().join("audit.jsonl"));
    let file = file.fail_closed().capacity(2).open().unwrap();
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let bad = Bad {
        begin: Some(|| match CALLS.fetch_add(1, Ordering::SeqCst) {
            0..5 => panics(),
            _ => Ok(()),
        }),
        ..Bad::default()
    };
    let layer = AuditLayer::builder().sink(file).sink(bad).build().unwrap();
    for expected in [503, 503, 503, 503, 503, 200] {
        let (status, _) = send(layer.clone(), service_fn(hello), get("/")).await;
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn a_head_record_that_panics_is_a_refusal_and_every_sink_gets_the_request() {
    let memory = MemorySink::new();
    for head in [(|| panics()) as fn() -> MaybeReady<SinkResult>, || {
        MaybeReady::pending(async { panics() })
    }] {
        let bad = Bad {
            head: Some(head),
            ..Bad::default()
        };
        let ended = Arc::clone(&bad.ended);
        let layer = AuditLayer::builder().sink(bad).sink(memory.clone());
        let layer = layer.build().unwrap();
        let (status, _) = send(layer, service_fn(hello), get("/")).await;
        assert_eq!((status, ended.load(Ordering::SeqCst)), (503, 1));
    }
    assert_eq!(memory.lines().len(), 2);
}

#[tokio::test]
async fn a_head_record_that_is_never_ready_is_refused_at_the_deadline() {
    let clock = ManualClock::new(NOW);
    let bad = Bad {
        head: Some(|| MaybeReady::pending(std::future::pending())),
        ..Bad::default()
    };
    let ended = Arc::clone(&bad.ended);
    let layer = AuditLayer::builder()
        .clock(clock.shared())
        .deadline(Duration::from_secs(2))
        .sink(bad)
        .build()
        .unwrap();
    let response = tokio::spawn(send(layer.clone(), service_fn(hello), get("/")));
    while layer.handle().open_requests() == 0 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(3));
    // The wait may begin after the clock was moved: then it moves again.
    while !response.is_finished() {
        clock.advance(Duration::from_secs(3));
        tokio::task::yield_now().await;
    }
    assert_eq!(response.await.unwrap().0, 503);
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert_eq!(layer.handle().open_requests(), 0);
}

/// Sends one request through sinks with these answers to the head.
async fn status_with(sinks: &[(SinkPolicy, SinkResult)]) -> u16 {
    let mut builder = AuditLayer::builder();
    for (policy, response) in sinks {
        let bad = Bad {
            head: Some(match response {
                Ok(()) => || MaybeReady::pending(async { Ok(()) }),
                Err(_) => || MaybeReady::Ready(Err(SinkUnavailable::Failing)),
            }),
            begin: response
                .err()
                .map(|_| (|| Err(SinkUnavailable::Failing)) as fn() -> SinkResult),
            ..Bad::default()
        };
        builder = builder.sink_with(*policy, bad);
    }
    let layer = builder.build().unwrap();
    send(layer, service_fn(hello), get("/")).await.0
}

#[tokio::test]
async fn each_sink_has_the_policy_it_was_given() {
    use SinkPolicy::{BestEffort, OneSuffices, Required};
    const GOOD: SinkResult = Ok(());
    const BAD: SinkResult = Err(SinkUnavailable::Failing);
    for (sinks, expected) in [
        (vec![(Required, GOOD), (Required, BAD)], 503),
        (vec![(Required, BAD), (Required, GOOD)], 503),
        (vec![(OneSuffices, GOOD), (OneSuffices, BAD)], 200),
        (vec![(OneSuffices, BAD), (OneSuffices, GOOD)], 200),
        (vec![(OneSuffices, BAD), (OneSuffices, BAD)], 503),
        (vec![(Required, GOOD), (BestEffort, BAD)], 200),
        (vec![(Required, BAD), (OneSuffices, GOOD)], 503),
        (vec![(Required, GOOD), (OneSuffices, BAD)], 503),
    ] {
        assert_eq!(status_with(&sinks).await, expected, "{sinks:?}");
    }
}

#[tokio::test]
async fn one_sink_that_hangs_does_not_delay_where_another_suffices() {
    let hangs = Bad {
        head: Some(|| MaybeReady::pending(std::future::pending())),
        ..Bad::default()
    };
    let keeps = Bad {
        head: Some(|| MaybeReady::pending(async { Ok(()) })),
        ..Bad::default()
    };
    let layer = AuditLayer::builder()
        .sink_with(SinkPolicy::OneSuffices, hangs)
        .sink_with(SinkPolicy::OneSuffices, keeps)
        .build()
        .unwrap();
    assert_eq!(send(layer, service_fn(hello), get("/")).await.0, 200);
}

#[tokio::test]
async fn a_sink_that_does_not_fail_closed_refuses_nothing_when_it_panics_or_fails() {
    let failing = || MaybeReady::Ready(Err(SinkUnavailable::Failing));
    let later = || MaybeReady::pending(async { Err(SinkUnavailable::Failing) });
    let heads: [fn() -> MaybeReady<SinkResult>; 3] = [panics, failing, later];
    for head in heads {
        for (blocks, expected) in [(true, 200), (false, 503)] {
            let bad = Bad {
                head: Some(head),
                blocks,
                ..Bad::default()
            };
            let layer = AuditLayer::builder().sink(bad).build().unwrap();
            assert_eq!(layer.is_fail_closed(), !blocks);
            assert_eq!(send(layer, service_fn(hello), get("/")).await.0, expected);
        }
    }
}

#[derive(Debug)]
struct Blocks(Arc<Barrier>, MemorySink);

impl Sink for Blocks {
    fn record_request(&self, event: &Arc<RequestRecord>) {
        self.0.wait();
        self.1.record_request(event);
    }
}

#[tokio::test]
async fn a_detached_sink_may_block_and_records_beyond_its_capacity_are_counted() {
    let (barrier, memory) = (Arc::new(Barrier::new(2)), MemorySink::new());
    let blocks = Blocks(Arc::clone(&barrier), memory.clone());
    let layer = AuditLayer::builder()
        .sink(DetachedSink::builder(blocks).capacity(2).build().unwrap())
        .build()
        .unwrap();
    for _ in 0..10 {
        assert_eq!(
            send(layer.clone(), service_fn(hello), get("/")).await.0,
            200
        );
    }
    let lost = layer.handle().lost_records();
    assert!((7..=8).contains(&lost), "one is taken, two wait: {lost}");
    for _ in lost..10 {
        barrier.wait();
    }
    layer.handle().flush().await.unwrap();
    assert_eq!(u64::try_from(memory.lines().len()).unwrap(), 10 - lost);
}

#[tokio::test]
async fn a_close_waits_for_requests_under_way() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let file = FileSink::builder(&path).fail_closed().open().unwrap();
    let layer = AuditLayer::builder().sink(file).build().unwrap();
    let (give, take) = tokio::sync::oneshot::channel();
    let take = Arc::new(std::sync::Mutex::new(Some(take)));
    let waits = service_fn(move |_: Request<Body>| {
        let take = take.lock().unwrap().take();
        async move {
            take.unwrap().await.unwrap();
            Ok::<_, Infallible>(Response::new(Body::from("late")))
        }
    });
    let handle = layer.handle();
    let response = tokio::spawn(send(layer, waits, get("/")));
    while handle.open_requests() == 0 {
        tokio::task::yield_now().await;
    }
    let closing = tokio::spawn(async move { handle.close().await });
    tokio::task::yield_now().await;
    give.send(()).unwrap();
    assert_eq!(response.await.unwrap().0, 200);
    closing.await.unwrap().unwrap();
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert_eq!((report.requests, report.unfinished, report.lost), (1, 0, 0));
}

#[tokio::test]
async fn a_close_at_its_deadline_records_the_number_of_open_requests() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let clock = ManualClock::new(NOW);
    let file = FileSink::builder(&path).open().unwrap();
    // The sink has all the time there is; only the wait for requests is limited.
    let layer = AuditLayer::builder().sink(file).clock(clock.shared());
    let layer = layer.close_deadline(Duration::from_secs(1 << 40));
    let layer = layer.build().unwrap();
    let stuck = service_fn(async |_: Request<Body>| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(Body::default()))
    });
    let handle = layer.handle();
    let response = tokio::spawn(send(layer, stuck, get("/")));
    while handle.open_requests() == 0 {
        tokio::task::yield_now().await;
    }
    let patience = Duration::from_secs(10);
    let closing = tokio::spawn(async move { handle.close_within(patience).await });
    while !closing.is_finished() {
        clock.advance(Duration::from_secs(11));
        tokio::task::yield_now().await;
    }
    closing.await.unwrap().unwrap();
    let event = &of_type(&path, "event")[0];
    assert_eq!(event["event_id"], event_id::CLOSED_WITH_OPEN_REQUESTS);
    assert_eq!(event["data"]["open_requests"], 1);
    response.abort();
}

#[tokio::test]
async fn events_that_are_no_request_are_in_the_chain() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let file = FileSink::builder(&path).open().unwrap();
    let layer = AuditLayer::builder()
        .sink(file.clone())
        .mask_client_address();
    let layer = layer.build().unwrap();
    layer.record(
        AuditEvent::new(event_id::TLS_HANDSHAKE_FAILED)
            .from_client("203.0.113.7".parse().unwrap())
            .text("reason", "\u{1b}[2J".repeat(1000))
            .number("count", 3)
            .flag("tls", true),
    );
    file.record(AuditEvent::new(event_id::SERVICE_STOPPING).at(NOW));
    layer.handle().close().await.unwrap();
    verify_file(&path, &VerifyOptions::new()).unwrap();
    let events = of_type(&path, "event");
    assert_eq!(events[0]["event_id"], "connection.tls_handshake_failed");
    assert_eq!(events[0]["client"], "203.0.113.0", "masked as in requests");
    assert_eq!(events[0]["data"]["count"], 3);
    let reason = events[0]["data"]["reason"].as_str().unwrap();
    assert_eq!(reason.chars().count(), 129, "128 characters and a mark");
    assert_eq!(events[1]["time"], "2023-11-14T22:13:20.000000Z");
}

#[test]
fn an_event_holds_sixteen_members_and_counts_the_others() {
    let mut event = AuditEvent::new("test.many");
    for _ in 0..20 {
        event = event.number("n", 1);
    }
    assert!(event.to_json().contains("\"members_lost\":4"));
    let trail = Trail::new();
    trail.layer().record(event);
    assert_eq!(trail.memory.events().len(), 1);
    assert!(trail.memory.requests().is_empty());
}
