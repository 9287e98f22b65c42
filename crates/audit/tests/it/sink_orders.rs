//! Sinks that panic, hang, fail and are slow, together and in every order.

use std::sync::Arc;

use palisade_audit::{
    AuditLayer, FileSink, MemorySink, RequestRecord, Sink, SinkPolicy, SinkUnavailable,
    VerifyOptions, verify_file,
};
use palisade_core::MaybeReady;
use tower::service_fn;

use crate::support::{get, hello, of_type, send};

/// What a sink does at the head of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Behaviour {
    Fails,
    Hangs,
    Keeps,
    Panics,
    Slow,
}

use Behaviour::{Fails, Hangs, Keeps, Panics, Slow};

const ALL: [Behaviour; 5] = [Fails, Hangs, Keeps, Panics, Slow];

#[derive(Debug)]
struct TestSink(Behaviour, MemorySink);

impl Sink for TestSink {
    fn record_request(&self, record: &Arc<RequestRecord>) {
        assert_ne!(self.0, Panics, "as a test must");
        self.1.record_request(record);
    }

    fn requires_head_records(&self) -> bool {
        true
    }

    fn record_head(&self, _: &Arc<RequestRecord>) -> MaybeReady<Result<(), SinkUnavailable>> {
        match self.0 {
            Fails => MaybeReady::Ready(Err(SinkUnavailable::Failing)),
            Hangs => MaybeReady::pending(std::future::pending()),
            Keeps => MaybeReady::Ready(Ok(())),
            Panics => panic!("as a test must"),
            Slow => MaybeReady::pending(async {
                tokio::task::yield_now().await;
                Ok(())
            }),
        }
    }
}

/// All orders of some values.
fn orders(values: &[Behaviour]) -> Vec<Vec<Behaviour>> {
    if values.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in values.iter().enumerate() {
        let rest = [&values[..index], &values[index + 1..]].concat();
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, *first);
            order
        }));
    }
    all
}

/// Sends a request through sinks of which some are required. Returns the status, and how many records those have that do
/// not panic.
async fn outcome(order: &[Behaviour], required: &[Behaviour]) -> (u16, usize) {
    let memory = MemorySink::new();
    let mut builder = AuditLayer::builder();
    for behaviour in order {
        let policy = match required.contains(behaviour) {
            true => SinkPolicy::Required,
            false => SinkPolicy::BestEffort,
        };
        builder = builder.sink_with(policy, TestSink(*behaviour, memory.clone()));
    }
    let layer = builder.build().unwrap();
    let (status, _) = send(layer.clone(), service_fn(hello), get("/")).await;
    assert_eq!(layer.handle().open_requests(), 0);
    (status, memory.lines().len())
}

#[tokio::test]
async fn in_every_order_bad_sinks_decide_nothing_that_they_may_not_and_the_others_get_each_record()
{
    let all = orders(&ALL);
    assert_eq!(all.len(), 120);
    for order in &all {
        assert_eq!(outcome(order, &[]).await, (200, 4), "{order:?}");
        assert_eq!(outcome(order, &[Keeps, Slow]).await, (200, 4), "{order:?}");
        assert_eq!(outcome(order, &[Fails]).await, (503, 4), "{order:?}");
        assert_eq!(outcome(order, &[Panics, Slow]).await, (503, 4), "{order:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_best_effort_beside_a_required_one_has_heads_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| FileSink::builder(path(name)).fail_closed().open().unwrap();
    let layer = AuditLayer::builder()
        .sink(open("required.jsonl"))
        .sink_with(SinkPolicy::BestEffort, open("best.jsonl"));
    let layer = layer.build().unwrap();
    for _ in 0..3 {
        send(layer.clone(), service_fn(hello), get("/hello")).await;
    }
    layer.handle().close().await.unwrap();
    for name in ["required.jsonl", "best.jsonl"] {
        assert_eq!(of_type(&path(name), "head").len(), 3, "{name}");
        assert_eq!(of_type(&path(name), "end").len(), 3, "{name}");
        let report = verify_file(path(name), &VerifyOptions::new()).unwrap();
        assert_eq!((report.requests, report.unfinished), (3, 0), "{name}");
    }
}
