//! Servers under Sentinel: the primary is found, and found again after a failover.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, RedisStore, RedisStoreBuildError};

use super::{
    DEADLINE, HASH_KEY, asked,
    server::{Server, free_port, logged},
    stack, tls, up,
};
use crate::support::*;

/// A sentinel that watches one primary, gone with the test.
pub(super) struct Sentinel {
    child: Child,
    port: u16,
}

impl Sentinel {
    pub(super) fn start(folder: &Path, primary: u16) -> Self {
        let port = free_port();
        Self::start_with(folder, primary, port, vec![format!("port {port}")])
    }

    /// Starts it with more lines in its file. They name its port.
    fn start_with(folder: &Path, primary: u16, port: u16, more: Vec<String>) -> Self {
        let file = folder.join("sentinel.conf");
        let lines = [
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", folder.display()),
            format!("sentinel monitor main 127.0.0.1 {primary} 1"),
            "sentinel down-after-milliseconds main 500".to_owned(),
            "sentinel failover-timeout main 3000".to_owned(),
        ];
        let lines: Vec<String> = lines.into_iter().chain(more).collect();
        fs::write(&file, lines.join("\n")).unwrap();
        let child = Command::new("redis-server")
            .args([file.as_os_str(), "--sentinel".as_ref()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// Returns the address of what it watches.
    pub(super) fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}/main", self.port)
    }

    /// Waits until it knows the replica, without which there is no failover.
    pub(super) async fn knows_the_replica(&mut self) {
        logged(&mut self.child, "+slave").await;
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a replica.
pub(super) async fn replica_of(primary: &Server) -> Server {
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
    replica.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_under_sentinel_is_followed_and_keeps_its_buckets() {
    let Some(mut primary) = Server::start().await else {
        return;
    };
    let replica = replica_of(&primary).await;
    let folder = tempfile::tempdir().unwrap();
    let mut sentinel = Sentinel::start(folder.path(), primary.port());
    sentinel.knows_the_replica().await;

    // The first sentinel of the address cannot be reached.
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

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_servers_have_passwords_of_their_own_and_tls() {
    let folder = tempfile::tempdir().unwrap();
    let root = tls::certify(folder.path());
    let (primary_port, port) = (free_port(), free_port());
    let primary = Server::start_with(|_| {
        let mut words = tls::arguments(folder.path(), primary_port, "no");
        words.extend(["--requirepass", "of-the-servers"].map(str::to_owned));
        words
    });
    let Some(_primary) = primary.await else {
        return;
    };
    let mut lines = vec![
        "port 0".to_owned(),
        "requirepass of-the-sentinels".to_owned(),
        "sentinel auth-pass main of-the-servers".to_owned(),
        "tls-replication yes".to_owned(),
    ];
    let words = tls::arguments(folder.path(), port, "no");
    lines.extend(
        words
            .chunks(2)
            .map(|pair| pair.join(" ").replacen("--", "", 1)),
    );
    let mut sentinel = Sentinel::start_with(folder.path(), primary_port, port, lines);
    logged(&mut sentinel.child, "+monitor").await;

    let url = format!("rediss-sentinel://127.0.0.1:{port}/main");
    let builder = || {
        let builder = RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
        builder.root_certificate(root.clone())
    };
    let (servers, sentinels) = (
        Secret::new("of-the-servers"),
        Secret::new("of-the-sentinels"),
    );
    let right = builder()
        .password(servers.clone())
        .sentinel_password(sentinels.clone());
    let store = right.connect().await.unwrap();
    up(&store).await;
    let stack = stack(&store, [policy("a", "2/day")]);
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 2);

    for wrong in [
        builder().password(servers.clone()),
        builder()
            .password(servers)
            .sentinel_password(Secret::new("another")),
        builder().sentinel_password(sentinels),
    ] {
        assert!(!wrong.connect().await.unwrap().is_up());
    }
}

#[tokio::test]
async fn credentials_of_sentinels_without_a_use_are_refused() {
    let builder = |url| RedisStore::builder(url, Secret::new(HASH_KEY));
    let password = || Secret::new("canary");
    for wrong in [
        builder("redis://127.0.0.1").sentinel_password(password()),
        builder("redis-cluster://127.0.0.1").sentinel_password(password()),
        builder("redis-sentinel://127.0.0.1/main").sentinel_user("limits"),
    ] {
        let error = wrong.connect().await.unwrap_err();
        assert_eq!(error, RedisStoreBuildError::UnusedSentinelCredentials);
    }
    for wrong in [
        builder("redis://127.0.0.1").password(Secret::new("")),
        builder("redis://127.0.0.1").password(Secret::new([0xFF])),
    ] {
        let error = wrong.connect().await.unwrap_err();
        assert_eq!(error, RedisStoreBuildError::InvalidPassword);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_takes_the_place_of_that_in_the_address() {
    let server = Server::start_with(|_| {
        let words = ["--requirepass", "right"];
        words.map(str::to_owned).to_vec()
    });
    let Some(server) = server.await else { return };
    let connect = async |url: String, password: &str| {
        let builder = RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
        builder.password(Secret::new(password)).connect().await
    };
    let wrong = server.url_of("default", "wrong");
    assert!(connect(wrong.clone(), "right").await.unwrap().is_up());
    assert!(connect(server.url(), "right").await.unwrap().is_up());
    assert!(!connect(wrong, "another").await.unwrap().is_up());
}

#[tokio::test]
async fn a_sentinel_that_cannot_be_reached_is_reported() {
    let url = format!("redis-sentinel://127.0.0.1:{}/main", free_port());
    let store = super::connect(&url).await;
    assert!(!store.is_up());
    let problem = store.status().problem.unwrap();
    assert_eq!(problem.code(), "connection_refused");
}
