//! Leases of buckets that are charged at several rates: of tiers, and before and after a reload.

use std::sync::Arc;

use palisade_core::ManualClock;
use palisade_rate_limit::{LeasedStore, LimitStore as _, Policy, RateLimitLayer};

use crate::{
    leases::{Shared, leased},
    support::*,
};

/// A stack of users over these leases.
fn stack(clock: &ManualClock, leases: &LeasedStore, policy: Policy) -> TestStack {
    let layer = RateLimitLayer::by_principal()
        .policy(policy)
        .store(leases.clone());
    TestStack::build_at(clock.clone(), layer, true)
}

fn leases(clock: &ManualClock, shared: &Arc<Shared>) -> LeasedStore {
    let leases = LeasedStore::builder(Arc::clone(shared)).clock(clock.shared());
    leases.build().unwrap()
}

#[tokio::test]
async fn a_lease_is_given_back_at_the_price_of_the_tier_that_took_it() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = leases(&clock, &shared);
    let stack = stack(
        &clock,
        &leases,
        leased("100/day", 25).for_tier("paid", "5000/day"),
    );
    assert_eq!(stack.admitted(50, || as_user("anna")).await, 50);
    for _ in 0..5 {
        // The second one holds a lease of the tier.
        assert_eq!(stack.admitted(2, || as_user("bert+paid")).await, 2);
        stack.wait(1.0);
        leases.return_ended();
    }
    assert_eq!(
        stack.admitted(200, || as_user("anna")).await,
        49,
        "what the tier used is a fifth of one of these units"
    );
}

#[tokio::test]
async fn units_of_a_lease_pay_at_the_price_that_they_were_taken_for() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = leases(&clock, &shared);
    let stack = stack(
        &clock,
        &leases,
        leased("100/day", 25).for_tier("paid", "5000/day"),
    );
    let mut admitted = 0;
    for _ in 0..200 {
        // A tier that pays less for a unit takes them ahead, and the other one would spend them.
        stack.admitted(1, || as_user("bert+paid")).await;
        admitted += stack.admitted(1, || as_user("anna")).await;
    }
    assert!(admitted < 100, "{admitted} of 100, less what the tier used");
    leases.finish().get().await;
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 0);
}

#[tokio::test]
async fn a_lease_from_before_a_reload_goes_back_at_its_own_price() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = leases(&clock, &shared);
    let before = stack(&clock, &leases, leased("5000/day", 25));
    let after = stack(&clock, &leases, leased("100/day", 25));
    assert_eq!(before.admitted(2, || as_user("anna")).await, 2);
    assert_eq!(
        after.admitted(200, || as_user("anna")).await,
        99,
        "24 units were taken for a fiftieth, and go back for that"
    );
    before.wait(1.0);
    leases.return_ended();
    assert_eq!(after.admitted(10, || as_user("anna")).await, 0);
}

#[tokio::test]
async fn a_lease_is_spent_after_a_reload_with_the_same_rate() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = leases(&clock, &shared);
    let before = stack(&clock, &leases, leased("100/day", 25));
    assert_eq!(before.admitted(2, || as_user("anna")).await, 2);
    shared.calls();
    let after = stack(&clock, &leases, leased("100/day", 25));
    assert_eq!(after.admitted(24, || as_user("anna")).await, 24);
    assert_eq!(shared.calls(), 0);
}
