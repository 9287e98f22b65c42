//! Failed credentials are charged, nothing else is.

use palisade_rate_limit::Policy;

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
