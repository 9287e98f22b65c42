//! Overrides: another amount of a limit for one subject, set by an operator.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use palisade_rate_limit::{
    HeaderStyle, Key, LeasedStore, LimitOverride, MemoryStore, OverrideError, RateLimitBuildError,
    RateLimitLayer, Subject,
};

use crate::support::*;

fn named(id: &str) -> Subject<'_> {
    Subject::Named {
        kind: "test",
        id,
        group: None,
    }
}

fn amount(units: u32) -> LimitOverride {
    LimitOverride::new(NonZeroU32::new(units).unwrap())
}

async fn set(stack: &TestStack, id: &str, value: Option<LimitOverride>) {
    let set = stack.layer.set_override(&named(id), "a", value).await;
    assert_eq!(set, Ok(()));
}

#[tokio::test]
async fn an_override_counts_for_its_subject_and_for_no_other() {
    let stack = TestStack::by_principal([policy("a", "5/day")]);
    set(&stack, "anna", Some(amount(12))).await;
    assert_eq!(stack.admitted(100, || as_user("anna")).await, 12);
    assert_eq!(stack.admitted(100, || as_user("bert")).await, 5);
    set(&stack, "carl", Some(amount(2))).await;
    assert_eq!(stack.admitted(100, || as_user("carl")).await, 2);
}

#[tokio::test]
async fn what_was_used_is_kept_in_units() {
    let stack = TestStack::by_principal([policy("a", "5/day")]);
    assert_eq!(stack.admitted(100, || as_user("anna")).await, 5);
    set(&stack, "anna", Some(amount(500))).await;
    assert_eq!(stack.admitted(1_000, || as_user("anna")).await, 495);
    set(&stack, "anna", Some(amount(600))).await;
    assert_eq!(stack.admitted(1_000, || as_user("anna")).await, 100);
    set(&stack, "anna", None).await;
    assert_eq!(
        stack.admitted(10, || as_user("anna")).await,
        0,
        "600 of 5 are used"
    );
    stack.wait(86_400.0 / 5.0);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 1);
}

#[tokio::test]
async fn an_override_ends_at_its_time() {
    let stack = TestStack::by_principal([policy("a", "5/second")]);
    let end = stack.clock.shared().unix_time() + Duration::from_secs(10);
    set(&stack, "anna", Some(amount(20).until(end))).await;
    assert_eq!(stack.admitted(100, || as_user("anna")).await, 20);
    stack.wait(9.0);
    assert_eq!(stack.admitted(100, || as_user("anna")).await, 20);
    stack.wait(1.0);
    assert_eq!(stack.admitted(100, || as_user("anna")).await, 5);
}

#[tokio::test]
async fn it_takes_precedence_over_a_tier_and_is_stated_to_the_client() {
    let stack = TestStack::by_principal([policy("a", "5/minute").for_tier("paid", "50/minute")]);
    set(&stack, "anna", Some(amount(8))).await;
    let response = stack.send(as_user("anna+paid")).await;
    assert_eq!(field(&response, "ratelimit-policy"), "\"a\";q=8;w=60");
    assert!(field(&response, "ratelimit").starts_with("\"a\";r=7;"));
    let other = stack.send(as_user("bert+paid")).await;
    assert_eq!(field(&other, "ratelimit-policy"), "\"a\";q=50;w=60");
    assert_eq!(stack.admitted(100, || as_user("anna+paid")).await, 7);
    let refused = stack.send(as_user("anna+paid")).await;
    assert_eq!(field(&refused, "ratelimit-policy"), "\"a\";q=8;w=60");
    stack.wait(retry_after(&refused) as f64);
    assert_eq!(stack.status(as_user("anna+paid")).await, 200);
}

#[tokio::test]
async fn burst_and_debt_change_in_proportion() {
    let characters = policy("a", "60/minute")
        .burst(6)
        .cost(2)
        .debt(6)
        .settled_by("characters");
    let stack = TestStack::by_principal([characters]);
    set(&stack, "anna", Some(amount(600))).await;
    let state = stack.layer.inspect(&named("anna")).get().await.unwrap();
    assert_eq!(
        (state[0].remaining, state[0].rate.to_string()),
        (60, "600/minute".into())
    );
    assert_eq!(state[0].overridden, Some(amount(600)));
    let mut costly = as_user("anna");
    costly
        .headers_mut()
        .insert("x-settle", "characters=500".parse().unwrap());
    assert_eq!(stack.status(costly).await, 200);
    // 60 of debt beyond an empty bucket, at ten units a second.
    let refused = stack.send(as_user("anna")).await;
    assert_eq!(retry_after(&refused), 7, "60 owed, and 2 for the request");
}

#[tokio::test]
async fn clients_are_counted_by_the_network_of_the_limit() {
    let stack = TestStack::by_client([policy("a", "5/day")]);
    let ip = "2001:db8::1".parse().unwrap();
    let set = stack
        .layer
        .set_client_override(ip, "a", Some(amount(9)))
        .await;
    assert_eq!(set, Ok(()));
    assert_eq!(stack.admitted(100, || from("2001:db8::ffff")).await, 9);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 5);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let stack = TestStack::by_principal([
        policy("a", "50/day").cost(5),
        policy("each", "9/day").key(Key::everyone()),
    ]);
    let try_set = async |limit: &str, units| {
        let (anna, value) = (named("anna"), Some(amount(units)));
        stack
            .layer
            .set_override(&anna, limit, value)
            .await
            .unwrap_err()
    };
    assert_eq!(
        try_set("b", 9).await,
        OverrideError::UnknownLimit { limit: "b".into() }
    );
    let low = try_set("a", 4).await;
    assert!(
        low.to_string()
            .contains("one request costs 5 units, but at most 4"),
        "{low}"
    );
    let ip = "203.0.113.7".parse().unwrap();
    let client = stack
        .layer
        .set_client_override(ip, "a", Some(amount(9)))
        .await;
    assert!(
        matches!(client, Err(OverrideError::UnknownLimit { .. })),
        "{client:?}"
    );
    assert!(
        !stack.layer.explain().contains("overrides"),
        "{}",
        stack.layer.explain()
    );
}

#[tokio::test]
async fn more_than_1024_overrides_are_refused_and_ended_ones_make_space() {
    let stack = TestStack::by_principal([policy("a", "5/day")]);
    let end = stack.clock.shared().unix_time() + Duration::from_secs(60);
    for id in 0..1_024 {
        set(&stack, &id.to_string(), Some(amount(9).until(end))).await;
    }
    let more = stack
        .layer
        .set_override(&named("anna"), "a", Some(amount(9)))
        .await;
    assert_eq!(more, Err(OverrideError::TooMany));
    stack.wait(60.0);
    set(&stack, "anna", Some(amount(9))).await;
    assert!(
        stack
            .layer
            .explain()
            .contains("overrides of single subjects: 1")
    );
}

#[tokio::test]
async fn layers_over_one_store_and_a_reload_see_the_same_override() {
    let store = Arc::new(MemoryStore::default());
    let clock = clock();
    let build = |rate: &str| {
        let layer = RateLimitLayer::by_principal()
            .policy(policy("a", rate))
            .headers([HeaderStyle::Draft10])
            .store(Arc::clone(&store));
        TestStack::build_at(clock.clone(), layer, true)
    };
    let before = build("5/day");
    set(&before, "anna", Some(amount(12))).await;
    assert_eq!(before.admitted(4, || as_user("anna")).await, 4);
    let after = build("6/day");
    assert_eq!(after.admitted(100, || as_user("anna")).await, 8);
    assert_eq!(after.admitted(100, || as_user("bert")).await, 6);
}

#[tokio::test]
async fn leases_follow_an_override() {
    let clock = clock();
    let leases = LeasedStore::builder(MemoryStore::default()).clock(clock.shared());
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "100/day").lease(20))
        .store(leases.build().unwrap());
    let stack = TestStack::build_at(clock, layer, true);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 10);
    let set = stack
        .layer
        .set_override(&named("anna"), "a", Some(amount(200)))
        .await;
    assert_eq!(set, Ok(()));
    let admitted = stack.admitted(400, || as_user("anna")).await;
    // The eleven units of the lease go back at the price at which they were taken: twice that of now.
    assert!((190..=200).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn a_layer_lists_whom_it_refused_most() {
    let stack = TestStack::by_principal([
        policy("a", "2/day"),
        policy("own", "3/day").key(Key::owner()),
    ]);
    for (user, tries) in [("anna@acme", 9), ("bert@acme", 4), ("carl", 1)] {
        stack.admitted(tries, || as_user(user)).await;
    }
    let listed: Vec<(String, String, u64)> = stack
        .layer
        .most_refused(10)
        .into_iter()
        .map(|refused| {
            (
                refused.limit.into(),
                refused.subject.into(),
                refused.refused,
            )
        })
        .collect();
    let line = |limit: &str, subject: &str, count| (limit.to_owned(), subject.to_owned(), count);
    // Of the owner's three, Anna used two and Bert one.
    assert_eq!(
        listed,
        [line("a", "test:anna", 7), line("own", "owner:acme", 3)]
    );
    assert_eq!(stack.layer.most_refused(1).len(), 1);
    stack.wait(86_400.0);
    assert_eq!(stack.layer.most_refused(10).len(), 2);
    stack.wait(1.0);
    assert!(stack.layer.most_refused(10).is_empty(), "forgotten");
}

#[tokio::test]
async fn the_last_of_many_tiers_is_limited_and_too_many_are_refused() {
    let with = |tiers: usize| {
        let base = policy("a", "5/day");
        (0..tiers).fold(base, |policy, tier| {
            policy.for_tier(format!("t{tier}"), "2/day")
        })
    };
    let stack = TestStack::by_principal([with(1_000)]);
    for tier in [0, 254, 255, 256, 999] {
        let user = format!("anna{tier}+t{tier}");
        assert_eq!(stack.admitted(9, || as_user(&user)).await, 2, "{tier}");
    }
    assert!(matches!(
        with(1_001).limits(),
        Err(RateLimitBuildError::TooManyTiers { .. })
    ));
}

#[tokio::test]
async fn an_amount_counts_for_the_window_that_it_was_set_for_alone() {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let build = |rate: &str| {
        let layer = RateLimitLayer::by_principal()
            .policy(policy("a", rate))
            .store(Arc::clone(&store));
        TestStack::build_at(clock.clone(), layer, true)
    };
    let days = build("100/day");
    set(&days, "anna", Some(amount(5_000))).await;
    let minutes = build("10/minute");
    assert_eq!(minutes.admitted(99, || as_user("anna")).await, 10);
}

#[tokio::test]
async fn a_subject_that_the_limit_never_counts_is_refused() {
    let stack = TestStack::by_principal([
        policy("all", "9/day").key(Key::everyone()),
        policy("own", "9/day").key(Key::owner()),
        policy("a", "9/day"),
    ]);
    let owner = Subject::Named {
        kind: "owner",
        id: "acme",
        group: None,
    };
    let anna = named("anna");
    let try_set = async |subject, limit| {
        stack
            .layer
            .set_override(subject, limit, Some(amount(5)))
            .await
            .is_ok()
    };
    assert!(!try_set(&anna, "all").await);
    assert!(try_set(&Subject::Everyone, "all").await);
    assert!(!try_set(&owner, "a").await);
    assert!(try_set(&owner, "own").await && try_set(&anna, "a").await);
}

#[tokio::test]
async fn an_end_that_is_not_in_the_future_is_refused() {
    let stack = TestStack::by_principal([policy("a", "9/day")]);
    let now = stack.clock.shared().unix_time();
    for end in [Duration::ZERO, Duration::from_secs(1), now] {
        let value = Some(amount(5).until(end));
        let set = stack.layer.set_override(&named("anna"), "a", value).await;
        assert_eq!(set, Err(OverrideError::Ended), "{end:?}");
    }
}

#[test]
fn a_restriction_below_the_cost_is_the_smallest_possible_one_and_is_told_once() {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let build = |limit| {
        let layer = RateLimitLayer::by_principal()
            .policy(limit)
            .store(Arc::clone(&store));
        TestStack::build_at(clock.clone(), layer, true)
    };
    let run = tokio::runtime::Builder::new_current_thread().build();
    let run = run.unwrap();
    // As the command, or a node of another configuration: it does not know the cost.
    let other = build(policy("a", "100/day"));
    run.block_on(set(&other, "anna", Some(amount(3))));
    let costly = build(policy("a", "100/day").burst(50).cost(10));
    let mut admitted = [0, 0];
    let lines = palisade_internal::log_lines::count(|| {
        admitted = ["anna", "bert"].map(|user| run.block_on(costly.admitted(10, || as_user(user))));
    });
    // A burst of ten needs an amount of 19, which is rounded up to it.
    assert_eq!((admitted, lines), ([1, 5], 1));
    let state = run.block_on(costly.layer.inspect(&named("anna")).get());
    assert_eq!(state.unwrap()[0].rate.to_string(), "19/day");
}
