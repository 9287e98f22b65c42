//! Leases of buckets that are charged at several rates: of tiers, and before and after a reload.

use std::sync::Arc;

use palisade_core::ManualClock;
use palisade_rate_limit::{
    Charge, ChargeOutcome, LeasedStore, LimitStore as _, Policy, RateLimitLayer, Subject,
};

use super::{Shared, leased};
use crate::support::*;

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
        40,
        "ten units are those of the tier"
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
    for _ in 0..10 {
        // The second one takes a lease of the tier, and the other tier would spend it.
        stack.admitted(2, || as_user("bert+paid")).await;
        admitted += stack.admitted(24, || as_user("anna")).await;
    }
    // A hundred are used: the tier takes two before each 24.
    assert_eq!(admitted, 92);
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
        98,
        "two are used; what the lease holds goes back"
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

#[tokio::test]
async fn a_request_that_another_limit_refuses_is_not_told_to_wait_for_a_lease() {
    let (clock, shared) = (clock(), Arc::new(Shared::default()));
    let leases = leases(&clock, &shared);
    let limit = |name: &str, rate: &str, lease: Option<u32>| {
        let policy = policy(name, rate);
        let policy = lease.into_iter().fold(policy, Policy::lease);
        Arc::new(policy.limits().unwrap().remove(0))
    };
    let (a, b) = (
        limit("a", "100/day", Some(25)),
        limit("b", "1/second", None),
    );
    let bucket = leases.bucket_key(&Subject::Everyone);
    let now = clock.shared().monotonic();
    let first = [Charge::new(&a, bucket, 1), Charge::new(&b, bucket, 1)];
    let first = leases.charge(now, &first).get().await;
    assert_eq!(first.outcome(), ChargeOutcome::Admitted);
    // 10 units of `a` are left: enough for the request, and too few for a lease.
    shared.store.adjust(now, &a, bucket, 89);
    let second = [Charge::new(&a, bucket, 1), Charge::new(&b, bucket, 1)];
    let second = leases.charge(now, &second).get().await;
    assert_eq!(second.outcome(), ChargeOutcome::Refused);
    let [of_a, of_b] = second.limit_states() else {
        panic!("{second:?}");
    };
    assert!(!of_a.is_refused(), "it has units for the request: {of_a:?}");
    assert!(of_b.is_refused());
    assert_eq!(second.retry_after().as_secs(), 1);
    // Without any, it waits for one unit and not for 25.
    shared.store.adjust(now, &a, bucket, 10);
    let third = [Charge::new(&a, bucket, 1), Charge::new(&b, bucket, 1)];
    let third = leases.charge(now, &third).get().await;
    assert_eq!(third.retry_after().as_secs(), 864);
}
