//! What a node admits while the server cannot be reached is written to the server afterwards.

use std::num::NonZeroU32;

use palisade_rate_limit::{FailureMode, Policy, RedisStore};

use super::{away, server::Server, settled, stack, store, up};
use crate::support::*;

/// A policy that counts the whole limit on this node while the server cannot be reached.
fn whole(rate: &str) -> Policy {
    let share = NonZeroU32::new(1);
    policy("a", rate).when_store_fails(FailureMode::LocalFallback { share })
}

/// Kills the server and makes the store notice, with a request of another client.
async fn go_away(server: &mut Server, store: &RedisStore, stack: &TestStack) {
    server.kill();
    assert_eq!(stack.status(from("198.51.100.1")).await, 200);
    away(store).await;
}

/// Starts the server again, empty, and waits until everything was delivered.
async fn come_back(server: &mut Server, store: &RedisStore) {
    server.restart().await;
    up(store).await;
    settled(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_admits_during_an_outage_is_charged_afterwards() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let here = stack(&node, [whole("8/day")]);
    go_away(&mut server, &node, &here).await;
    assert_eq!(here.admitted(3, || from("203.0.113.7")).await, 3);
    assert_eq!(node.unsettled(), 3);
    come_back(&mut server, &node).await;
    let elsewhere = stack(&store(&server).await, [whole("8/day")]);
    assert_eq!(elsewhere.admitted(20, || from("203.0.113.7")).await, 5);
    // The call of this client was lost with the connection. The server may have counted it.
    assert_eq!(elsewhere.admitted(20, || from("198.51.100.1")).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_settled_during_an_outage_is_charged_and_not_what_was_reserved() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let characters = || whole("100/day").cost(10).settled_by("characters");
    let node = store(&server).await;
    let here = stack(&node, [characters()]);
    go_away(&mut server, &node, &here).await;
    let speak = get("/")
        .header("x-client", "203.0.113.7")
        .header("x-settle", "characters=4")
        .body(Default::default())
        .unwrap();
    assert_eq!(here.status(speak).await, 200);
    come_back(&mut server, &node).await;
    let elsewhere = stack(&store(&server).await, [characters()]);
    let decision = elsewhere.send(from("203.0.113.7")).await;
    assert!(
        field(&decision, "ratelimit").starts_with("\"a\";r=86"),
        "{decision:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_reset_during_an_outage_is_not_charged_afterwards() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let here = stack(&node, [whole("8/day")]);
    go_away(&mut server, &node, &here).await;
    assert_eq!(here.admitted(9, || from("203.0.113.7")).await, 8);
    let reset = here.layer.reset_client([203, 0, 113, 7].into()).get().await;
    assert!(reset.is_err(), "the server cannot confirm it");
    come_back(&mut server, &node).await;
    assert_eq!(here.admitted(20, || from("203.0.113.7")).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_different_windows_do_not_share_a_bucket_and_those_with_other_amounts_do() {
    let Some(server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let days = stack(&node, [whole("4/day")]);
    assert_eq!(days.admitted(2, || from("203.0.113.7")).await, 2);
    let other = store(&server).await;
    let weeks = stack(&other, [whole("4/week")]);
    assert_eq!(weeks.admitted(9, || from("203.0.113.7")).await, 4);
    // Half of the day's quota is used, whatever it is.
    let more = stack(&other, [whole("6/day")]);
    assert_eq!(more.admitted(9, || from("203.0.113.7")).await, 3);
}
