//! Whom a limit counts together.

use std::sync::Arc;

use http_body_util::Full;
use palisade_core::GuardLayer;
use palisade_rate_limit::{Key, RateLimitLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::{layer::respond, support::*};

#[tokio::test]
async fn clients_are_counted_apart() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert_eq!(stack.status(from("203.0.113.8")).await, 200);
    assert_eq!(stack.status(from("203.0.113.7")).await, 429);
}

#[tokio::test]
async fn a_subscriber_of_ipv6_is_one_client() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    assert_eq!(stack.status(from("2001:db8:1:2::1")).await, 200);
    assert_eq!(stack.status(from("2001:db8:1:2:ffff::9")).await, 429);
    assert_eq!(stack.status(from("2001:db8:1:3::1")).await, 200);
}

#[tokio::test]
async fn a_limit_without_a_client_address_is_misconfigured() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    let refused = stack.send(get("/").body(Full::default()).unwrap()).await;
    assert_eq!(refused.status(), 500);
    assert_eq!(problem(&refused)["code"], "misconfigured");
}

#[tokio::test]
async fn a_limit_by_principal_outside_authentication_is_misconfigured() {
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "1/minute"))
        .build()
        .unwrap();
    let service = GuardLayer(Arc::new((Clients, layer))).layer(service_fn(respond));
    assert_eq!(
        service.oneshot(from("203.0.113.7")).await.unwrap().status(),
        500
    );
}

#[tokio::test]
async fn principals_are_counted_apart_and_guests_by_their_address() {
    let stack = TestStack::by_principal([policy("a", "1/minute")]);
    assert_eq!(stack.status(as_user("anna")).await, 200);
    assert_eq!(stack.status(as_user("ben")).await, 200);
    assert_eq!(stack.status(as_user("anna")).await, 429);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert_eq!(stack.status(from("203.0.113.7")).await, 429);
}

#[tokio::test]
async fn principals_of_one_owner_share_and_one_without_counts_alone() {
    let stack = TestStack::by_principal([policy("a", "2/minute").key(Key::owner())]);
    assert_eq!(stack.status(as_user("anna@acme")).await, 200);
    assert_eq!(stack.status(as_user("ben@acme")).await, 200);
    assert_eq!(stack.status(as_user("cleo@acme")).await, 429);
    assert_eq!(stack.admitted(3, || as_user("dora")).await, 2);
}

#[tokio::test]
async fn all_clients_share_one_bucket_if_configured() {
    let stack = TestStack::by_client([policy("a", "2/minute").key(Key::everyone())]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert_eq!(stack.status(from("203.0.113.8")).await, 200);
    assert_eq!(stack.status(from("203.0.113.9")).await, 429);
}

#[tokio::test]
async fn a_key_of_ones_own_counts_what_it_finds() {
    let key = Key::custom("voice", |_, head| {
        Some(head.headers.get("x-voice")?.to_str().ok()?.to_owned())
    });
    let stack = TestStack::by_client([policy("a", "1/minute").key(key)]);
    let voice = |name: &str| {
        get("/")
            .header("x-voice", name)
            .body(Full::default())
            .unwrap()
    };
    assert_eq!(stack.status(voice("low")).await, 200);
    assert_eq!(stack.status(voice("high")).await, 200);
    assert_eq!(stack.status(voice("low")).await, 429);
}

#[tokio::test]
async fn a_policy_for_named_routes_counts_those_alone() {
    let stack = TestStack::by_client([
        policy("tts", "1/minute").on_named_routes(),
        policy("all", "3/minute"),
    ])
    .with_routes();
    let path = |path: &str| {
        get(path)
            .header("x-client", "203.0.113.7")
            .body(Full::default())
            .unwrap()
    };
    assert_eq!(stack.status(path("/tts")).await, 200);
    assert_eq!(stack.status(path("/tts")).await, 429);
    assert_eq!(stack.status(path("/other")).await, 200);
    assert_eq!(stack.status(path("/unknown")).await, 200);
    assert_eq!(stack.status(path("/other")).await, 429);
}

#[tokio::test]
async fn without_a_table_of_routes_every_policy_counts() {
    let stack = TestStack::by_client([policy("tts", "1/minute").on_named_routes()]);
    assert_eq!(stack.admitted(3, || from("203.0.113.7")).await, 1);
}

#[tokio::test]
async fn each_client_has_a_bucket_on_each_route() {
    let key = Key::client().and(Key::route());
    let stack = TestStack::by_client([policy("a", "2/day").key(key)]).with_routes();
    for path in ["/tts", "/other"] {
        assert_eq!(
            stack.admitted(5, || from_path("203.0.113.7", path)).await,
            2,
            "{path}"
        );
        assert_eq!(
            stack.admitted(5, || from_path("203.0.113.8", path)).await,
            2,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_key_by_header_counts_values_and_requests_without_one_share() {
    let key = Key::header(http::HeaderName::from_static("x-plan"));
    let stack = TestStack::by_client([policy("a", "2/day").key(key)]);
    let with = |plan: &str| {
        let request = get("/")
            .header("x-client", "203.0.113.7")
            .header("x-plan", plan);
        request.body(Default::default()).unwrap()
    };
    assert_eq!(stack.admitted(5, || with("gold")).await, 2);
    assert_eq!(stack.admitted(5, || with("free")).await, 2);
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 2);
    assert_eq!(stack.admitted(5, || from("203.0.113.8")).await, 0);
}
