//! Units that go back to the store: of leases that have ended, at the end of a service, after a reset.

use std::sync::{Arc, atomic::Ordering};

use palisade_core::ManualClock;
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, LeasedStore, Limit, LimitStore as _, Subject,
};

use super::{Shared, leased, node};
use crate::support::*;

#[tokio::test]
async fn a_lease_that_has_ended_goes_back_to_the_store() {
    let shared = Arc::new(Shared::default());
    let (one, two) = (
        node(&shared, [leased("40/day", 10)]),
        node(&shared, [leased("40/day", 10)]),
    );
    assert_eq!(one.admitted(2).await, 2);
    assert_eq!(two.admitted(100).await, 29, "nine units are leased");
    one.stack.wait(1.0);
    one.leases.return_ended();
    assert_eq!(two.admitted(100).await, 9);
    assert_eq!(one.admitted(100).await, 0);
}

#[tokio::test]
async fn a_service_that_stops_returns_all_its_leases() {
    let shared = Arc::new(Shared::default());
    let (one, two) = (
        node(&shared, [leased("40/day", 10)]),
        node(&shared, [leased("40/day", 10)]),
    );
    assert_eq!(one.admitted(2).await, 2);
    one.leases.finish().get().await;
    assert_eq!(two.admitted(100).await, 38);
    assert_eq!(one.admitted(100).await, 0, "what was returned is not spent");
}

/// So many buckets of different subjects.
fn buckets(count: u128) -> impl Iterator<Item = BucketKey> {
    (1..=count).map(|number| {
        let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        BucketKey::new(hash, (hash >> 64) as u64)
    })
}

/// Leases of 9 units for so many buckets, of which one request each was admitted before.
async fn leases_of(
    count: u128,
    clock: &ManualClock,
    shared: &Arc<Shared>,
) -> (LeasedStore, Arc<Limit>) {
    let leases = LeasedStore::builder(Arc::clone(shared)).clock(clock.shared());
    let leases = leases.build().unwrap();
    let limit = Arc::new(leased("40/day", 10).limits().unwrap().remove(0));
    let now = clock.shared().monotonic();
    for bucket in buckets(count).chain(buckets(count)) {
        let charge = Charge::new(&limit, bucket, 1);
        leases.charge(now, &[charge]).get().await;
    }
    (leases, limit)
}

/// Counts the buckets that have all but the two units that were used.
async fn whole_buckets(
    count: u128,
    clock: &ManualClock,
    shared: &Shared,
    limit: &Arc<Limit>,
) -> usize {
    let now = clock.shared().monotonic();
    let mut whole = 0;
    for bucket in buckets(count) {
        let all = Charge::new(limit, bucket, 38);
        let all = shared.store.charge(now, &[all]).get().await;
        whole += usize::from(all.outcome() == ChargeOutcome::Admitted);
    }
    whole
}

#[tokio::test]
async fn a_service_that_stops_returns_no_more_leases_at_once_than_a_store_can_queue() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let (leases, limit) = leases_of(10_000, &clock, &shared).await;
    leases.finish().get().await;
    assert_eq!(shared.most_adjusted.load(Ordering::Relaxed), 4_096);
    let whole = whole_buckets(10_000, &clock, &shared, &limit).await;
    assert_eq!(whole, 10_000);
}

#[tokio::test]
async fn of_16_000_leases_that_end_at_once_none_is_lost_in_a_store_with_space_for_12_288() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let (leases, limit) = leases_of(16_000, &clock, &shared).await;
    shared.space.store(12_288, Ordering::Relaxed);
    clock.advance(std::time::Duration::from_secs(1));
    let mut refunds = Vec::new();
    for _ in 0..3 {
        leases.return_ended();
        refunds.push(shared.adjusted.load(Ordering::Relaxed));
        // The store has sent what it queued.
        shared.finish().get().await;
    }
    assert_eq!(refunds, [12_288, 16_000 - 12_288, 0]);
    let whole = whole_buckets(16_000, &clock, &shared, &limit).await;
    assert_eq!(whole, 16_000);
}

#[tokio::test]
async fn a_lease_that_cannot_go_back_now_pays_for_nothing_and_goes_back_once() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    assert_eq!(node.admitted(2).await, 2);
    shared.space.store(1, Ordering::Relaxed);
    shared.adjusted.store(1, Ordering::Relaxed);
    node.stack.wait(1.0);
    node.leases.return_ended();
    assert_eq!(node.admitted(100).await, 29, "nine units are in the lease");
    shared.finish().get().await;
    node.leases.return_ended();
    node.leases.return_ended();
    assert_eq!(node.admitted(100).await, 9);
}

#[tokio::test]
async fn a_reset_takes_the_lease_with_it() {
    let shared = Arc::new(Shared::default());
    let node = node(&shared, [leased("40/day", 10)]);
    assert_eq!(node.admitted(35).await, 35);
    node.stack
        .layer
        .reset(&Subject::Everyone)
        .get()
        .await
        .unwrap();
    assert_eq!(node.admitted(100).await, 40);
}
