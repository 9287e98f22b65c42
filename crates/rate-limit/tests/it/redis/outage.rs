//! What a node admits while the server cannot be reached is written to the server afterwards.

use std::{num::NonZeroU32, sync::Arc};

use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, FailureMode, LeasedStore, LimitStore as _, Policy, RedisStore,
};

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
    // Two units of the day are used, whatever its quota is.
    let more = stack(&other, [whole("6/day")]);
    assert_eq!(more.admitted(9, || from("203.0.113.7")).await, 4);
}

/// The charge of a lost reply is not among what is written to the server: nothing of it is taken back there.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_queued_takes_nothing_from_what_was() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let here = stack(&node, [whole("8/day")]);
    go_away(&mut server, &node, &here).await;
    assert_eq!(here.admitted(3, || from("203.0.113.7")).await, 3);
    let limit = Arc::new(whole("8/day").limits().unwrap().remove(0));
    let other = BucketKey::new(1, 0);
    let now = std::time::Duration::from_secs(1);
    node.charge(now, &[Charge::new(&limit, other, 5)])
        .get()
        .await;
    node.adjust_uncertain(now, &limit, other, -4);
    come_back(&mut server, &node).await;
    let left = node
        .charge(now, &[Charge::new(&limit, other, 4)])
        .get()
        .await;
    assert_eq!(
        left.outcome(),
        ChargeOutcome::Refused,
        "all five were written"
    );
}

/// The same through leases: the server charges a lease, and its reply comes too late.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_reply_is_lost_takes_nothing_from_the_usage_of_an_outage() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let node = store(&server).await;
    let leases = LeasedStore::builder(node.clone())
        .life(std::time::Duration::from_secs(60))
        .clock(palisade_core::SystemClock::shared());
    let leases = leases.build().unwrap();
    let limit = Arc::new(whole("40/day").lease(10).limits().unwrap().remove(0));
    let bucket = BucketKey::new(7, 0);
    let now = || palisade_core::SystemClock::shared().monotonic();
    let charge = [Charge::new(&limit, bucket, 1)];
    leases.charge(now(), &charge).get().await;
    server.kill();
    // The node has admitted 20 units alone, as it keeps them for the server.
    node.adjust_degraded(now(), &limit, bucket, 20);
    let asked = leases.charge(now(), &charge).get().await;
    assert_eq!(asked.outcome(), ChargeOutcome::Admitted);
    come_back(&mut server, &node).await;
    let all = node
        .charge(now(), &[Charge::new(&limit, bucket, 21)])
        .get()
        .await;
    assert_eq!(
        all.outcome(),
        ChargeOutcome::Refused,
        "20 of 40 were written"
    );
    // The last request is one unit more, if the connection was known to be lost before it.
    let rest = [Charge::new(&limit, bucket, 19)];
    let rest = node.charge(now(), &rest).get().await;
    assert_eq!(rest.outcome(), ChargeOutcome::Admitted);
}
