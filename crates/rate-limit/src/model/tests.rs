//! The model is checked for small numbers of everything, and finds what breaks when a rule is left out.

use stateright::{Checker, HasDiscoveries, Model};

use super::{ALL_RULES, FleetModel, Rules, Scope, actions::Event};

const BOUND: &str = "no more than the bound";

const ONE_LEASE: &str = "a node holds one lease";

/// Requests that are settled, and a reply that does not come.
const SETTLED: Scope = Scope {
    burst: 2,
    cost: 2,
    used: Some(1),
    lease: None,
    life: 1,
    requests: 3,
    time: 1,
    losses: 1,
    outages: 0,
    clock_steps: 0,
};

/// Leases that end and return.
const LEASED: Scope = Scope {
    burst: 2,
    cost: 1,
    used: None,
    lease: Some(2),
    life: 1,
    requests: 4,
    time: 2,
    losses: 0,
    outages: 0,
    clock_steps: 0,
};

/// Leases, and a reply that does not come.
const LEASED_WITH_LOSS: Scope = Scope {
    requests: 3,
    time: 1,
    losses: 1,
    ..LEASED
};

/// Leases, and a clock of the store that is set.
const LEASED_WITH_CLOCK: Scope = Scope {
    requests: 3,
    time: 1,
    life: 2,
    clock_steps: 2,
    ..LEASED
};

/// Nodes that do not reach the store, and count alone.
const ALONE: Scope = Scope {
    lease: None,
    outages: 1,
    ..LEASED_WITH_LOSS
};

/// Explores all states with all rules, and expects to see at least so many and these among them.
#[track_caller]
fn check(scope: Scope, states: usize, seen: &[&'static str]) {
    let checker = FleetModel::new(scope, ALL_RULES).checker();
    let checker = checker.spawn_bfs().join();
    assert!(checker.is_done(), "not all states were seen");
    checker.assert_no_discovery(BOUND);
    checker.assert_no_discovery(ONE_LEASE);
    for name in seen {
        checker.assert_any_discovery(name);
    }
    let found = checker.unique_state_count();
    assert!(found >= states, "only {found} states");
}

/// Explores with a rule left out, and expects events that break a property.
#[track_caller]
fn check_broken(scope: Scope, rules: Rules, property: &'static str) {
    let checker = FleetModel::new(scope, rules).checker();
    let checker = checker
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .spawn_bfs()
        .join();
    let events = checker.assert_any_discovery(property).into_actions();
    assert!(
        events.contains(&Event::BeginWindow) || property == ONE_LEASE,
        "{events:?}"
    );
}

#[test]
fn settlements_keep_the_bound() {
    check(
        SETTLED,
        60_000,
        &[
            "the bound is reached",
            "units return",
            "a node counts alone",
        ],
    );
}

#[test]
fn leases_keep_the_bound() {
    check(LEASED, 200_000, &["the bound is reached", "units return"]);
}

#[test]
fn leases_keep_the_bound_when_replies_are_lost() {
    check(
        LEASED_WITH_LOSS,
        60_000,
        &[
            "the bound is reached",
            "units return",
            "a node counts alone",
        ],
    );
}

#[test]
fn leases_keep_the_bound_when_the_clock_of_the_store_is_set() {
    check(LEASED_WITH_CLOCK, 10_000, &["the bound is reached"]);
}

#[test]
fn nodes_that_count_alone_keep_the_bound() {
    check(
        ALONE,
        100_000,
        &["the bound is reached", "a node counts alone"],
    );
}

#[test]
fn a_refund_that_is_sent_twice_breaks_the_bound() {
    let rules = Rules {
        uncertain_refunds_are_lost: false,
        ..ALL_RULES
    };
    check_broken(SETTLED, rules, BOUND);
}

#[test]
fn units_that_are_given_back_and_kept_are_a_second_lease() {
    let rules = Rules {
        returned_units_are_not_spent: false,
        ..ALL_RULES
    };
    check_broken(LEASED, rules, ONE_LEASE);
}

#[test]
fn a_lease_that_is_taken_while_units_return_is_a_second_one() {
    let rules = Rules {
        one_return_at_a_time: false,
        ..ALL_RULES
    };
    check_broken(LEASED, rules, ONE_LEASE);
}

#[test]
fn the_whole_limit_on_each_node_breaks_the_bound() {
    let rules = Rules {
        fallback_is_shared: false,
        ..ALL_RULES
    };
    check_broken(
        Scope {
            requests: 4,
            ..ALONE
        },
        rules,
        BOUND,
    );
}
