//! Servers under Sentinel: the primary is found, and found again after a failover.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, RedisStore};

use super::{
    DEADLINE, HASH_KEY, asked,
    server::{Server, free_port, logged},
    stack, up,
};
use crate::support::*;

/// A sentinel that watches one primary, gone with the test.
struct Sentinel {
    child: Child,
    port: u16,
}

impl Sentinel {
    fn start(folder: &Path, primary: u16) -> Self {
        let port = free_port();
        let file = folder.join("sentinel.conf");
        let lines = [
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", folder.display()),
            format!("sentinel monitor main 127.0.0.1 {primary} 1"),
            "sentinel down-after-milliseconds main 500".to_owned(),
            "sentinel failover-timeout main 3000".to_owned(),
        ];
        fs::write(&file, lines.join("\n")).unwrap();
        let child = Command::new("redis-server")
            .args([file.as_os_str(), "--sentinel".as_ref()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// Waits until it knows the replica, without which there is no failover.
    async fn knows_the_replica(&mut self) {
        logged(&mut self.child, "+slave").await;
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_under_sentinel_is_followed_and_keeps_its_buckets() {
    let Some(mut primary) = Server::start().await else {
        return;
    };
    let port = primary.port().to_string();
    let replica = Server::start_with(|_| {
        let words = [
            "--replicaof",
            "127.0.0.1",
            &port,
            "--repl-diskless-sync-delay",
            "0",
        ];
        words.into_iter().map(str::to_owned).collect()
    });
    let replica = replica.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut sentinel = Sentinel::start(folder.path(), primary.port());
    sentinel.knows_the_replica().await;

    // The first sentinel of the address is away.
    let url = format!(
        "redis-sentinel://127.0.0.1:{},127.0.0.1:{}/main",
        free_port(),
        sentinel.port
    );
    let builder = RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
    let store = builder.connect().await.unwrap();
    up(&store).await;
    let strict = policy("a", "6/day").when_store_fails(FailureMode::FailClosed);
    let stack = stack(&store, [strict]);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 2);
    asked("the replica has the bucket", async || {
        let keys: Vec<String> = replica.command(&["KEYS", "*}:a:*"]).await;
        let units: Option<String> = replica.command(&["GET", &keys.concat()]).await;
        let primary: Option<String> = primary.command(&["GET", &keys.concat()]).await;
        units.is_some() && units == primary
    })
    .await;

    primary.kill();
    assert_eq!(stack.status(from("203.0.113.7")).await, 503);
    let mut decision = stack.send(from("203.0.113.7")).await;
    asked("the replica is the primary", async || {
        decision = stack.send(from("203.0.113.7")).await;
        decision.status() == 200
    })
    .await;
    assert!(
        field(&decision, "ratelimit").starts_with("\"a\";r=3"),
        "{decision:?}"
    );
    let role: Vec<redis::Value> = replica.command(&["ROLE"]).await;
    assert_eq!(role[0], redis::Value::BulkString(b"master".to_vec()));
}

#[tokio::test]
async fn a_sentinel_that_cannot_be_reached_is_reported() {
    let url = format!("redis-sentinel://127.0.0.1:{}/main", free_port());
    let store = super::connect(&url).await;
    assert!(!store.is_up());
    let problem = store.status().problem.unwrap();
    assert_eq!(problem.code(), "connection_refused");
}
