//! A limit by client address beside `tower_governor` on the same governor: admitted and refused.
//!
//! Both read the address that the server left, send the fields of the limit with each response, and
//! send a body with a refusal. Address and limit are measured together, since both need the address.
#![allow(missing_docs)]

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body as AxumBody, extract::ConnectInfo};
use benches::{ADDRESSES, Body, Floor, Regime, both_regimes, client, limit, run, settings};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use palisade::core::GuardLayer;
use tower::{Layer as _, Service, ServiceExt};
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};

/// A request with the address where each of the two looks for it.
fn request(regime: Regime, index: usize) -> Request<Body> {
    let mut request = regime.request(None, index);
    let address = ConnectInfo::<SocketAddr>(regime.peer(index));
    request.extensions_mut().insert(address);
    request
}

/// The bare service with the body of axum, which the peer's errors need.
fn floor() -> impl Service<
    Request<Body>,
    Response = Response<AxumBody>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone {
    let axum = |response: Response<Body>| response.map(AxumBody::new);
    ServiceExt::<Request<Body>>::map_response(Floor, axum)
}

fn governor(
    period: Duration,
    burst: u32,
) -> impl Service<Request<Body>, Response = Response<AxumBody>, Error = std::convert::Infallible> {
    let config = GovernorConfigBuilder::default()
        .period(period)
        .burst_size(burst)
        .use_headers()
        .finish()
        .expect("a rate");
    let floor = floor();
    GovernorLayer::new(config).layer(floor)
}

/// Spends what every address of both regimes has, so that the limit is reached for all.
fn reach<S, B>(service: &mut S)
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    for regime in Regime::BOTH {
        for index in 0..ADDRESSES {
            run(service, request(regime, index));
        }
        assert_eq!(run(service, request(regime, 0)), 429);
    }
}

fn limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limit");
    let ours = |rate| {
        let floor = floor();
        GuardLayer((client(), limit(rate))).layer(floor)
    };
    both_regimes(&mut group, "floor", floor(), request);
    both_regimes(
        &mut group,
        "admitted: palisade",
        ours("1000000000/minute"),
        request,
    );
    let admits = governor(Duration::from_nanos(1), u32::MAX);
    both_regimes(&mut group, "admitted: tower_governor", admits, request);

    let mut refuses = ours("1/day");
    reach(&mut refuses);
    both_regimes(&mut group, "refused: palisade", refuses, request);
    let mut refuses = governor(Duration::from_secs(86_400), 1);
    reach(&mut refuses);
    both_regimes(&mut group, "refused: tower_governor", refuses, request);
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = limits);
criterion_main!(benches);
