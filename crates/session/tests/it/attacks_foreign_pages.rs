//! Requests that a page of another site makes the browser of a signed-in user send.

use http::{Method, StatusCode};
use palisade_core::testing::TestBody;
use palisade_session::SessionLayer;

use crate::support::{Browser, ORIGIN, ann, check_refused, send, sessions};

#[tokio::test]
async fn a_refused_write_of_a_genuine_session_is_no_guess() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let of_a_sibling = browser
        .request(Method::POST)
        .header("origin", "https://evil.notes.example");
    let without_token = browser.request(Method::POST).header("origin", ORIGIN);
    for (request, code) in [(of_a_sibling, "cross_site"), (without_token, "csrf_token")] {
        let request = request.body(TestBody::default()).unwrap();
        let seen = send(SessionLayer::new(sessions.clone()), request).await;
        check_refused(&seen, 403, code);
        assert_eq!(seen.guesses, 0, "{code}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_writes_nothing() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    // Without the token too: plain forms of the service itself cannot send it.
    for layer in [
        SessionLayer::new(sessions.clone()),
        SessionLayer::builder(sessions.clone())
            .without_csrf_token()
            .build(),
    ] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "of-the-future"),
            ("origin", "https://evil.example"),
            ("origin", "https://evil.notes.example"),
            ("origin", "http://notes.example"),
            ("origin", "https://notes.example.evil.example"),
            ("origin", "null"),
            ("x-nothing", "at all"),
        ] {
            let request = browser
                .request(Method::POST)
                .header(name, value)
                .body(TestBody::default())
                .unwrap();
            check_refused(&send(layer.clone(), request).await, 403, "cross_site");
        }
    }
}

#[tokio::test]
async fn both_words_of_the_browser_must_agree() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    for (site, origin) in [
        ("same-origin", "https://evil.example"),
        ("cross-site", ORIGIN),
        ("cross-site", "null"),
        ("same-site", "null"),
        ("none", "null"),
    ] {
        let request = browser
            .request(Method::POST)
            .header("sec-fetch-site", site)
            .header("origin", origin)
            .header("x-csrf-token", &browser.csrf)
            .body(TestBody::default())
            .unwrap();
        let layer = SessionLayer::new(sessions.clone());
        check_refused(&send(layer, request).await, 403, "cross_site");
    }
}

#[tokio::test]
async fn a_write_without_the_token_of_its_session_is_refused() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let other = Browser::signed_in(&sessions, ann()).await;
    let value = browser.cookie.split_once('=').unwrap().1.to_owned();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for wrong in ["", "x", other.csrf.as_str(), &value] {
            let request = browser
                .request(method.clone())
                .header("origin", ORIGIN)
                .header("x-csrf-token", wrong)
                .body(TestBody::default())
                .unwrap();
            let layer = SessionLayer::new(sessions.clone());
            check_refused(&send(layer, request).await, 403, "csrf_token");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_websocket_with_the_cookie() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let websocket = |origin: &str| {
        browser
            .request(Method::GET)
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("origin", origin)
            .body(TestBody::default())
            .unwrap()
    };
    let layer = SessionLayer::new(sessions.clone());
    let foreign = send(layer.clone(), websocket("https://evil.example")).await;
    check_refused(&foreign, 403, "cross_site");
    assert_eq!(send(layer, websocket(ORIGIN)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_or_an_image_of_another_site_reads_nothing_as_the_user() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    for site in ["cross-site", "same-site", "of-the-future"] {
        let request = browser
            .request(Method::GET)
            .header("sec-fetch-site", site)
            .body(TestBody::default())
            .unwrap();
        let seen = send(SessionLayer::new(sessions.clone()), request).await;
        check_refused(&seen, 401, "unauthenticated");
    }
}
