//! Who is counted, where, and how often.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use palisade_core::{Guard, GuardLayer, Mode, testing};
use palisade_rate_limit::{CostUnit, Key, Policy, RateLimitBuildError, RateLimitLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

#[tokio::test]
async fn a_burst_is_admitted_and_the_next_request_gets_retry_after() {
    let stack = TestStack::by_client([policy("tts", "10/minute")]);
    assert_eq!(stack.admitted(10, || from("203.0.113.7")).await, 10);
    let refused = stack.send(from("203.0.113.7")).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(retry_after(&refused), 6);
    stack.wait(5.9);
    assert_eq!(stack.status(from("203.0.113.7")).await, 429);
    stack.wait(0.1);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
}

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
async fn what_one_limit_refuses_the_others_do_not_charge() {
    let stack = TestStack::by_client([policy("minute", "1/minute"), policy("hour", "3/hour")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    for _ in 0..20 {
        assert_eq!(stack.status(from("203.0.113.7")).await, 429);
    }
    stack.wait(60.0);
    let admitted = stack.send(from("203.0.113.7")).await;
    assert_eq!(
        field(&admitted, "ratelimit"),
        "\"minute\";r=0;t=60, \"hour\";r=1;t=1140"
    );
}

#[tokio::test]
async fn a_refused_request_does_not_put_off_the_next() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    for _ in 0..59 {
        stack.wait(1.0);
        assert_eq!(stack.status(from("203.0.113.7")).await, 429);
    }
    stack.wait(1.0);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

#[tokio::test]
async fn a_layer_applied_twice_charges_once() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "2/minute"))
        .build()
        .unwrap();
    let twice = layer.layer(layer.layer(service_fn(respond)));
    let service = GuardLayer(Clients).layer(twice);
    for expected in [200, 200, 429] {
        let response = service.clone().oneshot(from("203.0.113.7")).await.unwrap();
        assert_eq!(response.status(), expected);
    }
}

#[tokio::test]
async fn clones_in_different_services_share_their_buckets() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "1/minute"))
        .build()
        .unwrap();
    let service =
        |layer: &RateLimitLayer| GuardLayer((Clients, layer.clone())).layer(service_fn(respond));
    assert_eq!(
        service(&layer)
            .oneshot(from("203.0.113.7"))
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        service(&layer)
            .oneshot(from("203.0.113.7"))
            .await
            .unwrap()
            .status(),
        429
    );
}

#[tokio::test]
async fn a_changed_quota_keeps_the_state() {
    let store = small_store(100);
    let before = TestStack::over(store.clone(), [policy("a", "10/minute")]);
    assert_eq!(before.admitted(8, || from("203.0.113.7")).await, 8);
    let lowered = TestStack::over(store.clone(), [policy("a", "5/minute")]);
    assert_eq!(lowered.admitted(1, || from("203.0.113.7")).await, 1);
    let raised = TestStack::over(store, [policy("a", "60/minute")]);
    assert_eq!(raised.admitted(60, || from("203.0.113.7")).await, 0);
}

#[tokio::test]
async fn a_cost_by_the_head_is_charged() {
    let stack = TestStack::by_client([policy("a", "10/minute")
        .cost_by(|head| head.uri.query().map_or(0, |query| query.len() as u64))]);
    let text = |text: &str| {
        get(&format!("/?{text}"))
            .header("x-client", "203.0.113.7")
            .body(Full::default())
            .unwrap()
    };
    assert_eq!(stack.status(text("123456")).await, 200);
    assert_eq!(stack.status(text("12345")).await, 429);
    assert_eq!(stack.status(text("1234")).await, 200);
}

#[tokio::test]
async fn a_cost_above_a_full_bucket_is_refused_permanently() {
    let length = |head: &http::request::Parts| {
        head.headers
            .get("content-length")
            .map_or(0, |value| value.to_str().unwrap().parse().unwrap())
    };
    let upload = |length: u64| {
        get("/")
            .header("x-client", "203.0.113.7")
            .header("content-length", length)
            .body(Full::default())
            .unwrap()
    };
    let bytes = TestStack::by_client([policy("a", "1000/minute")
        .unit(CostUnit::ContentBytes)
        .cost_by(length)]);
    assert_eq!(bytes.status(upload(1000)).await, 200);
    assert_eq!(bytes.status(upload(1001)).await, 413);
    let custom = TestStack::by_client([policy("a", "1000/minute")
        .unit(CostUnit::Custom)
        .cost_by(length)]);
    let refused = custom.send(upload(u64::MAX)).await;
    assert_eq!(
        (refused.status().as_u16(), &problem(&refused)["code"]),
        (400, &"cost_exceeds_quota".into())
    );
    assert_eq!(field(&refused, "retry-after"), "");
}

#[tokio::test]
async fn shadow_refuses_nothing() {
    let builder = RateLimitLayer::by_client()
        .policy(policy("a", "1/minute"))
        .dangerously_only_shadow();
    let stack = TestStack::build(builder, false);
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 5);
    assert_eq!(stack.layer.mode(), Mode::Shadow);
}

#[tokio::test]
async fn very_fast_and_very_slow_rates_hold() {
    let fast = TestStack::by_client([policy("a", "5000/second")]);
    assert_eq!(fast.admitted(5010, || from("203.0.113.7")).await, 5000);
    fast.wait(0.001);
    assert_eq!(fast.admitted(10, || from("203.0.113.7")).await, 5);
    let slow = TestStack::by_client([policy("a", "1 per 30 days")]);
    assert_eq!(slow.admitted(5, || from("203.0.113.7")).await, 1);
    slow.wait(30.0 * 86_400.0 - 1.0);
    assert_eq!(retry_after(&slow.send(from("203.0.113.7")).await), 1);
    slow.wait(1.0);
    assert_eq!(slow.admitted(5, || from("203.0.113.7")).await, 1);
}

#[test]
fn the_contract_of_poll_ready_is_kept() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "1000/second"))
        .build()
        .unwrap();
    testing::poll_ready_contract(GuardLayer((Clients, layer)), || from("203.0.113.7"));
}

#[test]
fn memory_answers_at_once_without_a_runtime() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "1/minute"))
        .build()
        .unwrap();
    let service = GuardLayer((Clients, layer)).layer(service_fn(respond));
    for expected in [200, 429] {
        let mut call = Box::pin(service.clone().oneshot(from("203.0.113.7")));
        let Poll::Ready(response) = call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("it waits");
        };
        assert_eq!(response.unwrap().status(), expected);
    }
}

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
         store: memory: 12 buckets, 557744 bytes, fixed"
    );
    assert_eq!(
        layer.policies().collect::<Vec<_>>(),
        ["all", "tts", "login"]
    );
}

#[tokio::test]
async fn a_thousand_threads_of_requests_get_exactly_the_quota() {
    let store = small_store(1000);
    let stack = Arc::new(TestStack::over(
        store,
        [
            policy("a", "100/day"),
            policy("b", "150/day").key(Key::everyone()),
        ],
    ));
    let clients = (0..8).map(|n| {
        let stack = Arc::clone(&stack);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let client = Ipv4Addr::new(203, 0, 113, n % 2).to_string();
            runtime.block_on(stack.admitted(100, || from(&client)))
        })
    });
    let clients: Vec<_> = clients.collect();
    let admitted: usize = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    assert_eq!(admitted, 150);
}

async fn respond(_: TestRequest) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::default()))
}

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

#[test]
fn a_tier_that_cannot_be_is_refused() {
    let check = |policy: Policy, why: &str| {
        let error = policy.limits().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let layer = RateLimitLayer::by_principal().policy(policy).build();
        assert_eq!(layer.unwrap_err().to_string(), error);
    };
    check(
        policy("a", "1/day").for_tier("gold", "1/hour"),
        "must be those of the policy",
    );
    check(
        policy("a", "1/day;1/hour").for_tier("gold", "5/hour"),
        "must be those of the policy",
    );
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
    let poor = policy("a", "9/day").cost(5).for_tier("poor", "3/day");
    assert!(RateLimitLayer::by_principal().policy(poor).build().is_err());
}

#[tokio::test]
async fn what_is_exempt_is_not_counted_and_the_rest_is() {
    let probe = |cx: &palisade_core::SecurityContext, head: &http::request::Parts| {
        head.uri.path() == "/health" && cx.client().is_some_and(|client| client.ip().is_loopback())
    };
    let builder = RateLimitLayer::by_client()
        .policy(policy("a", "1/day"))
        .dangerously_exempt(probe);
    let stack = TestStack::build(builder, false);
    let health = |client: &str| {
        get("/health")
            .header("x-client", client)
            .body(Full::default())
            .unwrap()
    };
    assert_eq!(stack.admitted(20, || health("127.0.0.1")).await, 20);
    assert_eq!(stack.admitted(20, || health("203.0.113.7")).await, 1);
    assert_eq!(stack.admitted(20, || from("127.0.0.1")).await, 1);
    assert!(stack.layer.explain().contains("exempt"));
}

#[tokio::test]
async fn an_unlimited_route_is_answered_while_the_quota_is_used_up() {
    let stack = TestStack::by_client([policy("a", "1/day")]).with_routes();
    let health = || from_path("203.0.113.7", "/health");
    assert_eq!(stack.admitted(20, health).await, 20);
    assert_eq!(field(&stack.send(health()).await, "ratelimit"), "");
    let other = || from_path("203.0.113.7", "/other");
    assert_eq!(stack.admitted(20, other).await, 1);
    assert_eq!(stack.admitted(20, health).await, 20);
}

#[tokio::test]
async fn credentials_cannot_be_guessed_on_an_unlimited_route() {
    let policies = [policy("login", "3/minute").penalty(), policy("a", "1/day")];
    let stack = TestStack::by_client(policies).with_routes();
    let guess = || {
        let request = get("/health").header("x-client", "203.0.113.7");
        request
            .header("x-user", "wrong")
            .body(Full::default())
            .unwrap()
    };
    for _ in 0..3 {
        assert_eq!(stack.status(guess()).await, 401);
    }
    assert_eq!(stack.status(guess()).await, 429);
    let others = || from_path("203.0.113.8", "/health");
    assert_eq!(stack.admitted(20, others).await, 20);
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

#[tokio::test]
async fn a_lowered_quota_refuses_no_longer_than_it_says() {
    let store = small_store(100);
    let before = TestStack::over(store.clone(), [policy("a", "1000/day")]);
    assert_eq!(before.admitted(1000, || from("203.0.113.7")).await, 1000);
    let lowered = TestStack::over(store, [policy("a", "10/minute")]);
    let refused = lowered.send(from("203.0.113.7")).await;
    assert_eq!((refused.status().as_u16(), retry_after(&refused)), (429, 6));
    assert_eq!(field(&refused, "ratelimit"), "\"a\";r=0;t=6");
    lowered.wait(6.0);
    assert_eq!(lowered.status(from("203.0.113.7")).await, 200);
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

#[tokio::test]
async fn jitter_lengthens_retry_after_and_never_shortens_it() {
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "1/hour"))
        .retry_after_jitter(50);
    let stack = TestStack::build(layer, false);
    let mut waits = std::collections::BTreeSet::new();
    for number in 0..100 {
        let client = format!("203.0.113.{number}");
        assert_eq!(stack.status(from(&client)).await, 200);
        let refused = stack.send(from(&client)).await;
        assert!(
            field(&refused, "ratelimit").ends_with(";t=3600"),
            "{refused:?}"
        );
        waits.insert(retry_after(&refused));
    }
    assert!(
        waits.iter().all(|wait| (3600..=5400).contains(wait)),
        "{waits:?}"
    );
    assert!(waits.len() > 50, "{waits:?}");
}
