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
use palisade_rate_limit::{CostUnit, Key, RateLimitLayer};
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
    assert_eq!(lowered.admitted(1, || from("203.0.113.7")).await, 0);
    let raised = TestStack::over(store, [policy("a", "60/minute")]);
    assert_eq!(raised.admitted(60, || from("203.0.113.7")).await, 52);
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
fn memory_decides_at_once_without_a_runtime() {
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

pub(crate) async fn respond(_: TestRequest) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::default()))
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
async fn an_unlimited_route_is_served_while_the_quota_is_used_up() {
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
