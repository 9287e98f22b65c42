//! Signing in, and what an attacker's page can do with somebody else's cookie: nothing.

use std::time::Duration;

use http::{Method, StatusCode};
use palisade::api_key::{Environment, FileKeyStore, Grant, KeyScheme, Pepper};
use palisade::core::Clock;

use crate::support::{TestRequest, TestResponse, TestServer};

/// Signs in, and returns the cookie and the token against forgery.
async fn sign_in(server: &TestServer) -> (String, String) {
    let response = server
        .with_key(TestRequest::new(Method::POST, "/session"))
        .await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    (
        response.cookie(),
        response.json()["csrf"].as_str().unwrap().to_owned(),
    )
}

/// Makes another key beside the running server, which reads it.
pub(crate) async fn another_key(server: &TestServer, grant: Grant) -> String {
    let scheme = KeyScheme::new(Pepper::read_file(server.data().join("pepper")).unwrap());
    let minted = scheme.mint(grant, server.clock.unix_time()).unwrap();
    let keys = FileKeyStore::builder(server.data().join("keys.toml"))
        .on_report(|_| {})
        .unwatched()
        .open()
        .unwrap();
    keys.update(|table| table.insert(minted.record().clone()))
        .unwrap();
    server.reload().await;
    minted.key().to_owned()
}

/// A request as our own page sends it.
fn from_page(server: &TestServer, cookie: &str, csrf: &str) -> TestRequest {
    TestRequest::json("/tts", r#"{"text":"你好"}"#)
        .header("cookie", cookie)
        .header("x-csrf-token", csrf)
        .header(
            "origin",
            &format!("https://localhost:{}", server.https.port()),
        )
        .header("sec-fetch-site", "same-origin")
}

#[track_caller]
fn check_refused(response: &TestResponse, status: u16, code: &str) {
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (status, code),
        "{:?}",
        response.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_traded_for_a_cookie_that_scripts_cannot_read() {
    let server = TestServer::start().await;
    let response = server
        .with_key(TestRequest::new(Method::POST, "/session"))
        .await;
    let cookie = response.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(
        pair.starts_with("__Host-palisade=") && pair.len() == 16 + 43,
        "{pair}"
    );
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600"
    );
    assert_eq!(response.json()["expires_in"], 3600);
    assert_eq!(response.header("cache-control"), "no-store");
    assert!(
        server
            .key
            .contains(response.json()["key_id"].as_str().unwrap())
    );
    assert!(!String::from_utf8_lossy(&response.body).contains(&server.key));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_with_its_cookie_and_the_trail_says_how() {
    let server = TestServer::start().await;
    let (cookie, csrf) = sign_in(&server).await;
    let response = server.client.send(from_page(&server, &cookie, &csrf)).await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    let trail = server.finish().await;
    assert_eq!(
        trail.requests[1]["noted"][0]["value"], "session",
        "{}",
        trail.requests[1]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_loaded_anew_finds_its_session() {
    let server = TestServer::start().await;
    let guest = server.client.send(TestRequest::get("/session")).await;
    assert_eq!(
        (guest.status, guest.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    let (cookie, csrf) = sign_in(&server).await;
    server.clock.advance(Duration::from_secs(600));
    let response = server
        .client
        .send(TestRequest::get("/session").header("cookie", &cookie))
        .await;
    assert_eq!(response.json()["csrf"], csrf);
    assert_eq!(response.json()["expires_in"], 3000);
    assert!(!response.headers.contains_key("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_write_is_refused_whatever_it_lacks() {
    let server = TestServer::start().await;
    let (cookie, csrf) = sign_in(&server).await;
    let (_, of_another) = sign_in(&server).await;
    let own = format!("https://localhost:{}", server.https.port());
    let ask = || TestRequest::json("/tts", r#"{"text":"你好"}"#).header("cookie", &cookie);
    for (ask, code) in [
        (ask(), "cross_site"),
        (ask().header("x-csrf-token", &csrf), "cross_site"),
        (
            ask()
                .header("x-csrf-token", &csrf)
                .header("sec-fetch-site", "cross-site"),
            "cross_site",
        ),
        (
            ask()
                .header("x-csrf-token", &csrf)
                .header("sec-fetch-site", "same-site"),
            "cross_site",
        ),
        (
            ask().header("x-csrf-token", &csrf).header("origin", "null"),
            "cross_site",
        ),
        (
            ask()
                .header("x-csrf-token", &csrf)
                .header("origin", "https://evil.example"),
            "cross_site",
        ),
        (
            ask()
                .header("x-csrf-token", &csrf)
                .header("origin", "https://localhost:1"),
            "cross_site",
        ),
        (ask().header("origin", &own), "csrf_token"),
        (
            ask().header("origin", &own).header("x-csrf-token", ""),
            "csrf_token",
        ),
        (
            ask()
                .header("origin", &own)
                .header("x-csrf-token", &of_another),
            "csrf_token",
        ),
        (
            ask()
                .header("origin", &own)
                .header("x-csrf-token", cookie.split_once('=').unwrap().1),
            "csrf_token",
        ),
    ] {
        check_refused(&server.client.send(ask).await, 403, code);
    }
    let sign_out = TestRequest::new(Method::DELETE, "/session").header("cookie", &cookie);
    check_refused(&server.client.send(sign_out).await, 403, "cross_site");
    assert_eq!(
        server
            .client
            .send(from_page(&server, &cookie, &csrf))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_make_a_browser_speak_by_a_link() {
    let server = TestServer::start().await;
    let (cookie, _) = sign_in(&server).await;
    for site in ["cross-site", "same-site"] {
        let ask = TestRequest::speak("好")
            .header("cookie", &cookie)
            .header("sec-fetch-site", site);
        assert_eq!(
            server.client.send(ask).await.status,
            StatusCode::UNAUTHORIZED,
            "{site}"
        );
    }
    let ask = TestRequest::speak("好")
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(server.client.send(ask).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_time_by_signing_out_and_by_signing_in_again() {
    let server = TestServer::start().await;
    let (by_time, csrf_by_time) = sign_in(&server).await;
    server.clock.advance(Duration::from_secs(3600));
    let late = server
        .client
        .send(from_page(&server, &by_time, &csrf_by_time))
        .await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);

    let (cookie, csrf) = sign_in(&server).await;
    let again = server
        .with_key(TestRequest::new(Method::POST, "/session").header("cookie", &cookie))
        .await;
    assert_ne!(again.cookie(), cookie);
    assert_eq!(
        server
            .client
            .send(from_page(&server, &cookie, &csrf))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );

    let (cookie, csrf) = (
        again.cookie(),
        again.json()["csrf"].as_str().unwrap().to_owned(),
    );
    let sign_out = TestRequest::new(Method::DELETE, "/session")
        .header("cookie", &cookie)
        .header("x-csrf-token", &csrf)
        .header("sec-fetch-site", "same-origin");
    let out = server.client.send(sign_out).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        server
            .client
            .send(from_page(&server, &cookie, &csrf))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_takes_its_sessions_along() {
    let server = TestServer::start().await;
    let (cookie, csrf) = sign_in(&server).await;
    let path = server.data().join("keys.toml");
    let keys = FileKeyStore::builder(&path)
        .on_report(|_| {})
        .unwatched()
        .open()
        .unwrap();
    let id = keys.table().records()[0].id();
    keys.update(|table| table.revoke(id, Duration::from_secs(1)))
        .unwrap();
    let speak = async || server.client.send(from_page(&server, &cookie, &csrf)).await;
    assert_eq!(speak().await.status, StatusCode::OK);
    server.reload().await;
    assert_eq!(speak().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_opens_nothing() {
    let server = TestServer::start().await;
    let key = another_key(
        &server,
        Grant::new(Environment::Live).scopes(["else:where"]),
    )
    .await;
    for ask in [
        TestRequest::new(Method::POST, "/session"),
        TestRequest::get("/voices"),
        TestRequest::speak("好"),
    ] {
        let response = server.client.send(ask.header("x-api-key", &key)).await;
        check_refused(&response, 403, "insufficient_scope");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_prolong_itself() {
    let server = TestServer::start().await;
    let (cookie, csrf) = sign_in(&server).await;
    let ask = TestRequest::new(Method::POST, "/session")
        .header("cookie", &cookie)
        .header("x-csrf-token", &csrf)
        .header("sec-fetch-site", "same-origin");
    check_refused(&server.client.send(ask).await, 403, "credential_kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_shown_goes_before_a_cookie_and_two_cookies_are_refused() {
    let server = TestServer::start().await;
    let (cookie, _) = sign_in(&server).await;
    let both = TestRequest::json("/tts", r#"{"text":"好"}"#).header("cookie", &cookie);
    assert_eq!(server.with_key(both).await.status, StatusCode::OK);
    let twice = TestRequest::speak("好").header("cookie", &format!("{cookie}; {cookie}"));
    check_refused(
        &server.client.send(twice).await,
        400,
        "credentials_ambiguous",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_cookie_does_not_shut_the_page() {
    let server = TestServer::start().await;
    let stale = format!("__Host-palisade={}", "A".repeat(43));
    assert_eq!(
        server
            .client
            .send(TestRequest::get("/").header("cookie", &stale))
            .await
            .status,
        StatusCode::OK
    );
    let session = server
        .client
        .send(TestRequest::get("/session").header("cookie", &stale))
        .await;
    assert_eq!(session.status, StatusCode::NO_CONTENT);
}
