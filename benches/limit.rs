//! A limit by client address beside `tower_governor` 0.8.0 on the same governor: admitted and refused.
//!
//! Both send body and headers with a refusal; both read the address that the server left.
#![allow(missing_docs)]

use std::{hint::black_box, net::SocketAddr, time::Duration};

use axum::{body::Body as AxumBody, extract::ConnectInfo};
use benches::{Floor, client, limit, peer, request, run};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Request;
use palisade::core::GuardLayer;
use tower::Layer as _;
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};

fn connected() -> Request<benches::Body> {
    let mut request = request(None);
    request
        .extensions_mut()
        .insert(ConnectInfo::<SocketAddr>(peer()));
    request
}

/// The bare service with the body of axum, which the peer's errors need.
fn floor() -> impl tower::Service<
    Request<benches::Body>,
    Response = http::Response<AxumBody>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone {
    let axum = |answer: http::Response<benches::Body>| answer.map(AxumBody::new);
    tower::ServiceExt::<Request<benches::Body>>::map_response(Floor, axum)
}

fn governor(
    period: Duration,
    burst: u32,
) -> impl tower::Service<
    Request<benches::Body>,
    Response = http::Response<AxumBody>,
    Error = std::convert::Infallible,
> {
    let config = GovernorConfigBuilder::default()
        .period(period)
        .burst_size(burst)
        .use_headers()
        .finish()
        .expect("a rate");
    let floor = floor();
    GovernorLayer::new(config).layer(floor)
}

fn limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limit by address");
    let ours = |rate| {
        let floor = floor();
        GuardLayer((client(), limit(rate))).layer(floor)
    };
    let mut admits = ours("1000000000/minute");
    group.bench_function("palisade admits", |b| {
        b.iter_batched(
            connected,
            |r| black_box(run(&mut admits, r)),
            BatchSize::SmallInput,
        );
    });
    let mut admits = governor(Duration::from_nanos(1), u32::MAX);
    group.bench_function("tower_governor admits", |b| {
        b.iter_batched(
            connected,
            |r| black_box(run(&mut admits, r)),
            BatchSize::SmallInput,
        );
    });
    let mut refuses = ours("1/day");
    assert_eq!(run(&mut refuses, connected()), 200);
    assert_eq!(run(&mut refuses, connected()), 429);
    group.bench_function("palisade refuses", |b| {
        b.iter_batched(
            connected,
            |r| black_box(run(&mut refuses, r)),
            BatchSize::SmallInput,
        );
    });
    let mut refuses = governor(Duration::from_secs(86_400), 1);
    assert_eq!(run(&mut refuses, connected()), 200);
    assert_eq!(run(&mut refuses, connected()), 429);
    group.bench_function("tower_governor refuses", |b| {
        b.iter_batched(
            connected,
            |r| black_box(run(&mut refuses, r)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, limits);
criterion_main!(benches);
