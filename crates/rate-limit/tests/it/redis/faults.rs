//! The server cannot be reached, hangs, is full or read-only, lost its data, or holds what another program wrote.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_core::Secret;
use palisade_rate_limit::{FailureMode, Policy, RedisStore};

use super::{
    DEADLINE, Log, away,
    server::{Server, free_port},
    settled, stack, store, store_with, up,
};
use crate::support::*;

fn share(share: u32) -> FailureMode {
    FailureMode::LocalFallback {
        share: NonZeroU32::new(share),
    }
}

fn one(mode: FailureMode) -> Policy {
    policy("a", "8/day").when_store_fails(mode)
}

/// A store whose server was never there.
pub(super) async fn orphan() -> RedisStore {
    let url = format!("redis://127.0.0.1:{}/0", free_port());
    let store = RedisStore::builder(&url, Secret::new(super::HASH_KEY))
        .connect()
        .await
        .unwrap();
    assert!(!store.is_up());
    store
}

#[tokio::test]
async fn away_and_closed_is_503_with_its_reason() {
    let stack = stack(&orphan().await, [one(FailureMode::FailClosed)]);
    let refused = stack.send(from("203.0.113.7")).await;
    assert_eq!((refused.status().as_u16(), retry_after(&refused)), (503, 1));
    assert_eq!(
        problem(&refused)["type"],
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    );
    assert_eq!(field(&refused, "ratelimit"), "");
}

#[tokio::test]
async fn away_and_open_admits_and_tells_nothing() {
    let stack = stack(&orphan().await, [one(FailureMode::FailOpen)]);
    assert_eq!(stack.admitted(50, || from("203.0.113.7")).await, 50);
    assert_eq!(
        field(&stack.send(from("203.0.113.7")).await, "ratelimit"),
        ""
    );
}

#[tokio::test]
async fn away_and_local_counts_this_nodes_share() {
    let stack = stack(&orphan().await, [one(share(3))]);
    assert_eq!(stack.admitted(20, || from("203.0.113.7")).await, 3);
    let refused = stack.send(from("203.0.113.7")).await;
    // A third of eight a day: nine hours a unit.
    assert_eq!(
        (refused.status().as_u16(), retry_after(&refused)),
        (429, 9 * 3600)
    );
    assert_eq!(field(&refused, "ratelimit"), "");
}

#[tokio::test]
async fn one_policy_that_fails_closed_closes_the_layer() {
    let stack = stack(
        &orphan().await,
        [
            policy("open", "1/day").when_store_fails(FailureMode::FailOpen),
            policy("paid", "9/day").when_store_fails(FailureMode::FailClosed),
        ],
    );
    assert_eq!(stack.status(from("203.0.113.7")).await, 503);
}

#[tokio::test]
async fn a_request_that_costs_more_than_the_share_takes_the_whole_share() {
    let stack = stack(
        &orphan().await,
        [policy("a", "8/day").cost(5).when_store_fails(share(4))],
    );
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 1);
}

#[tokio::test]
async fn penalties_work_while_the_server_is_unreachable() {
    let stack = stack(&orphan().await, [policy("login", "2/day").penalty()]);
    assert_eq!(stack.status(as_user("wrong")).await, 401);
    assert_eq!(stack.status(as_user("wrong")).await, 401);
    assert_eq!(stack.status(as_user("anna")).await, 429);
}

#[tokio::test]
async fn degraded_requests_are_marked_in_the_trail() {
    use palisade_core::{ClientInfo, Fact, Guard, Scheme, SecurityContext, Verdict};
    let stack = stack(&orphan().await, [one(FailureMode::FailOpen)]);
    let (mut head, _) = from("203.0.113.7").into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https));
    assert!(matches!(
        stack.layer.admit(&cx, &mut head),
        Verdict::Admit(_)
    ));
    assert!(matches!(
        cx.facts()[..],
        [Fact::Degraded {
            guard: "limit_client",
            ..
        }]
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_left_at_once_and_found_again() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [one(FailureMode::FailClosed)]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    server.kill();
    assert_eq!(stack.status(from("203.0.113.7")).await, 503);
    away(&store).await;
    assert_eq!(stack.status(from("203.0.113.7")).await, 503);
    server.restart().await;
    let restarted = Instant::now();
    up(&store).await;
    let found = restarted.elapsed();
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    // Tries follow each other within half a second; the rest is patience for a busy machine.
    assert!(found < Duration::from_secs(3), "{found:?}");
    assert!(field(&stack.send(from("203.0.113.7")).await, "ratelimit").starts_with("\"a\""));
}

#[tokio::test]
async fn a_change_of_state_is_one_line_in_the_log() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let (log, guard) = Log::capture();
    let store = store(&server).await;
    let stack = stack(&store, [one(FailureMode::FailOpen)]);
    server.kill();
    assert_eq!(stack.admitted(50, || from("203.0.113.7")).await, 50);
    server.restart().await;
    up(&store).await;
    drop(guard);
    let lines = log.lines();
    let count = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    assert_eq!(
        (count("is up"), count("cannot be reached"), lines.len()),
        (2, 1, 3),
        "{lines:#?}"
    );
    assert!(
        !lines.concat().contains("203.0.113") && !lines.concat().contains("127.0.0.1"),
        "{lines:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_server_costs_the_deadline_five_times_and_then_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    let deadline = Duration::from_millis(25);
    let store = store_with(&server, deadline).await;
    let stack = stack(&store, [one(FailureMode::FailOpen)]);
    server.freeze();
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(stack.status(from("203.0.113.7")).await, 200);
        assert!(
            (deadline..deadline + Duration::from_millis(400)).contains(&start.elapsed()),
            "{:?}",
            start.elapsed()
        );
    }
    assert!(!store.is_up());
    let start = Instant::now();
    assert_eq!(stack.admitted(200, || from("203.0.113.7")).await, 200);
    assert!(
        start.elapsed() < 100 * deadline,
        "requests still wait for the server"
    );
    server.thaw();
    up(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_script_gets_it_again() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [one(FailureMode::FailClosed)]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    for _ in 0..3 {
        let _: () = server.command(&["SCRIPT", "FLUSH"]).await;
        assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    }
    assert!(store.is_up());
    assert!(field(&stack.send(from("203.0.113.7")).await, "ratelimit").starts_with("\"a\";r=3"));
}

/// Breaks the server, checks the policy's mode, repairs it, and checks that the server is used again.
async fn breaks_and_recovers(breaking: &[&str], repairing: &[&str]) {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(
        &store,
        [policy("a", "100/day").when_store_fails(FailureMode::FailClosed)],
    );
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    let _: () = server.command(breaking).await;
    for _ in 0..10 {
        assert_eq!(stack.status(from("203.0.113.7")).await, 503);
    }
    assert!(!store.is_up(), "five failures in a row open the breaker");
    let _: () = server.command(repairing).await;
    up(&store).await;
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_is_a_failure() {
    breaks_and_recovers(
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "maxmemory", "0"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_is_a_failure() {
    breaks_and_recovers(
        &["REPLICAOF", "127.0.0.1", "1"],
        &["REPLICAOF", "NO", "ONE"],
    )
    .await;
}

/// Puts something else where the bucket of a client was.
async fn foreign(command: &str, value: &str) {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [one(FailureMode::FailClosed)]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    let keys: Vec<String> = server.command(&["KEYS", "*}:a:*"]).await;
    let _: i64 = server.command(&["DEL", &keys[0]]).await;
    let _: redis::Value = server.command(&[command, &keys[0], value]).await;
    assert_eq!(stack.status(from("203.0.113.7")).await, 503, "{value}");
    assert_eq!(stack.status(from("203.0.113.8")).await, 200);
    assert!(store.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_value_is_a_failure_of_that_bucket_alone() {
    foreign("LPUSH", "x").await;
    foreign("SET", "x").await;
    foreign("SET", "").await;
    foreign("SET", "nan").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_costs_no_more_than_an_empty_bucket() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(&store, [policy("a", "2/day")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    let keys: Vec<String> = server.command(&["KEYS", "*}:a:*"]).await;
    // Full again in three hundred years, says the bucket.
    let _: () = server.command(&["SET", &keys[0], "9000000000000000"]).await;
    let refused = stack.send(from("203.0.113.7")).await;
    assert_eq!(
        (refused.status().as_u16(), retry_after(&refused)),
        (429, 43_200)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_reaches_the_server() {
    let Some(server) = Server::start().await else {
        return;
    };
    let store = store(&server).await;
    let stack = stack(
        &store,
        [policy("characters", "100/day")
            .cost(10)
            .settled_by("characters")],
    );
    let speak = || {
        get("/")
            .header("x-client", "203.0.113.7")
            .header("x-settle", "characters=60")
            .body(Default::default())
            .unwrap()
    };
    assert_eq!(stack.status(speak()).await, 200);
    settled(&store).await;
    let decision = stack.send(from("203.0.113.7")).await;
    assert!(
        field(&decision, "ratelimit").starts_with("\"characters\";r=30"),
        "{decision:?}"
    );
}

#[tokio::test]
async fn a_store_with_invalid_settings_is_an_error() {
    let key = || Secret::new(super::HASH_KEY);
    let check = async |builder: palisade_rate_limit::RedisStoreBuilder, why: &str| {
        let error = builder.connect().await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    check(
        RedisStore::builder("http://canary:canary@host", key()),
        "redis://[user:password@]",
    )
    .await;
    check(
        RedisStore::builder("redis://127.0.0.1", Secret::new(b"short".to_vec())),
        "16 bytes",
    )
    .await;
    check(
        RedisStore::builder("redis://127.0.0.1", key()).prefix("a{b"),
        "prefix",
    )
    .await;
    let debug = format!(
        "{:?} {:?}",
        RedisStore::builder("redis://u:canary@127.0.0.1", key()),
        orphan().await
    );
    assert!(
        !debug.contains("canary") && !debug.contains("sixteen"),
        "{debug}"
    );
    let fine = stack(&orphan().await, [policy("a", "10/day")]);
    assert!(
        fine.layer
            .explain()
            .contains("redis (away, connection_refused), deadline 25 ms"),
        "{}",
        fine.layer.explain()
    );
    let _ = DEADLINE;
}

#[tokio::test]
async fn a_rate_too_fine_for_the_server_is_refused_at_build() {
    let builder =
        palisade_rate_limit::RateLimitLayer::by_client().policy(policy("a", "3000/second"));
    let error = builder.store(Arc::new(orphan().await)).build().unwrap_err();
    assert!(error.to_string().contains("whole microseconds"), "{error}");
}
