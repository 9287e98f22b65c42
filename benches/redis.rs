//! Limits that several nodes share: decisions through the layer with a real Redis on loopback.
//!
//! Beside a bare `PING` and an `INCR` over the same connection: the least that a round trip costs.
//! Needs `redis-server`; without it, this bench says so and measures nothing.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr
)]

use std::{
    hint::black_box,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use benches::{Body, Floor, Regime, client, settings};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use palisade::core::{GuardLayer, Secret, SystemClock};
use palisade::rate_limit::{Policy, RateLimitLayer, RedisStore};
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, ServiceExt as _};

/// How many requests are in flight where throughput is measured.
const IN_FLIGHT: usize = 64;

/// A server that ends with the bench.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = free.local_addr().ok()?.port();
        drop(free);
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let url = format!("redis://127.0.0.1:{port}/0");
        Some(Self { child, url })
    }

    /// Connects once the server accepts connections.
    async fn connect(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url.as_str()).expect("an address");
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match client.get_multiplexed_async_connection().await {
                Ok(connection) => return connection,
                Err(problem) if Instant::now() > deadline => panic!("no server: {problem}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A stack of one layer with so many limits on the shared store.
fn limits(
    store: &RedisStore,
    rates: &str,
    name: &str,
) -> impl Service<Request<Body>, Response = Response<impl http_body::Body>, Error: std::fmt::Debug> + Clone
{
    let policy = Policy::named(name.replace(' ', "-"))
        .rate(rates)
        .expect("rates");
    let limit = RateLimitLayer::by_client()
        .policy(policy)
        .store(store.clone())
        .clock(SystemClock::shared())
        .build()
        .expect("a limit");
    GuardLayer((client(), limit)).layer(Floor)
}

fn shared(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let Some(server) = Server::start() else {
        eprintln!("skipped: redis-server is not installed (apt-get install redis-server)");
        return;
    };
    let connection = runtime.block_on(server.connect());
    let store = RedisStore::builder(&server.url, Secret::new([7; 32]));
    let store = runtime.block_on(store.connect()).expect("a store");
    let mut group = criterion.benchmark_group("redis");

    for (name, command) in [("PING", "PING"), ("INCR", "INCR")] {
        group.bench_function(format!("one at a time: {name}"), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(round_trips(connection.clone(), command, times, 1))
            });
        });
        group.bench_function(format!("{IN_FLIGHT} in flight: {name}"), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(round_trips(connection.clone(), command, times, IN_FLIGHT))
            });
        });
    }
    // Far from reached, and a whole number of microseconds for each unit, as the shared store counts.
    for (name, rates) in [
        ("one limit", "60000000/minute"),
        (
            "three limits",
            "60000000/minute;900000000/hour;1728000000/day",
        ),
    ] {
        let service = limits(&store, rates, name.trim_end_matches(" limits"));
        for (how, in_flight) in [("one at a time", 1), ("64 in flight", IN_FLIGHT)] {
            group.bench_function(format!("{how}: {name}"), |bencher| {
                bencher.iter_custom(|times| {
                    runtime.block_on(decisions(service.clone(), times, in_flight))
                });
            });
        }
    }
    group.finish();
}

async fn round_trips(
    connection: redis::aio::MultiplexedConnection,
    command: &'static str,
    times: u64,
    in_flight: usize,
) -> Duration {
    let start = Instant::now();
    stream::iter(0..times)
        .map(|_| {
            let mut connection = connection.clone();
            async move {
                let mut command = redis::cmd(command);
                command.arg("bench");
                let reply: redis::RedisResult<redis::Value> =
                    command.query_async(&mut connection).await;
                black_box(reply.expect("a reply"));
            }
        })
        .buffer_unordered(in_flight)
        .collect::<()>()
        .await;
    start.elapsed()
}

async fn decisions<S, B>(service: S, times: u64, in_flight: usize) -> Duration
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
{
    let start = Instant::now();
    stream::iter(0..times)
        .map(|index| {
            let index = usize::try_from(index).unwrap_or_default();
            let request = Regime::Cold.request(None, index);
            let service = service.clone();
            async move {
                let response = service.oneshot(request).await.expect("a response");
                assert_eq!(response.status(), 200);
            }
        })
        .buffer_unordered(in_flight)
        .collect::<()>()
        .await;
    start.elapsed()
}

criterion_group!(name = benches; config = settings(); targets = shared);
criterion_main!(benches);
