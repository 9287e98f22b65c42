//! Leases while the store is away, or has not received what was given back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use palisade_core::MaybeReady;
use palisade_rate_limit::{
    BucketKey, Charge, LeasedStore, Limit, LimitStore, MemoryStore, RateLimitLayer, StoreDecision,
    Subject,
};

use super::{Shared, leased, node};
use crate::support::*;

/// A store that is away counts on this node, as `RedisStore` does.
#[derive(Debug)]
struct Degraded(MemoryStore);

impl LimitStore for Degraded {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.0.bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.0.charge(now, charges).map(StoreDecision::degraded)
    }

    fn adjust(&self, _: Duration, _: &Arc<Limit>, _: BucketKey, _: i64) {
        unreachable!("nothing was charged in the store")
    }

    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.0.adjust(now, limit, bucket, units);
    }

    fn explain(&self) -> String {
        "degraded".to_owned()
    }
}

#[tokio::test]
async fn a_lease_is_spent_while_the_store_is_away_and_no_longer() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    assert_eq!(node.admitted(2).await, 2);
    shared.is_away.store(true, Ordering::Relaxed);
    assert_eq!(node.admitted(5).await, 5);
    node.stack.wait(1.0);
    assert_eq!(node.stack.status(from("203.0.113.7")).await, 503);
}

#[tokio::test]
async fn a_node_that_counts_alone_takes_no_lease_of_its_own_count() {
    let clock = clock();
    let store = LeasedStore::builder(Degraded(MemoryStore::default())).clock(clock.shared());
    let layer = RateLimitLayer::by_client()
        .policy(leased("40/day", 10))
        .store(store.build().unwrap());
    let stack = TestStack::build_at(clock, layer, false);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 40);
    stack.wait(2.0);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 0);
}

#[tokio::test]
async fn no_lease_is_taken_while_units_are_on_their_way_back() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    shared.is_adjusting.store(true, Ordering::Relaxed);
    assert_eq!(node.admitted(5).await, 5);
    assert_eq!(shared.calls(), 5);
}
