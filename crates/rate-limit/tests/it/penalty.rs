//! Failed credentials are charged, nothing else is.

use std::sync::{Arc, Mutex};

use palisade_rate_limit::{Policy, RateLimitLayer};

use crate::support::*;

fn stack() -> TestStack {
    TestStack::by_client([login(), policy("all", "1000/minute")])
}

fn login() -> Policy {
    policy("login", "3/minute").penalty()
}

#[tokio::test]
async fn three_failures_close_the_door_also_for_the_right_credential() {
    let stack = stack();
    for _ in 0..3 {
        assert_eq!(stack.status(as_user("wrong")).await, 401);
    }
    let refused = stack.send(as_user("wrong")).await;
    assert_eq!(
        (refused.status().as_u16(), retry_after(&refused)),
        (429, 20)
    );
    assert_eq!(
        problem(&refused)["type"],
        "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
    );
    assert_eq!(
        problem(&refused)["violated-policies"],
        serde_json::json!(["login"])
    );
    assert_eq!(stack.status(as_user("anna")).await, 429);
    stack.wait(20.0);
    assert_eq!(stack.status(as_user("anna")).await, 200);
}

#[tokio::test]
async fn success_is_never_charged() {
    let stack = stack();
    assert_eq!(stack.admitted(500, || as_user("anna")).await, 500);
    assert_eq!(stack.admitted(400, || from("203.0.113.7")).await, 400);
    assert_eq!(stack.status(as_user("wrong")).await, 401);
}

#[tokio::test]
async fn a_penalty_has_no_header_fields_before_it_refuses() {
    let response = stack().send(as_user("anna")).await;
    assert_eq!(field(&response, "ratelimit"), "\"all\";r=999;t=1");
    assert_eq!(field(&response, "ratelimit-policy"), "\"all\";q=1000;w=60");
}

#[tokio::test]
async fn others_are_not_locked_out() {
    let stack = stack();
    for _ in 0..10 {
        stack.send(as_user("wrong")).await;
    }
    assert_eq!(stack.status(from("198.51.100.1")).await, 200);
}

fn blocking() -> TestStack {
    let block = policy("block", "1 per 10 minutes")
        .burst(3)
        .penalty_for_refusals();
    TestStack::by_client([policy("all", "2/second"), block])
}

#[tokio::test]
async fn refusals_are_charged_to_their_penalty_and_block_the_client() {
    let stack = blocking();
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 2);
    for _ in 0..3 {
        let refused = stack.send(from("203.0.113.7")).await;
        assert_eq!(
            problem(&refused)["violated-policies"],
            serde_json::json!(["all"])
        );
    }
    stack.wait(5.0);
    let blocked = stack.send(from("203.0.113.7")).await;
    assert_eq!(
        (blocked.status().as_u16(), retry_after(&blocked)),
        (429, 595)
    );
    assert_eq!(problem(&blocked)["code"], "too_many_refusals");
    assert_eq!(stack.status(from("203.0.113.8")).await, 200, "no one else");
}

#[tokio::test]
async fn a_block_ends_although_the_client_goes_on() {
    let stack = blocking();
    stack.admitted(5, || from("203.0.113.7")).await;
    for _ in 0..59 {
        stack.wait(10.0);
        assert_eq!(stack.status(from("203.0.113.7")).await, 429);
    }
    stack.wait(10.0);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    // The next refusal blocks again.
    assert_eq!(stack.admitted(5, || from("203.0.113.7")).await, 1);
    stack.wait(60.0);
    assert_eq!(stack.status(from("203.0.113.7")).await, 429);
}

#[tokio::test]
async fn failed_credentials_are_not_charged_to_a_penalty_for_refusals() {
    let stack = blocking();
    for _ in 0..10 {
        assert_eq!(stack.status(as_user("wrong")).await, 401);
        stack.wait(1.0);
    }
    let inside = RateLimitLayer::by_principal()
        .policy(policy("all", "2/second"))
        .policy(policy("block", "1/minute").penalty_for_refusals());
    let inside = TestStack::build(inside, true);
    assert_eq!(inside.admitted(3, || as_user("anna")).await, 2);
    inside.wait(1.0);
    assert_eq!(inside.status(as_user("anna")).await, 429);
}

#[tokio::test]
async fn a_function_is_called_for_each_refusal() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let layer = RateLimitLayer::by_client()
        .policies([
            policy("a", "1/minute"),
            policy("b", "1/hour"),
            policy("c", "9/day"),
        ])
        .on_refusal(move |cx, refusal| {
            let limits: Vec<String> = refusal.limits().map(str::to_owned).collect();
            let client = cx.client().map(|client| client.ip().to_string());
            let call = (client.unwrap(), limits, refusal.retry_after().as_secs());
            seen.lock().unwrap().push(call);
        });
    let stack = TestStack::build(layer, false);
    assert_eq!(stack.admitted(2, || from("203.0.113.7")).await, 1);
    let expected = (
        "203.0.113.7".to_owned(),
        vec!["a".to_owned(), "b".to_owned()],
        3_600,
    );
    assert_eq!(*calls.lock().unwrap(), [expected]);
}
