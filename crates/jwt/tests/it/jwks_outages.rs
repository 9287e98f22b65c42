//! An endpoint that fails, hangs or is not there.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::StatusCode;
use palisade_jwt::{JwksUrl, JwksUrlBuilder};

use crate::{
    jwks::{Rig, broken, key},
    jwks_server::{ServedResponse, ok, set},
    support::{request, send, status},
};

#[tokio::test]
async fn while_any_key_may_be_used_no_request_waits_for_a_hung_endpoint() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(ServedResponse::Hang);
    for seconds in [601, 3_600, 6 * 3_600 - 4_202] {
        rig.pass(seconds);
        let token = rig.token(&a);
        let response = status(&rig.layer, &token).now_or_never();
        assert_eq!(
            response,
            Some(200),
            "after {seconds} more seconds without a request"
        );
    }
    rig.pass(2);
    let token = rig.token(&a);
    let response = status(&rig.layer, &token).now_or_never();
    assert_eq!(response, None, "past the hard age only a fetch can help");
}

#[tokio::test]
async fn no_response_makes_keys_outlive_the_hard_age() {
    let a = key("a");
    let headers = vec![("cache-control", "max-age=86400".to_owned())];
    let response = ServedResponse::Say(StatusCode::OK, headers, set(&[&a]));
    let hour = |builder: JwksUrlBuilder| builder.hard_age(Duration::from_secs(3_600));
    let rig = Rig::with(response, hour).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(broken());
    rig.pass(3_599);
    assert_eq!(rig.ask(&a).await, 200);
    rig.keys.warm_up().await.unwrap(); // Joins the fetch that fails.
    rig.pass(1);
    assert_eq!(rig.ask(&a).await, 503);
}

#[tokio::test]
async fn an_empty_set_is_an_outage_unless_it_revokes() {
    let a = key("a");
    let empty = || ServedResponse::Say(StatusCode::OK, vec![], r#"{"keys":[]}"#.to_owned());
    let keeping = Rig::new(ok(&[&a])).await;
    let revoking = Rig::with(ok(&[&a]), |builder| builder.empty_set_revokes(true)).await;
    for (rig, after) in [(&keeping, 200), (&revoking, 401)] {
        assert_eq!(rig.ask(&a).await, 200);
        rig.server.now(empty());
        rig.pass(600);
        rig.keys.warm_up().await.unwrap();
        assert_eq!(rig.ask(&a).await, after);
    }
    // A document that is no key set revokes nothing.
    revoking.server.now(ok(&[&a]));
    revoking.pass(600);
    revoking.keys.warm_up().await.unwrap();
    assert_eq!(revoking.ask(&a).await, 200);
    revoking
        .server
        .now(ServedResponse::Say(StatusCode::OK, vec![], "{}".to_owned()));
    revoking.pass(600);
    revoking.keys.warm_up().await.unwrap();
    assert_eq!(revoking.ask(&a).await, 200);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_outlived_until_the_hard_age_and_then_it_is_503() {
    let a = key("a");
    let rig = Rig::new(ok(&[&a])).await;
    assert_eq!(rig.ask(&a).await, 200);
    rig.server.now(broken());
    rig.pass(601);
    assert_eq!(rig.ask(&a).await, 200, "stale");
    assert!(rig.keys.is_stale());
    rig.keys.warm_up().await.unwrap(); // Joins the fetch that fails.
    let hits = rig.server.hits();
    assert_eq!(rig.ask(&a).await, 200);
    assert_eq!(rig.server.hits(), hits, "no fetch within the pause");
    rig.pass(6 * 3600);
    let response = send(&rig.layer, request(&rig.token(&a))).await;
    assert_eq!(response.status, 503);
    assert_eq!(response.headers["retry-after"], "5");
    rig.server.now(ok(&[&a]));
    rig.pass(60);
    // The fetch goes beside the first request after the pause; its landing is waited for here.
    rig.keys.warm_up().await.unwrap();
    assert_eq!(rig.ask(&a).await, 200, "recovered");
    assert!(!rig.keys.is_stale());
}

#[tokio::test]
async fn an_endpoint_that_was_down_at_the_start_is_found_when_it_is_back() {
    let a = key("a");
    let rig = Rig::new(broken()).await;
    assert_eq!(rig.ask(&a).await, 503);
    assert_eq!(rig.ask(&a).await, 503);
    assert_eq!(rig.server.hits(), 1, "no fetch within the pause");
    rig.server.now(ok(&[&a]));
    rig.pass(1);
    assert_eq!(rig.ask(&a).await, 200);
}

#[tokio::test]
async fn a_port_without_a_listener_is_503_and_not_a_panic() {
    let rig = Rig::new(broken()).await;
    let url = rig.server.url();
    drop(rig);
    let keys = JwksUrl::builder(&url)
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    assert!(keys.warm_up().await.is_err());
}
