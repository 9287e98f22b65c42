//! Remembered denials and stored backlogs do not outlive their reason.

use std::time::Duration;

use palisade_core::Secret;
use palisade_rate_limit::RedisStore;

use super::{HASH_KEY, server::Server, stack, store};
use crate::support::*;

async fn calls(server: &Server) -> u64 {
    let statistics: String = server.command(&["INFO", "commandstats"]).await;
    let line = statistics.split("cmdstat_evalsha:calls=").nth(1);
    line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_denial_is_confirmed_by_the_server_every_two_seconds() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [policy("a", "1/day")]);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
    let _: () = server.command(&["CONFIG", "RESETSTAT"]).await;
    assert_eq!(stack.admitted(300, || from("203.0.113.7")).await, 0);
    assert_eq!(calls(&server).await, 0);
    for round in 1..=3 {
        stack.wait(2.0);
        assert_eq!(stack.admitted(300, || from("203.0.113.7")).await, 0);
        assert_eq!(calls(&server).await, round);
    }
}

#[tokio::test]
async fn a_raised_quota_is_not_bound_by_what_the_old_one_denied() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let old = stack(&store, [policy("a", "2/day")]);
    assert_eq!(old.admitted(5, || from("203.0.113.7")).await, 2);
    let raised = stack(&store, [policy("a", "4/day").burst(8)]);
    assert_eq!(raised.status(from("203.0.113.7")).await, 200);
}

#[tokio::test]
async fn another_tier_gets_its_own_wait() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let free = stack(&store, [policy("a", "2/day")]);
    assert_eq!(free.admitted(2, || from("203.0.113.7")).await, 2);
    assert_eq!(retry_after(&free.send(from("203.0.113.7")).await), 43_200);
    // Two of 24 are used, and the denial of the other tier is not theirs.
    let paid = stack(&store, [policy("a", "24/day")]);
    assert_eq!(paid.admitted(30, || from("203.0.113.7")).await, 22);
    assert!((3590..=3600).contains(&retry_after(&paid.send(from("203.0.113.7")).await)));
    // 24 of 2 are used: 23 come back before there is one.
    let again = stack(&store, [policy("a", "2/day").burst(3)]);
    let wait = retry_after(&again.send(from("203.0.113.7")).await);
    assert!((22 * 3_600 - 10..=22 * 3_600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_reset_admits_at_once_here_and_within_two_seconds_elsewhere() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    let policies = || [policy("a", "1/day"), policy("b", "9/day")];
    let (one, two) = (stack(&one, policies()), stack(&two, policies()));
    assert_eq!(one.admitted(2, || from("203.0.113.7")).await, 1);
    assert_eq!(two.status(from("203.0.113.7")).await, 429);
    two.layer
        .reset_client([203, 0, 113, 7].into())
        .get()
        .await
        .unwrap();
    assert_eq!(one.status(from("203.0.113.7")).await, 429);
    one.wait(2.0);
    assert_eq!(one.status(from("203.0.113.7")).await, 200);
    two.layer
        .reset_client([203, 0, 113, 7].into())
        .get()
        .await
        .unwrap();
    assert_eq!(two.status(from("203.0.113.7")).await, 200);
}

#[tokio::test]
async fn a_reset_lifts_penalties_on_every_node() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    let stages = [&one, &two].map(|store| stack(store, [policy("login", "2/day").penalty()]));
    let [here, there] = &stages;
    for _ in 0..3 {
        here.send(as_user("wrong")).await;
    }
    super::settled(&one).await;
    assert_eq!(here.status(as_user("anna")).await, 429);
    assert_eq!(there.status(as_user("anna")).await, 429);
    there
        .layer
        .reset_client([203, 0, 113, 7].into())
        .get()
        .await
        .unwrap();
    assert_eq!(there.status(as_user("anna")).await, 200);
    here.wait(2.0);
    assert_eq!(here.status(as_user("anna")).await, 200);
    assert_eq!(here.status(as_user("anna")).await, 200);
}

#[tokio::test]
async fn a_reset_without_the_server_returns_the_problem_and_applies_here() {
    let stack = stack(&super::faults::orphan().await, [policy("a", "1/day")]);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
    let problem = stack
        .layer
        .reset_client([203, 0, 113, 7].into())
        .get()
        .await
        .unwrap_err();
    assert_eq!(problem.code(), "connection_refused");
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

#[tokio::test]
async fn in_memory_a_reset_admits_at_once() {
    let stack = TestStack::by_client([policy("a", "1/day"), policy("b", "1/hour")]);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
    stack
        .layer
        .reset_client([203, 0, 113, 7].into())
        .get()
        .await
        .unwrap();
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

/// Values that a bucket of this limit cannot have: the time to wait is true nevertheless.
#[tokio::test]
async fn a_stored_backlog_beyond_the_limit_is_cut_also_by_a_refusal() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [policy("a", "2/day")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    let keys: Vec<String> = server.command(&["KEYS", "*}:a:*"]).await;
    for value in ["inf", "1e300", "9000000000000000"] {
        let _: () = server.command(&["SET", &keys[0], value]).await;
        stack.wait(200_000.0);
        let refused = stack.send(from("203.0.113.7")).await;
        assert_eq!(
            (refused.status().as_u16(), retry_after(&refused)),
            (429, 43_200)
        );
        let ttl: i64 = server.command(&["PTTL", &keys[0]]).await;
        assert!((86_000_000..=86_400_000).contains(&ttl), "{value}: {ttl}");
        stack.wait(43_200.0);
        super::same_as_memory::pass(&server, 43_200_000_000).await;
        assert_eq!(stack.status(from("203.0.113.7")).await, 200, "{value}");
    }
}

#[tokio::test]
async fn a_deadline_of_zero_is_refused() {
    let builder = RedisStore::builder("redis://127.0.0.1", Secret::new(HASH_KEY));
    let error = builder
        .deadline(Duration::ZERO)
        .connect()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("deadline"), "{error}");
}
