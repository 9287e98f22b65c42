//! What cannot work is refused when a layer is built.

use palisade_rate_limit::{Key, Policy, RateLimitBuildError, RateLimitLayer};

use crate::support::*;

#[test]
fn what_cannot_work_is_said_when_the_layer_is_built() {
    let check = |builder: palisade_rate_limit::RateLimitLayerBuilder, why: &str| {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let client = RateLimitLayer::by_client;
    check(client(), "add one with `.policy(..)`");
    check(
        client()
            .policy(policy("a", "1/day"))
            .policy(policy("a", "1/hour")),
        "used twice",
    );
    check(
        client().policies((0..9).map(|n| policy(&format!("p{n}"), "1/day"))),
        "at most 8",
    );
    check(
        client().policy(policy("a", "1/day").key(Key::principal())),
        "by_principal()",
    );
    check(
        client().policy(policy("a", "1/day").cost(2)),
        "raise the burst",
    );
    check(client().policy(policy("a", "1/day").cost(0)), "never count");
    check(client().policy(policy("a", "1/day").burst(0)), "burst of 0");
    check(
        client().policy(policy("a", "1/day").penalty().settled_by("x")),
        "not settled",
    );
    check(
        client().policies((0..5).map(|n| policy(&format!("p{n}"), "1/day").penalty())),
        "space for 4",
    );
    check(
        client().policy(policy("a", "1/10 years").burst(u32::MAX)),
        "hundred years",
    );
    check(
        RateLimitLayer::by_principal().policy(policy("a", "1/day").penalty()),
        "by_client()",
    );
    assert!(Policy::named("a b").rate("1/day").is_err());
}

#[test]
fn a_layer_explains_itself() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("all", "60/minute;1000/day").burst(20))
        .policy(
            policy("tts", "10/minute")
                .on_named_routes()
                .settled_by("characters"),
        )
        .policy(
            policy("login", "5/minute")
                .penalty()
                .key(Key::client_networks(24, 48)),
        )
        .store(small_store(10))
        .build()
        .unwrap();
    assert_eq!(
        layer.explain(),
        "all-minute: 60/minute, at once 20, by client (IPv4 /32, IPv6 /64; each IPv6 /56 4 times as much)\n\
         all-day: 1000/day, at once 1000, by client (IPv4 /32, IPv6 /64; each IPv6 /56 4 times as much)\n\
         tts: 10/minute, at once 10, by client (IPv4 /32, IPv6 /64; each IPv6 /56 4 times as much), settled by characters, on routes that name it\n\
         login: 5/minute, at once 5, by client (IPv4 /24, IPv6 /48), charged by failed credentials only\n\
         store: memory: 12 buckets, 558000 bytes, fixed"
    );
    assert_eq!(
        layer.policies().collect::<Vec<_>>(),
        ["all", "tts", "login"]
    );
}

#[test]
fn a_tier_that_cannot_be_is_refused() {
    let check = |policy: Policy, why: &str| {
        let error = policy.limits().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let layer = RateLimitLayer::by_principal().policy(policy).build();
        assert_eq!(layer.unwrap_err().to_string(), error);
    };
    check(
        policy("a", "1/day").for_tier("gold", "x"),
        "expected a form",
    );
    check(
        policy("a", "1/day")
            .for_tier("gold", "2/day")
            .for_tier("gold", "3/day"),
        "already",
    );
    // Each rate that only a tier has is a limit of the layer.
    let rates = "1/second;1/minute;1/hour;1/day;2 per 2 days;3 per 3 days;4 per 4 days";
    let many = policy("a", "9 per 9 days;8 per 8 days").for_tier("gold", rates);
    let many = many.for_tier(
        "silver",
        "5 per 5 seconds;5 per 7 seconds;5 per 9 seconds;5/day",
    );
    let many = RateLimitLayer::by_principal().policy(many).build();
    assert!(
        matches!(
            many,
            Err(RateLimitBuildError::TooManyLimits { found: 9, .. })
        ),
        "{many:?}"
    );
    let poor = policy("a", "9/day").cost(5).for_tier("poor", "3/day");
    assert!(RateLimitLayer::by_principal().policy(poor).build().is_err());
}

#[test]
fn two_limits_of_one_name_are_refused_when_the_layer_is_built() {
    let api = || policy("api", "100/day;10/hour");
    let within = RateLimitLayer::by_client()
        .policies([api(), policy("api-day", "5/day")])
        .build();
    let error = within.unwrap_err().to_string();
    assert!(
        error.contains("`api-day`") && error.contains("rename"),
        "{error}"
    );
    let named = |name: &str| policy(name, "5/day");
    let network = RateLimitLayer::by_client().policies([named("api"), named("api-network")]);
    assert!(network.build().is_err());
}

#[test]
fn two_layers_over_one_store_have_different_limits() {
    let store = small_store(100);
    let clients = |policy: Policy| {
        let layer = RateLimitLayer::by_client().policy(policy);
        layer.store(store.clone()).build()
    };
    let principals = |policy: Policy| {
        let layer = RateLimitLayer::by_principal().policy(policy);
        layer.store(store.clone()).build()
    };
    let first = clients(policy("api", "100/day;10/hour")).unwrap();
    let error = principals(policy("api-day", "5/day")).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`api-day`") && error.contains("limit_client"),
        "{error}"
    );
    assert!(principals(policy("api", "7/day;3/hour")).is_err());
    assert!(principals(policy("other", "7/day;3/hour")).is_ok());
    // The same layer with other rates takes the place of its predecessor.
    let second = clients(policy("api", "7/day;3/hour")).unwrap();
    drop((first, second));
    assert!(principals(policy("api-day", "5/day")).is_ok());
}

#[test]
fn a_pair_with_a_principal_is_refused_before_authentication() {
    let pair = Key::route().and(Key::principal());
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "2/day").key(pair))
        .build();
    assert!(matches!(
        layer.unwrap_err(),
        RateLimitBuildError::PrincipalBeforeAuthentication { .. }
    ));
}
