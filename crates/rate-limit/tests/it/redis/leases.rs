//! Leases over a real server: among processes, in an outage, and at the end of a process.

use std::{process::Stdio, time::Duration};

use palisade_core::Secret;
use palisade_rate_limit::{
    FailureMode, Key, LeasedStore, LimitStore as _, Policy, RateLimitLayer, RedisStore, Subject,
};

use super::{DEADLINE, HASH_KEY, away, server::Server, settled, store, up};
use crate::support::*;

const QUOTA: u32 = 400;
const LEASE: u32 = 20;
const PROCESSES: usize = 8;
const TRIES: usize = 150;

/// Where a process of the test below finds the server.
const ADDRESS: &str = "PALISADE_TEST_LEASES";

fn leased() -> Policy {
    policy("a", &format!("{QUOTA}/day"))
        .key(Key::everyone())
        .lease(LEASE)
}

/// A node with leases over the server, on the real clock.
fn node(store: &RedisStore, policy: Policy) -> (TestStack, LeasedStore) {
    let leases = LeasedStore::builder(store.clone()).life(Duration::from_secs(60));
    let leases = leases
        .clock(palisade_core::SystemClock::shared())
        .build()
        .unwrap();
    let layer = RateLimitLayer::by_client()
        .policy(policy)
        .store(leases.clone());
    let layer = layer.clock(palisade_core::SystemClock::shared());
    (TestStack::real(layer), leases)
}

/// What the server would still grant.
async fn remaining(store: &RedisStore) -> u32 {
    let policy = policy("a", &format!("{QUOTA}/day")).key(Key::everyone());
    let layer = RateLimitLayer::by_client()
        .policy(policy)
        .store(store.clone());
    let states = layer
        .build()
        .unwrap()
        .inspect(&Subject::Everyone)
        .get()
        .await;
    states.unwrap()[0].remaining
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_with_leases_never_exceed_the_quota_and_lose_none_of_it() {
    let Some(server) = Server::start().await else {
        return;
    };
    let process = || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "redis::leases::one_process_with_leases",
                "--nocapture",
            ])
            .env(ADDRESS, server.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(|_| process()).collect();
    let mut admitted = 0;
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, count) = text
            .split_once("ADMITTED ")
            .unwrap_or_else(|| panic!("{text}"));
        admitted += count
            .split_whitespace()
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap();
    }
    assert!(admitted <= QUOTA, "{admitted}");
    let left = remaining(&store(&server).await).await;
    assert_eq!(admitted + left, QUOTA, "what was not spent is back");
}

/// Does nothing unless the test above starts it.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_with_leases() {
    let Ok(url) = std::env::var(ADDRESS) else {
        return;
    };
    let builder = RedisStore::builder(&url, Secret::new(HASH_KEY)).deadline(DEADLINE);
    let store = builder.connect().await.unwrap();
    up(&store).await;
    let (stack, leases) = node(&store, leased());
    let admitted = stack.admitted(TRIES, || from("203.0.113.7")).await;
    leases.finish().get().await;
    println!("ADMITTED {admitted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_outlives_the_server_and_is_returned_when_it_is_back() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node_store = store(&server).await;
    let closed = leased().when_store_fails(FailureMode::FailClosed);
    let (stack, leases) = node(&node_store, closed);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 2);
    server.kill();
    let rest = LEASE as usize - 1;
    assert_eq!(stack.admitted(rest, || from("203.0.113.7")).await, rest);
    while node_store.is_up() {
        assert_eq!(stack.status(from("203.0.113.7")).await, 503);
    }
    away(&node_store).await;
    server.restart().await;
    up(&node_store).await;
    leases.finish().get().await;
    settled(&node_store).await;
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_leases_than_the_queue_holds_lose_no_unit_on_the_server() {
    let Some(server) = Server::start().await else {
        return;
    };
    // Space for refunds of a few dozen buckets.
    let builder = RedisStore::builder(&server.url(), Secret::new(HASH_KEY));
    let builder = builder.deadline(DEADLINE).settlement_memory(16 * 1024);
    let store = builder.connect().await.unwrap();
    up(&store).await;
    let (stack, leases) = node(&store, policy("a", "40/day").lease(10));
    for client in (0..200).chain(0..200) {
        let request = from(&format!("203.0.113.{client}"));
        assert_eq!(stack.status(request).await, 200);
    }
    leases.finish().get().await;
    settled(&store).await;
    assert_eq!(store.status().lost, 0);
    let plain = super::stack(&store, [policy("a", "40/day")]);
    for client in 0..200 {
        let ip = format!("203.0.113.{client}");
        let states = plain.layer.inspect_client(ip.parse().unwrap()).get().await;
        assert_eq!(states.unwrap()[0].remaining, 38, "{ip}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lease_costs_one_call_of_the_server() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (stack, _leases) = node(&store(&server).await, leased());
    assert_eq!(stack.admitted(1, || from("203.0.113.7")).await, 1);
    let _: () = server.command(&["CONFIG", "RESETSTAT"]).await;
    let tries = 10 * LEASE as usize;
    assert_eq!(stack.admitted(tries, || from("203.0.113.7")).await, tries);
    let statistics: String = server.command(&["INFO", "commandstats"]).await;
    assert!(
        statistics.contains("cmdstat_evalsha:calls=10,"),
        "{statistics}"
    );
}
