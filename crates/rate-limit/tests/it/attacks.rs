//! What is tried to get more than one's share, or to take others' away.

use http::StatusCode;
use http_body_util::Full;
use palisade_core::{
    ClientInfo, CredentialFailure, Fact, Guard, Outcome, OutcomeKind, Rejection, Scheme,
    SecurityContext, Verdict,
};
use palisade_rate_limit::{Key, LimitStore, RateLimitLayer};

use crate::support::*;

#[tokio::test]
async fn addresses_of_one_slash_64_are_rotated() {
    let stack = TestStack::by_client([policy("a", "3/minute")]);
    let mut admitted = 0;
    for n in 0..500 {
        admitted += usize::from(
            stack
                .status(from(&format!("2001:db8:1:2:{n:x}::{n:x}")))
                .await
                == 200,
        );
    }
    assert_eq!(admitted, 3);
}

#[tokio::test]
async fn an_ipv4_address_is_written_as_ipv6() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
    assert_eq!(stack.status(from("::ffff:203.0.113.7")).await, 429);
}

#[tokio::test]
async fn forwarded_headers_buy_no_second_bucket() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    let spoof = |hop: &str| {
        let request = get("/")
            .header("x-client", "203.0.113.7")
            .header("x-forwarded-for", hop)
            .header("forwarded", format!("for={hop}"));
        request
            .header("x-real-ip", hop)
            .body(Full::default())
            .unwrap()
    };
    assert_eq!(stack.status(spoof("198.51.100.1")).await, 200);
    assert_eq!(stack.status(spoof("198.51.100.2")).await, 429);
}

#[tokio::test]
async fn the_quota_is_not_granted_twice_at_the_edge_of_a_window() {
    let stack = TestStack::by_client([policy("a", "60/minute")]);
    stack.wait(59.0);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 60);
    stack.wait(2.0);
    assert_eq!(stack.admitted(100, || from("203.0.113.7")).await, 2);
}

#[tokio::test]
async fn requests_while_refused_gain_nothing_and_cost_nothing() {
    let stack = TestStack::by_client([policy("a", "1/minute")]);
    let mut admitted = 0;
    for _ in 0..6000 {
        admitted += usize::from(stack.status(from("203.0.113.7")).await == 200);
        stack.wait(0.1);
    }
    assert_eq!(admitted, 10);
}

#[tokio::test]
async fn guesses_at_the_same_moment_are_all_charged() {
    let stack = TestStack::by_client([policy("login", "3/minute").penalty()]);
    // All are let in before the first has failed, as under any check before the act.
    let let_in: Vec<_> = (0..12).map(|_| admit(&stack.layer)).collect();
    for (cx, pass) in let_in {
        cx.credential_failed("test", &wrong());
        stack
            .layer
            .close(&cx, pass, Outcome::new(OutcomeKind::Complete, None, 0));
    }
    // Twelve failures of twenty seconds each, of which a minute is the burst.
    stack.wait(12.0 * 20.0 - 60.0 + 20.0 - 0.1);
    assert_eq!(stack.status(as_user("anna")).await, 429);
    stack.wait(0.1);
    assert_eq!(stack.status(as_user("anna")).await, 200);
}

#[tokio::test]
async fn a_failure_is_charged_once_however_the_request_ends() {
    let stack = TestStack::by_client([policy("login", "2/minute").penalty()]);
    let (cx, mut pass) = admit(&stack.layer);
    cx.credential_failed("test", &wrong());
    let (mut head, ()) = http::Response::new(()).into_parts();
    let _ = stack.layer.finish(&cx, &mut pass, &mut head);
    let _ = stack.layer.finish(&cx, &mut pass, &mut head);
    stack
        .layer
        .close(&cx, pass, Outcome::new(OutcomeKind::BodyDropped, None, 0));
    assert_eq!(stack.status(as_user("wrong")).await, 401);
    assert_eq!(stack.status(as_user("wrong")).await, 429);
}

#[tokio::test]
async fn a_client_that_causes_many_facts_cannot_hide_its_guess() {
    let stack = TestStack::by_client([policy("login", "1/minute").penalty()]);
    let (cx, pass) = admit(&stack.layer);
    for number in 0..1000 {
        let field = number.to_string().into();
        cx.record(Fact::Cleaned { field, removed: 1 });
    }
    cx.credential_failed("test", &wrong());
    for _ in 0..1000 {
        cx.credential_failed("test", &expired());
    }
    let end = Outcome::new(OutcomeKind::Complete, Some(StatusCode::OK), 0);
    stack.layer.close(&cx, pass, end);
    assert_eq!(stack.status(as_user("anna")).await, 429);
}

#[tokio::test]
async fn a_genuine_credential_that_has_ended_is_no_guess() {
    let stack = TestStack::by_client([policy("login", "1/minute").penalty()]);
    for _ in 0..100 {
        assert_eq!(stack.status(as_user("expired")).await, 401);
    }
    assert_eq!(stack.status(as_user("anna")).await, 200);
    assert_eq!(stack.status(as_user("wrong")).await, 401);
    assert_eq!(stack.status(as_user("anna")).await, 429);
}

fn wrong() -> Rejection {
    Rejection::new(StatusCode::UNAUTHORIZED, "credentials_invalid", "No.")
}

fn expired() -> Rejection {
    wrong().with_credential_failure(CredentialFailure::Expired)
}

/// Lets the layer admit a request that goes on elsewhere.
fn admit(layer: &RateLimitLayer) -> (SecurityContext, <RateLimitLayer as Guard>::Pass) {
    let (mut head, _) = from("203.0.113.7").into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https));
    match layer.admit(&cx, &mut head) {
        Verdict::Admit(pass) => (cx, pass),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn leaving_a_key_out_shares_one_bucket_with_all_who_do() {
    let key = Key::custom("voice", |_, head| {
        Some(head.headers.get("x-voice")?.to_str().ok()?.to_owned())
    });
    let stack = TestStack::by_client([policy("a", "2/minute").key(key)]);
    assert_eq!(stack.admitted(10, || from("203.0.113.7")).await, 2);
    assert_eq!(stack.admitted(10, || from("198.51.100.1")).await, 0);
}

#[tokio::test]
async fn a_user_named_like_an_owner_or_an_address_is_another_subject() {
    let stack = TestStack::by_principal([policy("a", "1/minute").key(Key::owner())]);
    assert_eq!(stack.status(as_user("acme")).await, 200);
    assert_eq!(stack.status(as_user("anna@acme")).await, 200);
    assert_eq!(stack.status(as_user("203.0.113.7")).await, 200);
    assert_eq!(stack.status(from("203.0.113.7")).await, 200);
}

#[tokio::test]
async fn failures_cost_the_address_and_not_the_victim() {
    let stack = TestStack::by_client([policy("login", "2/minute").penalty()]);
    for _ in 0..50 {
        stack.send(as_user("wrong")).await;
    }
    let victim = get("/")
        .header("x-client", "198.51.100.9")
        .header("x-user", "anna")
        .body(Full::default())
        .unwrap();
    assert_eq!(stack.status(victim).await, 200);
}

#[tokio::test]
async fn retry_after_is_enough_and_never_zero() {
    let stack = TestStack::by_client([policy("a", "7/second"), policy("b", "100/minute")]);
    for _ in 0..1000 {
        let response = stack.send(from("203.0.113.7")).await;
        if response.status() == 429 {
            let wait = retry_after(&response);
            assert!(wait >= 1);
            stack.clock.advance(std::time::Duration::from_secs(wait));
            assert_eq!(stack.status(from("203.0.113.7")).await, 200);
        }
        stack.wait(0.013);
    }
}

#[tokio::test]
async fn retry_after_is_never_earlier_than_t() {
    let stack = TestStack::by_client([policy("a", "3/minute;20/hour;50/day").cost(2)]);
    for _ in 0..500 {
        let response = stack.send(from("203.0.113.7")).await;
        if response.status() == 429 {
            for t in field(&response, "ratelimit").split(";t=").skip(1) {
                let t: u64 = t.split(',').next().unwrap().parse().unwrap();
                assert!(t <= retry_after(&response), "{:?}", response.headers());
            }
        }
        stack.wait(17.3);
    }
}

#[tokio::test]
async fn a_refusal_tells_nothing_of_others_or_of_the_request() {
    let stack = TestStack::by_client([policy("a", "1/minute").key(Key::everyone())]);
    let canary = || {
        let request = get("/canary-path?secret=canary-query")
            .header("x-client", "203.0.113.7")
            .header("authorization", "Bearer canary-token");
        request.body(Full::default()).unwrap()
    };
    stack.send(canary()).await;
    let refused = stack.send(canary()).await;
    assert_eq!(refused.status(), 429);
    let all = format!("{:?} {:?}", refused.headers(), refused.body());
    assert!(!all.contains("canary") && !all.contains("203.0"), "{all}");
}

#[test]
fn debug_shows_no_address_and_no_key() {
    let store = small_store(10);
    let layer = RateLimitLayer::by_client()
        .policy(policy("a", "1/minute"))
        .store(store.clone())
        .build()
        .unwrap();
    let bucket = store.bucket_key(&palisade_rate_limit::Subject::network(
        "203.0.113.7".parse().unwrap(),
        32,
        64,
    ));
    let text = format!("{layer:?} {bucket:?}");
    assert!(!text.contains("203.0.113"), "{text}");
}
