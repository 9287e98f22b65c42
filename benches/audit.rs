//! An audit record for each response: to a file that drops and counts, and to one that fails closed.
//!
//! A file that fails closed holds each response back until its record is on disk, and one write of the disk serves
//! all requests that wait. So it is measured with 256 requests in flight, beside the file that drops and the bare
//! service, driven in the same way. The disk is the one of the folder for temporary files.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use benches::{Body, Floor, Regime, audit, settings, with_key};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use palisade::{AuditLayer, FileSink};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer as _, Service, ServiceExt as _};

/// The requests that wait together.
const IN_FLIGHT: usize = 256;

fn trails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    let folder = tempfile::tempdir().expect("a folder");
    with_key(&mut group, "floor", Floor, None);
    let trail = audit(&folder.path().join("audit.jsonl"));
    with_key(&mut group, "file, drop and count", trail.layer(Floor), None);
    group.finish();
}

fn trails_in_flight(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit, 256 in flight");
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    in_flight(&mut group, &runtime, "floor", &Floor);
    let drops = audit(&folder.path().join("drops.jsonl"));
    in_flight(
        &mut group,
        &runtime,
        "file, drop and count",
        &drops.layer(Floor),
    );
    let closed = fail_closed(&folder.path().join("fails-closed.jsonl"));
    in_flight(
        &mut group,
        &runtime,
        "file, fail closed",
        &closed.layer(Floor),
    );
    group.finish();
}

/// A trail without whose record no response starts.
fn fail_closed(file: &std::path::Path) -> AuditLayer {
    let sink = FileSink::builder(file).fail_closed().open();
    let sink = sink.expect("a file that can be written");
    AuditLayer::builder().sink(sink).build().expect("a trail")
}

/// Measures the time of one of [`IN_FLIGHT`] requests that are sent together.
fn in_flight<S, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    service: &S,
) where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let in_flight = u64::try_from(IN_FLIGHT).unwrap_or(1);
            let rounds = times.div_ceil(in_flight);
            let total: Duration = (0..rounds)
                .map(|_| runtime.block_on(send_together(service)))
                .sum();
            // Whole rounds were sent.
            #[allow(clippy::cast_precision_loss)] // Far below 2^52 requests.
            total.mul_f64(times as f64 / (rounds * in_flight) as f64)
        });
    });
}

/// Sends requests, all before the first response, and reads every response to its end. Returns the time that it took.
#[allow(clippy::disallowed_methods)] // Measuring time is what this is for.
async fn send_together<S, B>(service: &S) -> Duration
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    let requests: Vec<_> = (0..IN_FLIGHT)
        .map(|index| Regime::Cold.request(None, index))
        .collect();
    let start = Instant::now();
    let sent = requests.into_iter().map(|request| async {
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.status(), 200, "its record is kept");
        let mut body = response.into_body();
        while body.frame().await.is_some() {}
    });
    join_all(sent).await;
    start.elapsed()
}

criterion_group!(name = benches; config = settings(); targets = trails, trails_in_flight);
criterion_main!(benches);
