//! A real server: exactness among processes, and every way in which the server can fail.
//!
//! Needs `redis-server` in the path. Without it these tests say so and pass, except in CI (`CI=true`).

mod budgets;
mod cluster;
mod errors;
mod exact;
mod faults;
mod leases;
mod settlement_queues;
mod nodes;
mod retry_after;
mod outage;
mod overrides;
mod permissions;
mod permits;
mod processes;
mod proxy;
mod remembered;
mod same_as_memory;
mod sentinel;
mod server;
mod tls;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_core::Secret;
use palisade_internal::polling;
use palisade_rate_limit::{Policy, RateLimitLayer, RedisStore, StoreStatus};

use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use tokio::runtime::Runtime;

use self::server::Server;
use crate::support::TestStack;

const HASH_KEY: &[u8] = b"sixteen bytes and some more";

/// Patience for a machine that does other things too. What must be quick is measured apart.
const DEADLINE: Duration = Duration::from_secs(10);

async fn store(server: &Server) -> RedisStore {
    store_with(server, DEADLINE).await
}

async fn store_with(server: &Server, deadline: Duration) -> RedisStore {
    let builder = RedisStore::builder(&server.url(), Secret::new(HASH_KEY)).deadline(deadline);
    let store = builder.connect().await.unwrap();
    up(&store).await;
    store
}

/// Starts a server and a store on a runtime of their own: a property is no async function.
fn start_blocking() -> Option<(Runtime, Server, RedisStore)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(Server::start())?;
    let store = runtime.block_on(store(&server));
    Some((runtime, server, store))
}

/// Runs a property so many times. Each case costs calls of the server.
fn cases(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

async fn connect(url: &str) -> RedisStore {
    let builder = RedisStore::builder(url, Secret::new(HASH_KEY)).deadline(DEADLINE);
    builder.connect().await.unwrap()
}

/// A stack over the server, on the real clock: buckets run on the server's.
fn stack(store: &RedisStore, policies: impl IntoIterator<Item = Policy>) -> TestStack {
    TestStack::build(
        RateLimitLayer::by_client()
            .policies(policies)
            .store(Arc::new(store.clone())),
        false,
    )
}

/// Far longer than the store and its server need for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the state of a store fulfils a condition.
async fn status(store: &RedisStore, what: &str, condition: impl Fn(&StoreStatus) -> bool) {
    let waited = tokio::time::timeout(PATIENCE, store.wait_for(condition));
    assert!(waited.await.is_ok(), "never {what}: {:?}", store.status());
}

/// Waits until the store calls the server.
async fn up(store: &RedisStore) {
    status(store, "up", |status| status.up).await;
}

/// Waits until the circuit breaker is open.
async fn away(store: &RedisStore) {
    status(store, "away", |status| !status.up).await;
}

/// Waits until settlements, which are sent behind the requests, have arrived.
async fn settled(store: &RedisStore) {
    status(store, "settled", |status| status.unsettled == 0).await;
}

/// Asks Redis until it is so: nodes and sentinels tell nothing when they agreed on something.
async fn asked(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let held = polling::value_in_time(tokio::time::sleep, async || holds().await.then_some(()));
    assert!(held.await.is_some(), "asked in vain: {what}");
}

/// What is written to the log, of a runtime with one thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures the log as long as the guard is kept. On a runtime with one thread that holds for
    /// the tasks of the store too.
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(subscriber.finish());
        (log, guard)
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| line.contains("palisade"))
            .map(str::to_owned)
            .collect()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
