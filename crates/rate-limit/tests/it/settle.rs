//! Reserve, then settle by the handler's word.

use std::{convert::Infallible, future::pending};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use palisade_core::GuardLayer;
use palisade_rate_limit::{Policy, RateLimitBuildError, RateLimitLayer, Subject};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

fn characters() -> Policy {
    policy("characters", "100/hour")
        .cost(10)
        .settled_by("characters")
}

fn speak(settle: Option<u64>) -> TestRequest {
    let mut request = get("/").header("x-client", "203.0.113.7");
    if let Some(amount) = settle {
        request = request.header("x-settle", format!("characters={amount}"));
    }
    request.body(Full::default()).unwrap()
}

/// Returns what is left, by reading the limit state of a request that costs ten.
async fn left(stack: &TestStack) -> u32 {
    let response = stack.send(speak(None)).await;
    let limit_state = field(&response, "ratelimit").to_owned();
    let rest = limit_state
        .split("r=")
        .nth(1)
        .unwrap_or_else(|| panic!("{limit_state}"));
    rest.split(';').next().unwrap().parse::<u32>().unwrap()
        + if response.status() == 200 { 10 } else { 0 }
}

#[tokio::test]
async fn without_a_word_the_reserve_is_the_price() {
    let stack = TestStack::by_client([characters()]);
    stack.send(speak(None)).await;
    assert_eq!(left(&stack).await, 90);
}

#[tokio::test]
async fn less_is_given_back_and_more_is_charged() {
    let stack = TestStack::by_client([characters()]);
    stack.send(speak(Some(3))).await;
    assert_eq!(left(&stack).await, 97);
    let stack = TestStack::by_client([characters()]);
    stack.send(speak(Some(60))).await;
    assert_eq!(left(&stack).await, 40);
}

#[tokio::test]
async fn more_than_there_is_becomes_debt_with_a_bound() {
    let stack = TestStack::by_client([characters().debt(50)]);
    stack.send(speak(Some(u64::MAX))).await;
    // 50 owed and 10 wanted, at 36 seconds each.
    let refused = stack.send(speak(None)).await;
    assert_eq!(
        (refused.status().as_u16(), retry_after(&refused)),
        (429, 60 * 36)
    );
    stack.wait(60.0 * 36.0);
    assert_eq!(stack.status(speak(None)).await, 200);
}

#[tokio::test]
async fn nothing_is_given_back_because_the_client_left() {
    let stack = TestStack::by_client([characters()]);
    let service = GuardLayer((Clients, stack.layer.clone())).layer(service_fn(|_: TestRequest| {
        pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    for _ in 0..5 {
        let call = service.clone().oneshot(speak(None));
        let left = tokio::time::timeout(std::time::Duration::ZERO, call).await;
        assert!(left.is_err(), "the handler never answers");
    }
    assert_eq!(left(&stack).await, 50);
}

#[tokio::test]
async fn nothing_is_given_back_because_an_inner_guard_refused() {
    let stack = TestStack::by_client([characters()]);
    let refused = get("/")
        .header("x-client", "203.0.113.7")
        .header("x-user", "wrong")
        .body(Full::default())
        .unwrap();
    assert_eq!(stack.status(refused).await, 401);
    assert_eq!(left(&stack).await, 90);
}

#[tokio::test]
async fn a_panic_in_the_handler_settles_what_it_reported_until_then() {
    let stack = TestStack::by_client([characters()]);
    let service = GuardLayer((Clients, stack.layer.clone())).layer(service_fn(
        async |request: TestRequest| {
            palisade_core::SecurityContext::of(request.extensions())
                .unwrap()
                .settle("characters", 25);
            if true {
                panic!("the model fell over");
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        },
    ));
    let call = tokio::spawn(service.oneshot(speak(None)));
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!(left(&stack).await, 75);
}

fn by_status() -> TestStack {
    let policy =
        policy("a", "100/day")
            .cost(10)
            .cost_by_response(|head| match head.status.as_u16() {
                304 => Some(1),
                201 => Some(25),
                500 => Some(0),
                _ => None,
            });
    TestStack::by_principal([policy])
}

async fn left_of_anna(stack: &TestStack) -> u32 {
    let anna = Subject::Named {
        kind: "test",
        id: "anna",
        group: None,
    };
    stack.layer.inspect(&anna).get().await.unwrap()[0].remaining
}

#[tokio::test]
async fn the_response_of_the_handler_decides_about_the_cost() {
    let stack = by_status();
    for (status, remaining) in [
        ("304", 99),
        ("201", 74),
        ("500", 74),
        ("200", 64),
        ("404", 54),
    ] {
        let mut request = as_user("anna");
        request
            .headers_mut()
            .insert("x-status", status.parse().unwrap());
        let response = stack.send(request).await;
        assert_eq!(left_of_anna(&stack).await, remaining, "{status}");
        let expected = format!("\"a\";r={remaining};");
        // Redirections have no fields.
        let told = field(&response, "ratelimit");
        assert!(
            status == "304" || told.starts_with(&expected),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_before_the_handler_is_no_response_of_the_handler() {
    let policy = policy("a", "5/day").cost_by_response(|_| Some(0));
    let stack = TestStack::by_client([policy]);
    for _ in 0..5 {
        assert_eq!(stack.status(as_user("wrong")).await, 401);
    }
    assert_eq!(stack.status(as_user("wrong")).await, 429);
}

#[test]
fn two_final_costs_are_an_error_at_build() {
    let cost = || policy("a", "5/day").cost_by_response(|_| Some(0));
    for policy in [cost().settled_by("x"), cost().penalty()] {
        let error = RateLimitLayer::by_client()
            .policy(policy)
            .build()
            .unwrap_err();
        assert!(
            matches!(error, RateLimitBuildError::SeveralFinalCosts { .. }),
            "{error}"
        );
    }
}
