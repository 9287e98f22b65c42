//! What leases pay, and what the store is asked beside them.

use std::sync::{Arc, atomic::Ordering};

use palisade_rate_limit::{LeasedStore, LimitStore as _, RateLimitLayer, Subject};

use super::{Shared, leased, node};
use crate::support::*;

#[tokio::test]
async fn a_busy_bucket_costs_one_call_for_each_lease() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("1000/day", 100)]);
    assert_eq!(node.admitted(1).await, 1);
    assert_eq!(shared.calls(), 1, "the first request takes no lease");
    assert_eq!(node.admitted(200).await, 200);
    assert_eq!(shared.calls(), 2);
    let asked = shared.adjusting_asked.load(Ordering::Relaxed);
    assert_eq!(asked, 2, "only where the lease cannot pay");
}

#[tokio::test]
async fn clients_that_send_one_request_each_take_nothing_ahead() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [policy("a", "100/day").lease(20)]);
    for client in 0..50 {
        let request = from(&format!("203.0.113.{client}"));
        assert_eq!(node.stack.status(request).await, 200);
    }
    assert_eq!(shared.calls(), 50);
}

#[tokio::test]
async fn the_last_units_are_granted_exactly() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("103/day", 25)]);
    assert_eq!(node.admitted(200).await, 103);
}

#[tokio::test]
async fn a_bucket_that_is_nearly_empty_costs_one_call_for_each_request() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/second", 10)]);
    assert_eq!(node.admitted(60).await, 40);
    shared.calls();
    // Too few units for a lease come back between two requests.
    for _ in 0..30 {
        node.stack.wait(0.03);
        assert_eq!(node.admitted(1).await, 1);
    }
    assert!(shared.calls() <= 31, "one of them asked for a lease");
}

#[tokio::test]
async fn nodes_together_admit_the_limit_and_never_more() {
    let shared = Arc::new(Shared::default());
    let nodes = [(); 4].map(|()| node(&shared, [leased("200/day", 20)]));
    let mut admitted = 0;
    for _ in 0..100 {
        for node in &nodes {
            admitted += node.admitted(1).await;
        }
    }
    assert_eq!(
        admitted, 200,
        "in one burst, leases only move units between nodes"
    );
}

#[tokio::test]
async fn in_a_window_nodes_admit_at_most_one_lease_each_beyond_the_limit() {
    let shared = Arc::new(Shared::default());
    let nodes = [(); 3].map(|()| node(&shared, [leased("40/second", 10)]));
    for node in &nodes {
        assert_eq!(node.admitted(2).await, 2, "each holds nine units now");
    }
    // What was taken comes back in the store, before the leases end.
    for node in &nodes {
        node.stack.wait(0.9);
    }
    let mut admitted = 0;
    for node in &nodes {
        admitted += node.admitted(100).await;
    }
    assert_eq!(admitted, 40 + 3 * 9);
}

#[tokio::test]
async fn a_request_that_another_limit_refuses_costs_no_leased_unit() {
    let shared = Arc::new(Shared::default());
    let one = || [leased("40/day", 10), policy("b", "3/day")];
    let node = node(&shared, one());
    assert_eq!(node.admitted(20).await, 3);
    node.leases.finish().get().await;
    let state = node.stack.layer.inspect(&Subject::Everyone).get().await;
    assert_eq!(state.unwrap()[0].remaining, 37);
}

#[tokio::test]
async fn header_fields_count_what_the_lease_has_left() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    for left in (35..40).rev() {
        let response = node.stack.send(from("203.0.113.7")).await;
        let expected = format!("\"a\";r={left};");
        assert!(
            field(&response, "ratelimit").starts_with(&expected),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn a_tier_that_is_too_small_for_leases_is_counted_exactly() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = LeasedStore::builder(Arc::clone(&shared)).clock(clock.shared());
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "40/day").lease(10).for_tier("small", "20/day"))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, true);
    assert_eq!(stack.admitted(9, || as_user("anna+small")).await, 9);
    assert_eq!(shared.calls(), 9);
    assert_eq!(stack.admitted(9, || as_user("bert")).await, 9);
    assert_eq!(shared.calls(), 2);
}

#[tokio::test]
async fn further_buckets_than_fit_are_decided_by_the_store() {
    let shared = Arc::new(Shared::default());
    let clock = clock();
    let leases = LeasedStore::builder(Arc::clone(&shared))
        .buckets(1)
        .clock(clock.shared());
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "100/day").lease(20))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, false);
    for _ in 0..3 {
        for client in 0..200 {
            let request = from(&format!("203.0.113.{client}"));
            assert_eq!(stack.status(request).await, 200);
        }
    }
    assert!(
        shared.calls() > 3 * 200 - 2 * 64,
        "64 parts with one bucket each"
    );
}
