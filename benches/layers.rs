//! Each layer alone around the bare service: what it costs to admit, and to refuse.
#![allow(missing_docs)]

use std::hint::black_box;

use benches::{Floor, audit, client, keys, limit, request, run};
use criterion::{BatchSize, Bencher, Criterion, criterion_group, criterion_main};
use http::Request;
use palisade::core::{GuardLayer, NotFoundLayer, RouteLayer, RouteTable};
use palisade::transport::HostLayer;
use palisade::{AllowedHosts, HeadersLayer, SanitizeLayer};
use tower::{Layer as _, Service};

fn measure<S, B>(
    bencher: &mut Bencher<'_>,
    mut service: S,
    request: impl Fn() -> Request<benches::Body>,
) where
    S: Service<Request<benches::Body>, Response = http::Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    bencher.iter_batched(
        request,
        |request| black_box(run(&mut service, request)),
        BatchSize::SmallInput,
    );
}

fn layers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layer");
    let folder = tempfile::tempdir().expect("a folder");
    let (keys, key) = keys();
    let hosts = AllowedHosts::parse(["voice.example"]).expect("a host");
    let table = RouteTable::builder().build().expect("a table").into();
    let scanned = (RouteLayer::new(table), NotFoundLayer::new());

    group.bench_function("floor", |b| measure(b, Floor, || request(None)));
    group.bench_function("client", |b| {
        measure(b, client().layer(Floor), || request(None))
    });
    group.bench_function("headers", |b| {
        measure(b, HeadersLayer::api().layer(Floor), || request(None))
    });
    group.bench_function("host admits", |b| {
        measure(
            b,
            GuardLayer((client(), HostLayer::new(hosts.clone()))).layer(Floor),
            || request(None),
        )
    });
    group.bench_function("api key admits", |b| {
        measure(b, keys.layer(Floor), || request(Some(&key)))
    });
    let forged = format!("{}x", key.trim_end_matches('x'));
    group.bench_function("api key refuses none", |b| {
        measure(b, keys.layer(Floor), || request(None))
    });
    group.bench_function("api key refuses a malformed one", |b| {
        measure(b, keys.layer(Floor), || request(Some(&forged)))
    });
    let trail = audit(&folder.path().join("audit.jsonl"));
    group.bench_function("audit", |b| {
        measure(b, trail.layer(Floor), || request(None))
    });
    group.bench_function("limit admits", |b| {
        measure(
            b,
            GuardLayer((client(), limit("1000000000/minute"))).layer(Floor),
            || request(None),
        )
    });
    let reached = GuardLayer((client(), limit("1/day"))).layer(Floor);
    run(&mut reached.clone(), request(None));
    group.bench_function("limit refuses", |b| {
        measure(b, reached.clone(), || request(None))
    });
    group.bench_function("unknown path refused", |b| {
        measure(b, GuardLayer(scanned.clone()).layer(Floor), || {
            request(None)
        })
    });
    group.bench_function("sanitize", |b| {
        measure(b, SanitizeLayer::new().layer(Floor), || request(None))
    });
    group.finish();
}

criterion_group!(benches, layers);
criterion_main!(benches);
