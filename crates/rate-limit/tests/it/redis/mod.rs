//! A real server: exactness among processes, and every way in which the server can fail.
//!
//! Needs `redis-server` in the path. Without it these tests say so and pass, except in CI (`CI=true`).

mod exact;
mod faults;
mod same;
mod server;
mod tls;

use std::{sync::Arc, time::Duration};

use palisade_core::Secret;
use palisade_rate_limit::{Policy, RateLimitLayer, RedisStore};

use self::server::Server;
use crate::support::Stage;

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

/// A stack over the server, on the real clock: buckets run on the server's.
fn stage(store: &RedisStore, policies: impl IntoIterator<Item = Policy>) -> Stage {
    Stage::build(
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
            "it never came to pass that {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}
