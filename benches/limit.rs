//! A limit by client address beside `tower_governor` on the same governor: admitted and refused.
//!
//! Both read the address that the server left, send the fields of the limit with each response, and
//! send a body with a refusal. Address and limit are measured together, since both need the address.
//!
//! Then the limit alone on one thread and on two, which share its table of 10,000 addresses: the time of one request,
//! so half of it on two threads would be twice as many requests.
#![allow(missing_docs)]

use std::{
    hint::black_box,
    net::SocketAddr,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use axum::{body::Body as AxumBody, extract::ConnectInfo};
use benches::{ADDRESSES, Body, Floor, Regime, both_regimes, client, limit, run, settings};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
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

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limit, threads");
    for (name, threads) in [("one thread", 1), ("two threads", 2)] {
        // The floor shows what the machine gains by its second processor.
        on_threads(&mut group, &format!("floor, {name}"), threads, &Floor);
        let service = GuardLayer((client(), limit("1000000000/minute"))).layer(Floor);
        on_threads(&mut group, name, threads, &service);
    }
    group.finish();
}

/// Measures a service whose clones get requests from so many threads.
fn on_threads<S, B>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, threads: u64, service: &S)
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let each = times.div_ceil(threads);
            // Each thread sends `each`; together they take as long as the slowest.
            let whole = time_on_threads(service, threads, each);
            #[allow(clippy::cast_precision_loss)] // Far below 2^52 requests.
            whole.mul_f64(times as f64 / (each * threads) as f64)
        });
    });
}

/// The time of the slowest of some threads, each of which sends so many requests to clones of a service.
fn time_on_threads<S, B>(service: &S, threads: u64, each: u64) -> Duration
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    let together = Barrier::new(usize::try_from(threads).unwrap_or(1));
    thread::scope(|scope| {
        let run_one = |thread| {
            let (mut service, together) = (service.clone(), &together);
            scope.spawn(move || time_of_one(&mut service, together, thread, each))
        };
        let running: Vec<_> = (0..threads).map(run_one).collect();
        let times = running.into_iter().map(|one| one.join().expect("no panic"));
        times.max().unwrap_or_default()
    })
}

/// The time of one thread. The requests are made beforehand in batches, and the threads start each batch together.
#[allow(clippy::disallowed_methods)] // Measuring time is what this is for.
fn time_of_one<S, B>(service: &mut S, together: &Barrier, thread: u64, each: u64) -> Duration
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    // Each thread begins at another address, and all come by every address.
    let first = usize::try_from(thread).unwrap_or(0) * ADDRESSES / 2;
    let (mut left, mut total) = (usize::try_from(each).unwrap_or(usize::MAX), Duration::ZERO);
    while left > 0 {
        let batch = left.min(ADDRESSES);
        let make = |index| Regime::Cold.request(None, first + index);
        let requests: Vec<_> = (0..batch).map(make).collect();
        together.wait();
        let start = Instant::now();
        for request in requests {
            black_box(run(service, request));
        }
        total += start.elapsed();
        left -= batch;
    }
    total
}

criterion_group!(name = benches; config = settings(); targets = limits, threads);
criterion_main!(benches);
