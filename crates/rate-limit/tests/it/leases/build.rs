//! Leases that cannot be are errors at build.

use std::{sync::Arc, time::Duration};

use palisade_rate_limit::{
    LeasedStore, LeasedStoreBuildError, LimitStore, MemoryStore, Policy, RateLimitBuildError,
    RateLimitLayer,
};

use super::leased;
use crate::support::*;

fn build(policy: Policy, store: Arc<dyn LimitStore>) -> Option<RateLimitBuildError> {
    let layer = RateLimitLayer::by_client().policy(policy).store(store);
    layer.build().err()
}

#[test]
fn a_lease_that_cannot_be_is_an_error_at_build() {
    let memory = || Arc::new(MemoryStore::default()) as Arc<dyn LimitStore>;
    let leases = || {
        let store = LeasedStore::builder(MemoryStore::default());
        Arc::new(store.build().unwrap()) as Arc<dyn LimitStore>
    };
    assert_eq!(build(leased("40/day", 10), leases()), None);
    let error = build(leased("40/day", 10), memory()).unwrap();
    assert!(
        matches!(error, RateLimitBuildError::LeaseWithoutStore { .. }),
        "{error}"
    );
    for (rate, lease, largest) in [("40/day", 11, 10), ("40/day", 1, 10), ("7/day", 2, 1)] {
        let error = build(leased(rate, lease), leases()).unwrap();
        let policy = "a".into();
        assert_eq!(
            error,
            RateLimitBuildError::LeaseOutOfRange { policy, largest }
        );
    }
    let penalty = policy("a", "40/day").penalty().lease(10);
    let settled = policy("a", "40/day").settled_by("x").lease(10);
    for policy in [penalty, settled] {
        let error = build(policy, leases()).unwrap();
        assert!(
            matches!(error, RateLimitBuildError::LeaseOfChangingCost { .. }),
            "{error}"
        );
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let builder = || LeasedStore::builder(MemoryStore::default());
    for life in [0, 9, 60_001] {
        let error = builder()
            .life(Duration::from_millis(life))
            .build()
            .unwrap_err();
        assert_eq!(error, LeasedStoreBuildError::LifeOutOfRange);
    }
    let twice = LeasedStore::builder(builder().build().unwrap()).build();
    assert_eq!(twice.unwrap_err(), LeasedStoreBuildError::StoreHasLeases);
}
