//! Overrides in the shared store: every node applies them, and none loses them with the server.

use std::{num::NonZeroU32, time::Duration};

use palisade_core::Secret;
use palisade_rate_limit::{
    Key, LimitOverride, LimitStore as _, OverrideError, RateLimitLayer, RedisStore, StoreProblem,
    Subject,
};

use super::{
    DEADLINE, HASH_KEY, away, connect, server::Server, settled, stack, start_blocking, store, up,
};
use crate::support::*;

fn amount(units: u32) -> LimitOverride {
    LimitOverride::new(NonZeroU32::new(units).unwrap())
}

fn limit() -> palisade_rate_limit::Policy {
    policy("a", "5/day").key(Key::everyone())
}

/// A layer for an operator over a store.
fn operator(store: &RedisStore) -> RateLimitLayer {
    let layer = RateLimitLayer::by_client()
        .policy(limit())
        .store(store.clone());
    layer.build().unwrap()
}

async fn set(
    store: &RedisStore,
    subject: &Subject<'_>,
    value: Option<LimitOverride>,
) -> Result<(), OverrideError> {
    operator(store).set_override(subject, "a", value).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_reaches_every_node_and_a_new_one_at_its_start() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (one, two) = (store(&server).await, store(&server).await);
    let (first, second) = (stack(&one, [limit()]), stack(&two, [limit()]));
    assert_eq!(first.admitted(9, || from("203.0.113.7")).await, 5);
    set(&one, &Subject::Everyone, Some(amount(500)))
        .await
        .unwrap();
    settled(&one).await;
    assert_eq!(
        first.admitted(100, || from("203.0.113.7")).await,
        100,
        "at once"
    );
    two.check().await.unwrap();
    assert_eq!(
        second.admitted(100, || from("203.0.113.7")).await,
        100,
        "after a heartbeat"
    );
    let new = stack(&store(&server).await, [limit()]);
    assert_eq!(new.status(from("203.0.113.7")).await, 200, "at its start");
    let shown = new.layer.inspect(&Subject::Everyone).get().await.unwrap();
    assert_eq!(shown[0].overridden, Some(amount(500)));
    assert!((293..=295).contains(&shown[0].remaining), "{shown:?}");
    set(&one, &Subject::Everyone, None).await.unwrap();
    settled(&one).await;
    assert_eq!(
        first.status(from("203.0.113.7")).await,
        429,
        "more than five are used"
    );
    let left: Option<String> = server.command(&["GET", "palisade:{overrides}"]).await;
    assert_eq!(left.as_deref(), Some(""), "none, and none was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_outlive_the_server_on_a_node() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    set(&node, &Subject::Everyone, Some(amount(12)))
        .await
        .unwrap();
    let stack = stack(&node, [limit()]);
    server.kill();
    while node.is_up() {
        stack.status(from("203.0.113.7")).await;
    }
    away(&node).await;
    let layer = operator(&node);
    let changed = layer
        .set_override(&Subject::Everyone, "a", Some(amount(3)))
        .await;
    assert!(
        matches!(changed, Err(OverrideError::Store(_))),
        "{changed:?}"
    );
    let admitted = stack.admitted(100, || from("203.0.113.7")).await;
    assert!((6..=12).contains(&admitted), "{admitted} on this node");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_overrides_than_fit_are_refused_by_the_server() {
    let Some(server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let lines: Vec<String> = (0..1_024)
        .map(|n| format!("{n:032x}:a:86400 9 -"))
        .collect();
    let _: () = server
        .command(&["SET", "palisade:{overrides}", &lines.join("\n")])
        .await;
    let more = set(&node, &Subject::Everyone, Some(amount(9))).await;
    assert_eq!(more, Err(OverrideError::TooMany));
    // One that has ended makes space.
    let ended = lines.join("\n").replacen(" 9 -", " 9 1", 1);
    let _: () = server
        .command(&["SET", "palisade:{overrides}", &ended])
        .await;
    assert_eq!(
        set(&node, &Subject::Everyone, Some(amount(9))).await,
        Ok(())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_value_in_place_of_the_overrides_changes_none() {
    let Some(server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    set(&node, &Subject::Everyone, Some(amount(12)))
        .await
        .unwrap();
    let long = "x".repeat(300 * 1024);
    for (name, value) in [("b", "\u{fffd}"), ("c", "no override"), ("d", &long)] {
        let _: () = server
            .command(&["SET", "palisade:{overrides}", value])
            .await;
        let other = store(&server).await;
        assert!(
            other.explain().contains("redis (up)"),
            "{}",
            other.explain()
        );
        let stack = stack(&other, [policy(name, "5/day")]);
        assert_eq!(stack.admitted(9, || from("203.0.113.7")).await, 5);
    }
    let _: () = server.command(&["DEL", "palisade:{overrides}"]).await;
    let _: i64 = server
        .command(&["LPUSH", "palisade:{overrides}", "x"])
        .await;
    let problem = set(&node, &Subject::Everyone, Some(amount(9))).await;
    let expected = OverrideError::Store(StoreProblem::ForeignValue);
    assert_eq!(problem, Err(expected));
    let stack = stack(&node, [limit()]);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_a_configuration_cannot_have_is_the_smallest_that_it_can_have() {
    let Some(server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    set(&node, &Subject::Everyone, Some(amount(3)))
        .await
        .unwrap();
    let costly = policy("a", "50/day").key(Key::everyone()).cost(4);
    let costly = stack(&connect(&server.url()).await, [costly]);
    let admitted = costly.admitted(9, || from("203.0.113.7")).await;
    assert_eq!(admitted, 1, "4 of 4, neither of 3 nor of 50");
}

#[test]
fn overrides_that_the_server_lost_are_told_once_and_removed_ones_are_not() {
    let Some((runtime, server, node)) = start_blocking() else {
        return;
    };
    let check = || {
        palisade_internal::log_lines::count(|| {
            runtime.block_on(node.check()).unwrap();
        })
    };
    let change = |value| {
        runtime
            .block_on(set(&node, &Subject::Everyone, value))
            .unwrap()
    };
    change(Some(amount(12)));
    assert_eq!(check(), 0);
    let _: () = runtime.block_on(server.command(&["FLUSHALL"]));
    assert_eq!((check(), check()), (1, 0));
    change(Some(amount(12)));
    // As another node removes it.
    let other = runtime.block_on(store(&server));
    runtime
        .block_on(set(&other, &Subject::Everyone, None))
        .unwrap();
    assert_eq!(check(), 0);
    let left = runtime.block_on(operator(&node).inspect(&Subject::Everyone).get());
    assert_eq!(left.unwrap()[0].overridden, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buckets_that_are_used_most_are_found() {
    let Some(server) = Server::start().await else {
        return;
    };
    let builder = RedisStore::builder(&server.url(), Secret::new(HASH_KEY)).prefix("p[1]*");
    let node = builder.deadline(DEADLINE).connect().await.unwrap();
    up(&node).await;
    let clients = stack(&node, [policy("a", "100/day"), policy("ab", "100/day")]);
    for (client, requests) in [(1, 3), (2, 30), (3, 7)] {
        let from_client = || from(&format!("203.0.113.{client}"));
        assert_eq!(clients.admitted(requests, from_client).await, requests);
    }
    let limit = policy("a", "100/day").limits().unwrap().remove(0);
    let found = node.most_used(&limit, 2).await.unwrap();
    assert!(found.is_complete);
    let of = |client: u8| {
        let subject = Subject::network([203, 0, 113, client].into(), 32, 64);
        node.bucket_key(&subject).own()
    };
    let seen: Vec<(u128, u64)> = found.buckets.iter().map(|b| (b.subject, b.used)).collect();
    assert_eq!(seen, [(of(2), 30), (of(3), 7)]);
    assert!(found.buckets[0].full > Duration::from_secs(29 * 864));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_does_not_know_the_burst_forgives_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let service = policy("a", "10/day").key(Key::everyone()).burst(100);
    let service = stack(&node, [service]);
    assert_eq!(service.admitted(90, || from("203.0.113.7")).await, 90);
    // As the command: another process, with the name and the rate alone.
    let command = store(&server).await;
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "10/day").key(Key::everyone()))
        .store(command.clone());
    let layer = layer.build().unwrap();
    let looked = layer.inspect(&Subject::Everyone).get().await.unwrap();
    assert_eq!(looked[0].remaining, 0);
    let left = async || {
        let states = service.layer.inspect(&Subject::Everyone).get().await;
        states.unwrap()[0].remaining
    };
    assert_eq!(left().await, 10, "a look changes nothing");
    let set = layer
        .set_override(&Subject::Everyone, "a", Some(amount(20)))
        .await;
    assert_eq!(set, Ok(()));
    node.check().await.unwrap();
    assert_eq!(left().await, 110, "90 of 200 are used");
    let removed = layer.set_override(&Subject::Everyone, "a", None).await;
    assert_eq!(removed, Ok(()));
    node.check().await.unwrap();
    assert_eq!(left().await, 10);
}
