//! What clients are told, byte by byte.

use palisade_core::{GuardLayer, testing::EmptyOk};
use palisade_rate_limit::{CostUnit, HeaderStyle, RateLimitLayer, ResetFormat};
use tower::{Layer, ServiceExt};

use crate::support::*;

const ALL: [&str; 6] = [
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
];

async fn check(stack: &TestStack, status: u16, expected: [&str; 6]) {
    let response = stack.send(from("203.0.113.7")).await;
    let found = ALL.map(|name| field(&response, name));
    assert_eq!((response.status().as_u16(), found), (status, expected));
}

fn with(styles: &[HeaderStyle]) -> TestStack {
    let policies = [policy("burst", "2/minute"), policy("daily", "1000/day")];
    let builder = RateLimitLayer::by_client()
        .policies(policies)
        .headers(styles.iter().copied());
    TestStack::build(builder, false)
}

#[tokio::test]
async fn draft_10_on_admitted_responses_and_refusals() {
    let stack = with(&[HeaderStyle::Draft10]);
    let policies = "\"burst\";q=2;w=60, \"daily\";q=1000;w=86400";
    check(
        &stack,
        200,
        [
            "\"burst\";r=1;t=30, \"daily\";r=999;t=87",
            policies,
            "",
            "",
            "",
            "",
        ],
    )
    .await;
    check(
        &stack,
        200,
        [
            "\"burst\";r=0;t=30, \"daily\";r=998;t=87",
            policies,
            "",
            "",
            "",
            "",
        ],
    )
    .await;
    check(
        &stack,
        429,
        ["\"burst\";r=0;t=30", "\"burst\";q=2;w=60", "", "", "", "30"],
    )
    .await;
    stack.wait(29.5);
    check(
        &stack,
        429,
        ["\"burst\";r=0;t=1", "\"burst\";q=2;w=60", "", "", "", "1"],
    )
    .await;
}

#[tokio::test]
async fn legacy_tells_of_the_limit_that_binds_first() {
    let stack = with(&[HeaderStyle::Legacy(ResetFormat::Delta)]);
    check(&stack, 200, ["", "", "2", "1", "30", ""]).await;
    check(&stack, 200, ["", "", "2", "0", "30", ""]).await;
    check(&stack, 429, ["", "", "2", "0", "30", "30"]).await;
}

#[tokio::test]
async fn legacy_with_a_moment_in_place_of_a_span() {
    let stack = with(&[HeaderStyle::Legacy(ResetFormat::Epoch)]);
    check(&stack, 200, ["", "", "2", "1", "1800000030", ""]).await;
}

#[tokio::test]
async fn both_forms_or_none() {
    let both = with(&[
        HeaderStyle::Draft10,
        HeaderStyle::Legacy(ResetFormat::Delta),
    ]);
    let policies = "\"burst\";q=2;w=60, \"daily\";q=1000;w=86400";
    check(
        &both,
        200,
        [
            "\"burst\";r=1;t=30, \"daily\";r=999;t=87",
            policies,
            "2",
            "1",
            "30",
            "",
        ],
    )
    .await;
    let none = with(&[]);
    check(&none, 200, ["", "", "", "", "", ""]).await;
    check(&none, 200, ["", "", "", "", "", ""]).await;
    check(&none, 429, ["", "", "", "", "", "30"]).await;
}

#[tokio::test]
async fn bytes_are_called_bytes() {
    let stack = TestStack::by_client([policy("up", "1000/minute")
        .unit(CostUnit::ContentBytes)
        .cost(400)]);
    check(
        &stack,
        200,
        [
            "\"up\";r=600;t=1",
            "\"up\";q=1000;qu=\"content-bytes\";w=60",
            "",
            "",
            "",
            "",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_names_every_violated_policy() {
    let stack = TestStack::by_client([
        policy("a", "1/minute"),
        policy("b", "5/minute"),
        policy("c", "1/hour"),
    ]);
    stack.send(from("203.0.113.7")).await;
    let refused = stack.send(from("203.0.113.7")).await;
    assert_eq!(field(&refused, "content-type"), "application/problem+json");
    assert_eq!(field(&refused, "cache-control"), "no-store");
    assert_eq!(retry_after(&refused), 3600);
    assert_eq!(
        field(&refused, "ratelimit"),
        "\"a\";r=0;t=60, \"c\";r=0;t=3600"
    );
    assert_eq!(
        problem(&refused),
        serde_json::json!({
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Too Many Requests",
            "status": 429,
            "code": "quota_exceeded",
            "detail": "Too many requests. Retry-After says when to come back.",
            "violated-policies": ["a", "c"],
        })
    );
}

#[tokio::test]
async fn a_redirect_carries_no_fields_and_an_error_does() {
    let stack = TestStack::by_client([policy("a", "9/minute")]);
    let with_status = |status: u16| {
        get("/")
            .header("x-client", "203.0.113.7")
            .header("x-status", status)
            .body(Default::default())
            .unwrap()
    };
    assert_eq!(field(&stack.send(with_status(308)).await, "ratelimit"), "");
    assert_eq!(
        field(&stack.send(with_status(500)).await, "ratelimit"),
        "\"a\";r=7;t=7"
    );
}

#[tokio::test]
async fn a_full_bucket_has_nothing_to_wait_for() {
    let stack = TestStack::by_client([policy("a", "9/minute").settled_by("characters").cost(0)]);
    check(&stack, 200, ["\"a\";r=9", "\"a\";q=9;w=60", "", "", "", ""]).await;
}

#[tokio::test]
async fn what_remains_is_never_more_than_the_quota() {
    let policies = [policy("a", "2/minute").burst(4)];
    let builder = RateLimitLayer::by_client().policies(policies);
    let both = [
        HeaderStyle::Draft10,
        HeaderStyle::Legacy(ResetFormat::Delta),
    ];
    let stack = TestStack::build(builder.headers(both), false);
    let quota = "\"a\";q=2;w=60";
    check(&stack, 200, ["\"a\";r=2", quota, "2", "2", "0", ""]).await;
    check(&stack, 200, ["\"a\";r=2", quota, "2", "2", "0", ""]).await;
    check(&stack, 200, ["\"a\";r=1;t=30", quota, "2", "1", "30", ""]).await;
}

#[tokio::test]
async fn two_layers_write_one_list() {
    let limit = |name: &'static str| {
        let builder = RateLimitLayer::by_client().policy(policy(name, "9/minute"));
        builder.clock(clock().shared()).build().unwrap()
    };
    let layers = GuardLayer((Clients, limit("outer"), limit("inner")));
    let service = layers.layer(EmptyOk::default());
    let response = service.oneshot(from("203.0.113.7")).await.unwrap();
    let lines = |name| response.headers().get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(lines("ratelimit"), ["\"inner\";r=8;t=7, \"outer\";r=8;t=7"]);
    let policies = ["\"inner\";q=9;w=60, \"outer\";q=9;w=60"];
    assert_eq!(lines("ratelimit-policy"), policies);
}

#[tokio::test]
async fn draft_6_states_the_quotas_without_names_and_the_limit_that_refuses_first() {
    let names = [
        "ratelimit-policy",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "ratelimit",
    ];
    let found = async |stack: &TestStack| {
        let response = stack.send(from("203.0.113.7")).await;
        names.map(|name| field(&response, name).to_owned())
    };
    let stack = with(&[HeaderStyle::Draft6]);
    let quotas = "2;w=60, 1000;w=86400";
    assert_eq!(found(&stack).await, [quotas, "2", "1", "30", ""]);
    assert_eq!(found(&stack).await, [quotas, "2", "0", "30", ""]);
    assert_eq!(
        found(&stack).await,
        ["2;w=60", "2", "0", "30", ""],
        "of the one that refused"
    );
    let expected = [
        "ratelimit-policy",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
    ];
    assert_eq!(stack.layer.header_names().collect::<Vec<_>>(), expected);
    // Both drafts have a `RateLimit-Policy`; the newer one is sent.
    let both = with(&[HeaderStyle::Draft6, HeaderStyle::Draft10]);
    let [policy, limit, .., states] = found(&both).await;
    assert_eq!(policy, "\"burst\";q=2;w=60, \"daily\";q=1000;w=86400");
    assert_eq!(limit, "2");
    assert!(states.starts_with("\"burst\";r=1;t=30"), "{states}");
}

#[tokio::test]
async fn a_partition_key_is_that_of_the_bucket_and_tells_nothing_else() {
    let stack = |partition_keys: bool| {
        let layer = RateLimitLayer::by_client()
            .policies([policy("a", "9/day"), policy("b", "9/hour")])
            .store(small_store(100));
        let layer = match partition_keys {
            true => layer.partition_keys(),
            false => layer,
        };
        TestStack::build(layer, false)
    };
    let plain = stack(false).send(from("203.0.113.7")).await;
    assert!(
        !field(&plain, "ratelimit").contains("pk="),
        "off by default"
    );
    let stack = stack(true);
    let keys = async |client: &str| {
        let response = stack.send(from(client)).await;
        let field = field(&response, "ratelimit").to_owned();
        let keys: Vec<String> = field
            .split(", ")
            .map(|item| item.rsplit_once(";pk=:").unwrap().1.to_owned())
            .collect();
        assert!(
            keys.iter()
                .all(|key| key.len() == 13 && key.ends_with("=:")),
            "{field}"
        );
        keys
    };
    let seven = keys("203.0.113.7").await;
    assert_eq!(seven, keys("203.0.113.7").await);
    assert_ne!(seven[0], seven[1], "each limit has a bucket");
    assert_ne!(seven, keys("203.0.113.8").await);
    // A subscriber of IPv6 has one bucket.
    assert_eq!(keys("2001:db8::1").await, keys("2001:db8::2").await);
    for _ in 0..9 {
        keys("203.0.113.9").await;
    }
    let refused = stack.send(from("203.0.113.9")).await;
    assert_eq!(refused.status(), 429);
    assert!(
        field(&refused, "ratelimit").contains(";pk=:"),
        "refusals have it too"
    );
}

#[tokio::test]
async fn partition_keys_of_two_processes_differ() {
    let key = async || {
        let layer = RateLimitLayer::by_client()
            .policy(policy("a", "9/day"))
            .partition_keys();
        let stack = TestStack::build(layer, false);
        field(&stack.send(from("203.0.113.7")).await, "ratelimit").to_owned()
    };
    assert_ne!(
        key().await,
        key().await,
        "no table of addresses can be made"
    );
}
