//! Responses of an endpoint that are not taken.

use std::time::Duration;

use http::StatusCode;
use palisade_jwt::{JwksUrl, JwtBuildError};

use crate::{
    jwks::{Rig, broken, key},
    jwks_server::{ServedResponse, Server, ok, raw, secure, set},
};

/// What the endpoint says is not taken, and the client gets 503.
async fn check_refused(response: ServedResponse) {
    let a = key("a");
    let rig = Rig::new(response).await;
    assert_eq!(rig.ask(&a).await, 503);
    assert!(rig.keys.known().is_none());
}

#[tokio::test]
async fn a_500_with_a_key_set_in_it_is_not_read() {
    check_refused(broken()).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let a = key("a");
    let other = Server::start(ok(&[&a])).await;
    let headers = vec![("location", other.url())];
    for status in [StatusCode::FOUND, StatusCode::PERMANENT_REDIRECT] {
        check_refused(ServedResponse::Say(status, headers.clone(), set(&[&a]))).await;
    }
    assert_eq!(other.hits(), 0);
}

#[tokio::test]
async fn a_response_of_ten_megabytes_is_cut_off() {
    let large = format!(
        r#"{{"keys":[{}],"x":"{}"}}"#,
        key("a").public_jwk().unwrap(),
        "x".repeat(10 << 20)
    );
    check_refused(ServedResponse::Say(StatusCode::OK, vec![], large)).await;
}

#[tokio::test]
async fn a_response_that_is_no_key_set_is_not_used() {
    for text in [
        "",
        "<html>",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":[1,null]}"#,
        "\u{0}",
        r#"{"keys":[],"keys":[]}"#,
    ] {
        check_refused(ServedResponse::Say(StatusCode::OK, vec![], text.to_owned())).await;
    }
}

// Time stands still but where everyone waits: then it jumps to the next deadline.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_is_given_up_at_the_deadline() {
    let a = key("a");
    let rig = Rig::new(ServedResponse::Hang).await;
    let before = tokio::time::Instant::now();
    assert_eq!(rig.ask(&a).await, 503);
    assert!(
        before.elapsed() <= Duration::from_secs(6),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up_at_the_deadline() {
    let address = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    let url = format!("http://{address}/jwks");
    let keys = JwksUrl::builder(&url)
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    assert!(keys.warm_up().await.is_err());
}

#[tokio::test]
async fn a_response_that_is_no_http_is_not_used() {
    for bytes in [
        &b"\x15\x03\x03\x00\x02\x02\x28"[..],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ] {
        let url = format!("http://{}/jwks", raw(bytes).await);
        let keys = JwksUrl::builder(&url)
            .dangerously_allow_loopback_http()
            .build()
            .unwrap();
        assert!(keys.warm_up().await.is_err());
    }
}

#[tokio::test]
async fn over_tls_the_certificate_is_judged() {
    let (a, stranger) = (key("a"), key("b"));
    let (address, pem) = secure(set(&[&a])).await;
    let (_, other_pem) = secure(set(&[&stranger])).await;
    let known = async |host: &str, pem: String| {
        let url = format!("https://{host}:{}/jwks", address.port());
        let keys = JwksUrl::builder(&url).trust_anchors(pem).build().unwrap();
        keys.warm_up().await.is_ok()
    };
    assert!(known("localhost", pem.clone()).await);
    assert!(
        !known("127.0.0.1", pem.clone()).await,
        "another name than the certificate's"
    );
    assert!(
        !known("localhost", other_pem).await,
        "vouched for by someone else"
    );
    let no_anchor = JwksUrl::builder("https://login.example/")
        .trust_anchors("")
        .build();
    assert!(matches!(no_anchor, Err(JwtBuildError::TrustAnchors)));
}
