//! The sink with its threads, over a store that fails.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use palisade_core::{
    Clock, ManualClock, MaybeReady, Outcome, OutcomeKind, SecurityContext, SharedClock,
};

use super::{
    super::{FileSink, FileSinkBuilder, journal::FilePosition, recovery::Start},
    faulty::Faulty,
    verified,
};
use crate::{
    chain::Anchor,
    chain::merkle::Tree,
    error::SinkUnavailable,
    record::redaction::Redaction,
    record::{Detail, RequestRecord, RequestSnapshot, Stage},
    sink::Sink,
};

pub(super) fn open(builder: FileSinkBuilder, store: &Faulty) -> FileSink {
    let start = Start {
        mark: FilePosition {
            anchor: Anchor::GENESIS,
            length: 0,
            first: 0,
        },
        tree: Tree::new(),
        trail: "t".to_owned(),
        seal: builder.seal(),
        resumed: None,
        recovered: Vec::new(),
    };
    let builder = builder.without_checkpoint_file();
    builder
        .start(store.clone(), &start, &VecDeque::new())
        .unwrap()
}

/// One request, whose records belong together.
pub(super) struct Request(SecurityContext, RequestSnapshot);

impl Request {
    pub(super) fn new() -> Self {
        let (mut head, ()) = http::Request::new(()).into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let clock = ManualClock::new(Duration::ZERO);
        let snapshot = RequestSnapshot::capture(&cx, &head, Arc::<Redaction>::default(), &clock);
        Self(cx, snapshot)
    }

    fn event(&self, stage: Stage, has_head_record: bool) -> Arc<RequestRecord> {
        let Self(cx, snapshot) = self;
        Arc::new(RequestRecord::new(
            cx.clone(),
            snapshot.clone(),
            stage,
            Duration::ZERO,
            has_head_record.then_some(Detail::FULL),
            Detail::FULL,
        ))
    }

    pub(super) fn head(&self) -> Arc<RequestRecord> {
        self.event(Stage::Head(StatusCode::OK), false)
    }

    pub(super) fn end(&self) -> Arc<RequestRecord> {
        self.event(Stage::Over(OK), true)
    }
}

const OK: Outcome = Outcome::new(OutcomeKind::Complete, Some(StatusCode::OK), 0);

/// A whole request in one event.
fn whole() -> Arc<RequestRecord> {
    Request::new().event(Stage::Over(OK), false)
}

pub(super) async fn get(
    response: MaybeReady<Result<(), SinkUnavailable>>,
) -> Result<(), SinkUnavailable> {
    response.get().await
}

#[tokio::test]
async fn a_head_record_is_synced_before_its_response_starts() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed(), &store);
    let request = Request::new();
    sink.reserve().unwrap();
    get(sink.record_head(&request.head())).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!((report.requests, report.unfinished), (1, 1));
    assert!(store.set().syncs >= 2);
    sink.record_request(&request.end());
    get(sink.close()).await.unwrap();
}

#[tokio::test]
async fn many_heads_share_a_sync() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed(), &store);
    store.set().hangs = true;
    let before = store.set().syncs;
    let mut responses = Vec::new();
    for _ in 0..100 {
        sink.reserve().unwrap();
        responses.push(sink.record_head(&Request::new().head()));
    }
    store.release();
    for response in responses {
        get(response).await.unwrap();
    }
    let syncs = store.set().syncs - before;
    assert!(syncs <= 3, "{syncs} syncs for 100 heads");
}

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_space_and_then_serves_again() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed(), &store);
    store.set().space = Some(40);
    let request = Request::new();
    sink.reserve().unwrap();
    assert_eq!(
        get(sink.record_head(&request.head())).await,
        Err(SinkUnavailable::Failing)
    );
    assert_eq!(
        sink.reserve(),
        Err(SinkUnavailable::Failing),
        "refused at the door"
    );
    sink.record_request(&request.end());
    store.set().space = None;
    while sink.reserve().is_err() {
        tokio::task::yield_now().await;
    }
    let request = Request::new();
    get(sink.record_head(&request.head())).await.unwrap();
    sink.record_request(&request.end());
    get(sink.close()).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!(
        (report.requests, report.unfinished),
        (2, 0),
        "the refused one is there too"
    );
    assert!(report.turned_away >= 1);
    assert_eq!(report.lost, 0);
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_refuses_and_recovers() {
    let store = Faulty::default();
    store.set().space = Some(0);
    let sink = open(FileSink::builder("x").fail_closed(), &store);
    assert_eq!(sink.reserve(), Err(SinkUnavailable::Failing));
    store.set().space = None;
    while sink.reserve().is_err() {
        tokio::task::yield_now().await;
    }
    sink.record_request(&whole());
    get(sink.close()).await.unwrap();
    assert_eq!(verified(&[&store.trail()]).unwrap().requests, 1);
}

#[tokio::test]
async fn records_beyond_the_capacity_are_counted_in_the_chain() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").capacity(4), &store);
    store.set().hangs = true;
    let flushed = sink.flush();
    for _ in 0..100 {
        sink.record_request(&whole());
    }
    store.release();
    get(flushed).await.unwrap();
    get(sink.close()).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!(report.requests + report.lost, 100);
    assert!(report.lost > 0);
    assert_eq!(sink.lost_records(), report.lost);
}

#[tokio::test]
async fn a_request_that_was_admitted_has_space_for_its_records() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed().capacity(8), &store);
    store.set().hangs = true;
    for _ in 0..4 {
        sink.reserve().unwrap();
    }
    assert_eq!(sink.reserve(), Err(SinkUnavailable::Full));
    let requests: Vec<_> = (0..4).map(|_| Request::new()).collect();
    let responses: Vec<_> = requests
        .iter()
        .map(|it| sink.record_head(&it.head()))
        .collect();
    for request in &requests {
        sink.record_request(&request.end());
    }
    store.release();
    for response in responses {
        get(response).await.unwrap();
    }
    get(sink.close()).await.unwrap();
    let report = verified(&[&store.trail()]).unwrap();
    assert_eq!((report.requests, report.unfinished, report.lost), (4, 0, 0));
    assert_eq!(report.turned_away, 1);
}

#[tokio::test]
async fn reserved_space_is_released() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed().capacity(2), &store);
    for _ in 0..10 {
        sink.reserve().unwrap();
        sink.release();
    }
    sink.reserve().unwrap();
    assert_eq!(sink.reserve(), Err(SinkUnavailable::Full));
    get(sink.close()).await.unwrap();
}

#[tokio::test]
async fn after_the_close_nothing_is_promised_any_more() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").fail_closed(), &store);
    let request = Request::new();
    sink.reserve().unwrap();
    get(sink.close()).await.unwrap();
    get(sink.close()).await.unwrap();
    assert_eq!(sink.reserve(), Err(SinkUnavailable::Closed));
    assert_eq!(
        get(sink.record_head(&request.head())).await,
        Err(SinkUnavailable::Closed)
    );
    assert_eq!(get(sink.flush()).await, Err(SinkUnavailable::Closed));
    sink.record_request(&request.end());
    assert_eq!(sink.lost_records(), 2, "one refused, one dropped");
}

#[tokio::test]
async fn a_close_on_a_dead_disk_ends_with_an_error() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x"), &store);
    store.set().space = Some(0);
    sink.record_request(&whole());
    assert_eq!(get(sink.close()).await, Err(SinkUnavailable::Failing));
    assert!(sink.lost_records() >= 1);
}

/// A clock that stops the thread that reads it, once it is asked to.
#[derive(Debug, Default)]
struct Deadly(AtomicBool);

impl Clock for Deadly {
    fn unix_time(&self) -> Duration {
        assert!(!self.0.load(Ordering::SeqCst), "as a test must");
        Duration::ZERO
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn a_writer_that_dies_promises_nothing_and_ends_all_waits() {
    let store = Faulty::default();
    let clock = Arc::new(Deadly::default());
    let shared: SharedClock = Arc::<Deadly>::clone(&clock);
    let sink = open(FileSink::builder("x").fail_closed().clock(shared), &store);
    sink.reserve().unwrap();
    clock.0.store(true, Ordering::SeqCst);
    let response = get(sink.record_head(&Request::new().head())).await;
    assert_eq!(response, Err(SinkUnavailable::Closed));
    assert_eq!(sink.reserve(), Err(SinkUnavailable::Closed));
}

#[cfg(feature = "metrics")]
#[tokio::test]
async fn the_metrics_have_what_waits_and_what_was_lost() {
    let store = Faulty::default();
    let sink = open(FileSink::builder("x").capacity(4), &store);
    store.set().hangs = true;
    let flushed = sink.flush();
    while !store.set().hanging {
        sink.record_request(&whole());
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        sink.record_request(&whole());
    }
    let figures = sink.0.queue.figures();
    assert_eq!(figures.waiting, 4);
    assert!(figures.lost >= 96, "{figures:?}");
    assert!(!figures.failing);
    store.release();
    let _ = get(flushed).await;
    get(sink.close()).await.unwrap();
    let figures = sink.0.queue.figures();
    assert_eq!(
        (figures.waiting, figures.last_record),
        (0, sink.anchor().unwrap().sequence())
    );
    assert_eq!(figures.lost, sink.lost_records());
}
