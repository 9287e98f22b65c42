//! Amounts that a principal brings from its key or token.

use std::num::NonZeroU32;

use palisade_rate_limit::{Key, LimitOverride, RateLimitLayer, Subject};

use crate::support::*;

#[tokio::test]
async fn a_lower_amount_always_applies_and_a_higher_one_as_far_as_the_policy_allows() {
    let stack = TestStack::by_principal([policy("a", "5/day")]);
    assert_eq!(stack.admitted(50, || with_own("anna", "a=3")).await, 3);
    assert_eq!(stack.admitted(50, || with_own("bert", "a=40")).await, 5);
    let stack = TestStack::by_principal([policy("a", "5/day").own_amounts_up_to(20)]);
    assert_eq!(stack.admitted(50, || with_own("anna", "a=3")).await, 3);
    assert_eq!(stack.admitted(50, || with_own("bert", "a=12")).await, 12);
    assert_eq!(
        stack
            .admitted(50, || with_own("carl", "a=4294967295"))
            .await,
        20
    );
    assert_eq!(stack.admitted(50, || as_user("dora")).await, 5);
    let response = stack.send(with_own("emil", "a=12,b=7")).await;
    assert_eq!(field(&response, "ratelimit-policy"), "\"a\";q=12;w=86400");
    assert_eq!(field(&response, "ratelimit"), "\"a\";r=11;t=7200");
}

#[tokio::test]
async fn a_bound_below_the_policy_takes_nothing_from_principals_without_an_amount() {
    let policy = policy("a", "9/day").own_amounts_up_to(4);
    let stack = TestStack::by_principal([policy.for_tier("gold", "30/day")]);
    assert_eq!(stack.admitted(50, || as_user("anna")).await, 9);
    assert_eq!(stack.admitted(50, || with_own("bert", "a=100")).await, 9);
    assert_eq!(
        stack.admitted(50, || with_own("carl+gold", "a=100")).await,
        30
    );
    assert_eq!(
        stack.admitted(50, || with_own("dora+gold", "a=10")).await,
        10
    );
}

#[tokio::test]
async fn used_units_stay_used_when_the_key_gets_another_amount() {
    let stack = TestStack::by_principal([policy("a", "5/day").own_amounts_up_to(500)]);
    assert_eq!(stack.admitted(50, || as_user("anna")).await, 5);
    assert_eq!(stack.admitted(600, || with_own("anna", "a=100")).await, 95);
    assert_eq!(stack.admitted(600, || with_own("anna", "a=500")).await, 400);
    assert_eq!(stack.admitted(600, || with_own("anna", "a=100")).await, 0);
}

#[tokio::test]
async fn it_names_one_rate_of_several_and_counts_neither_owners_nor_clients() {
    let stack = TestStack::by_principal([policy("a", "50/day;9/minute")]);
    assert_eq!(stack.admitted(20, || with_own("anna", "a=1")).await, 9);
    assert_eq!(
        stack.admitted(20, || with_own("bert", "a-minute=2")).await,
        2
    );
    let owners = policy("a", "5/day")
        .key(Key::owner())
        .own_amounts_up_to(500);
    let stack = TestStack::by_principal([owners]);
    assert_eq!(
        stack.admitted(20, || with_own("anna@acme", "a=15")).await,
        5
    );
    let clients = policy("a", "5/day").key(Key::client());
    let stack = TestStack::by_principal([clients]);
    assert_eq!(stack.admitted(20, || with_own("anna", "a=1")).await, 5);
}

#[tokio::test]
async fn a_block_for_refusals_is_not_lifted_by_a_key() {
    let block = policy("block", "1 per 10 minutes")
        .burst(3)
        .penalty_for_refusals();
    let stack = TestStack::by_principal([policy("a", "2/second"), block.own_amounts_up_to(1_000)]);
    let anna = || with_own("anna", "block=1000");
    assert_eq!(stack.admitted(5, anna).await, 2);
    stack.wait(60.0);
    assert_eq!(stack.admitted(5, anna).await, 0, "three refusals block");
}

#[tokio::test]
async fn the_override_of_an_operator_takes_precedence() {
    let stack = TestStack::by_principal([policy("a", "5/day").own_amounts_up_to(100)]);
    let anna = Subject::Named {
        kind: "test",
        id: "anna",
        group: None,
    };
    let eight = LimitOverride::new(NonZeroU32::new(8).unwrap());
    let set = stack.layer.set_override(&anna, "a", Some(eight)).await;
    assert_eq!(set, Ok(()));
    assert_eq!(stack.admitted(50, || with_own("anna", "a=50")).await, 8);
}

#[tokio::test]
async fn an_amount_below_the_cost_of_a_request_is_the_smallest_possible_one() {
    let stack = TestStack::by_principal([policy("a", "50/day").cost(10)]);
    assert_eq!(stack.admitted(20, || with_own("anna", "a=3")).await, 1);
}

#[tokio::test]
async fn each_of_many_amounts_applies() {
    let layer = RateLimitLayer::by_principal().policy(policy("a", "2/day").own_amounts_up_to(900));
    let stack = TestStack::build(layer, true);
    for amount in (3..900).step_by(9) {
        let own = format!("a={amount}");
        let user = format!("user-{amount}");
        let admitted = stack.admitted(amount + 1, || with_own(&user, &own)).await;
        assert_eq!(admitted, amount);
    }
}
