//! Tiers: other rates for some principals, in the same buckets.

use std::time::Duration;

use palisade_rate_limit::{Key, RateLimitLayer};

use crate::support::*;

#[tokio::test]
async fn a_tier_has_its_own_rates_in_the_same_buckets() {
    let policy = policy("a", "2/minute;100/day").for_tier("gold", "6/minute;100/day");
    let stack = TestStack::by_principal([policy]);
    assert_eq!(stack.admitted(9, || as_user("anna")).await, 2);
    let response = stack.send(as_user("rich+gold")).await;
    assert_eq!(
        field(&response, "ratelimit-policy"),
        "\"a-minute\";q=6;w=60, \"a-day\";q=100;w=86400"
    );
    assert_eq!(
        field(&response, "ratelimit"),
        "\"a-minute\";r=5;t=10, \"a-day\";r=99;t=864"
    );
    assert_eq!(stack.admitted(9, || as_user("rich+gold")).await, 5);
    let refused = stack.send(as_user("rich+gold")).await;
    assert_eq!(field(&refused, "ratelimit-policy"), "\"a-minute\";q=6;w=60");
    assert_eq!(
        (
            retry_after(&refused),
            &problem(&refused)["violated-policies"]
        ),
        (10, &serde_json::json!(["a-minute"]))
    );
    // No longer gold: what was taken still counts.
    assert_eq!(stack.status(as_user("rich")).await, 429);
    assert_eq!(stack.status(as_user("other+silver")).await, 200);
}

#[tokio::test]
async fn a_low_tier_gives_nothing_back_that_a_high_tier_of_one_owner_used() {
    let policy = policy("a", "5/day").burst(1).key(Key::owner());
    let stack = TestStack::by_principal([policy.for_tier("gold", "500/day")]);
    let gold = || as_user("anna+gold@acme");
    assert_eq!(stack.admitted(600, gold).await, 500);
    for _ in 0..5 {
        assert_eq!(stack.status(as_user("ben@acme")).await, 429);
    }
    assert_eq!(stack.admitted(10, gold).await, 0);
    // What the low tier is told is true.
    let wait = retry_after(&stack.send(as_user("ben@acme")).await);
    stack.clock.advance(std::time::Duration::from_secs(wait));
    assert_eq!(stack.status(as_user("ben@acme")).await, 200);
}

#[tokio::test]
async fn five_of_five_used_are_five_of_five_hundred_in_the_higher_tier() {
    let stack = TestStack::by_principal([policy("a", "5/day").for_tier("gold", "500/day")]);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 5);
    assert_eq!(stack.admitted(600, || as_user("anna+gold")).await, 495);
    // Back in the lower one: 500 are used, and one request needs that only four are.
    let refused = stack.send(as_user("anna")).await;
    let wait = retry_after(&refused);
    assert_eq!(wait, (496.0_f64 * 172.8).ceil() as u64);
    stack.wait(wait as f64 - 1.0);
    assert_eq!(stack.status(as_user("anna")).await, 429);
    stack.wait(1.0);
    assert_eq!(stack.status(as_user("anna")).await, 200);
}

#[tokio::test]
async fn a_tier_of_another_window_keeps_what_was_used() {
    let stack = TestStack::by_principal([policy("a", "5/day").for_tier("gold", "60/hour")]);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 5);
    assert_eq!(stack.admitted(100, || as_user("anna+gold")).await, 55);
    stack.wait(3_600.0);
    let response = stack.send(as_user("anna+gold")).await;
    assert_eq!(field(&response, "ratelimit-policy"), "\"a\";q=60;w=3600");
    assert_eq!(stack.admitted(100, || as_user("anna+gold")).await, 59);
}

#[tokio::test]
async fn a_rate_that_only_a_tier_has_counts_its_principals_alone() {
    let policy = policy("a", "9/day").for_tier("gold", "500/day;2/minute");
    let stack = TestStack::by_principal([policy.for_tier("team", "300/day")]);
    assert_eq!(stack.admitted(20, || as_user("anna+gold")).await, 2);
    let refused = stack.send(as_user("anna+gold")).await;
    assert_eq!(problem(&refused)["violated-policies"][0], "a-minute");
    assert_eq!(stack.admitted(20, || as_user("bert")).await, 9);
    assert_eq!(stack.admitted(20, || as_user("carl+team")).await, 20);
    assert_eq!(
        stack.admitted(20, || from("203.0.113.7")).await,
        9,
        "guests"
    );
}

#[tokio::test]
async fn a_rate_that_a_tier_does_not_have_does_not_count_it() {
    let policy = policy("a", "90/day;3/minute").for_tier("gold", "500/day");
    let stack = TestStack::by_principal([policy]);
    assert_eq!(stack.admitted(50, || as_user("anna")).await, 3);
    assert_eq!(stack.admitted(50, || as_user("bert+gold")).await, 50);
}

#[tokio::test]
async fn keys_of_one_owner_with_different_tiers_gain_nothing_by_taking_turns() {
    let policy = policy("a", "5/day").key(Key::owner());
    let stack = TestStack::by_principal([policy.for_tier("gold", "500/day")]);
    let (mut low, mut high) = (0, 0);
    for _ in 0..100 {
        low += stack.admitted(1, || as_user("ben@acme")).await;
        high += stack.admitted(10, || as_user("anna+gold@acme")).await;
        low += stack.admitted(2, || as_user("ben@acme")).await;
    }
    assert_eq!(low + high, 500);
    // A day later everything is there again, and not more.
    stack.clock.advance(Duration::from_secs(86_400));
    assert_eq!(stack.admitted(600, || as_user("anna+gold@acme")).await, 500);
}

#[tokio::test]
async fn a_settlement_of_a_low_tier_forgets_nothing_of_a_high_one() {
    let policy = policy("a", "5/day")
        .key(Key::owner())
        .settled_by("characters");
    let layer = RateLimitLayer::by_principal().policy(policy.for_tier("gold", "500/day"));
    let stack = TestStack::build(layer, true);
    let settled = |user: &str, units: u32| {
        let mut request = as_user(user);
        let value = format!("characters={units}").parse().unwrap();
        request.headers_mut().insert("x-settle", value);
        request
    };
    let mut used = 0;
    for _ in 0..20 {
        // The low tier charges first, so that the bucket has its price when the high one settles.
        used += stack.admitted(1, || settled("ben@acme", 1)).await;
        used += 300 * stack.admitted(1, || settled("anna+gold@acme", 300)).await;
    }
    assert_eq!(
        used, 601,
        "one, three hundred, and three hundred while a unit was left"
    );
}
