//! A real server: exactness among processes, and every way in which the server can fail.
//!
//! Needs `redis-server` in the path. Without it these tests say so and pass, except in CI (`CI=true`).

mod budgets;
mod cluster;
mod errors;
mod exact;
mod faults;
mod settlement_queues;
mod nodes;
mod retry_after;
mod outage;
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
use palisade_rate_limit::{Policy, RateLimitLayer, RedisStore};

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
    until("the store is up", async || store.is_up()).await;
    store
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

/// Asks until it is true, for ten seconds at most. Returns how long it took.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = std::time::Instant::now();
    while !holds().await {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "timed out: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
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
