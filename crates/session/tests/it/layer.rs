//! What the layer does with requests, beside what attackers try.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use palisade_core::{
    AuthenticateLayer, Authenticator as _, CredentialState, Fact, Principal,
    testing::{TestAuthenticator, TestBody, poll_ready_contract, signed_in},
};
use palisade_session::{CurrentSession, MemorySessionStore, SessionLayer};

use crate::support::{Browser, HOST, ann, bob, send, sessions, sessions_with};

#[tokio::test]
async fn a_page_reads_and_writes_with_its_cookie() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::new(sessions);
    for request in [browser.read(), browser.write()] {
        let seen = send(layer.clone(), request).await;
        assert_eq!(
            (seen.status, seen.principal.as_deref()),
            (StatusCode::OK, Some("ann"))
        );
        let via = Fact::Noted {
            key: "via",
            value: "session".into(),
        };
        assert!(seen.facts.contains(&via));
    }
}

#[tokio::test]
async fn the_handler_sees_the_session_and_neither_its_cookie_nor_its_token() {
    let (sessions, _) = sessions();
    let mut browser = Browser::signed_in(&sessions, ann()).await;
    browser.cookie = format!("theme=dark; {}; lang=de", browser.cookie);
    let seen = send(SessionLayer::new(sessions.clone()), browser.write()).await;
    assert_eq!(seen.cookies, ["theme=dark; lang=de"]);
    assert!(!seen.has_csrf_header);
    let session = seen.session.unwrap();
    assert_eq!(session.csrf_token(), browser.csrf);
    assert_eq!(session.id(), sessions.list(&ann()).await.unwrap()[0].id);
    assert_eq!(session.lasts(), sessions.lifetime());
}

#[tokio::test]
async fn a_plain_form_of_the_service_needs_no_token_where_none_is_demanded() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let form = browser
        .request(Method::POST)
        .header("origin", "https://notes.example")
        .body(TestBody::default())
        .unwrap();
    let layer = SessionLayer::builder(sessions).without_csrf_token().build();
    assert_eq!(send(layer, form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_of_a_page_that_hides_its_address_passes() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let form = |site: Option<&str>| {
        let request = browser.request(Method::POST).header("origin", "null");
        let request = match site {
            Some(site) => request.header("sec-fetch-site", site),
            None => request,
        };
        request.body(TestBody::default()).unwrap()
    };
    let layer = SessionLayer::builder(sessions).without_csrf_token().build();
    let own = send(layer.clone(), form(Some("same-origin"))).await;
    assert_eq!(own.status, StatusCode::OK);
    // An old browser does not tell that it is the page of the service.
    assert_eq!(send(layer, form(None)).await.code, "cross_site");
}

#[tokio::test]
async fn a_write_passes_two_layers_of_the_same_sessions() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let stack = (
        SessionLayer::new(sessions.clone()),
        SessionLayer::new(sessions),
    );
    let seen = send(stack.clone(), browser.write()).await;
    assert_eq!(
        (seen.status, seen.principal.as_deref()),
        (StatusCode::OK, Some("ann")),
        "{}",
        seen.code
    );
    assert!(!seen.has_csrf_header && seen.session.is_some());
    let without = browser
        .request(Method::POST)
        .header("origin", "https://notes.example");
    let without = without.body(TestBody::default()).unwrap();
    assert_eq!(send(stack, without).await.code, "csrf_token");
}

#[tokio::test]
async fn a_session_before_a_layer_of_the_kind_of_its_principal_is_another_kind_of_credential() {
    let (sessions, _) = sessions();
    let of_kind = Principal::builder(TestAuthenticator::new().kind(), "ann").build();
    let browser = Browser::signed_in(&sessions, of_kind).await;
    let stack = (
        SessionLayer::new(sessions),
        AuthenticateLayer::new(TestAuthenticator::new()),
    );
    let seen = send(stack, browser.read()).await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (StatusCode::FORBIDDEN, "credential_kind")
    );
}

#[tokio::test]
async fn no_handler_sees_the_cookie_also_where_it_was_not_used() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let guests = SessionLayer::builder(sessions.clone()).optional().build();
    let both = AuthenticateLayer::builder()
        .authenticator(guests.clone())
        .authenticator(TestAuthenticator::new())
        .build()
        .unwrap();
    let token = |request: http::request::Builder| {
        let request = request.header("x-csrf-token", &browser.csrf);
        request.body(TestBody::default()).unwrap()
    };
    let foreign = browser
        .request(Method::GET)
        .header("sec-fetch-site", "cross-site");
    let second = Browser::signed_in(&sessions, ann()).await;
    let mut beside_key = token(second.request(Method::POST));
    beside_key.extensions_mut().insert(signed_in(bob()));
    let ended = Browser::signed_in(&sessions, ann()).await;
    let ended_request = token(ended.request(Method::GET));
    let (head, _) = ended.read().into_parts();
    let ends = sessions.end_shown(&head.headers, &head.extensions).await;
    assert_eq!(ends, Ok(true));
    for (case, seen) in [
        ("foreign read", send(guests.clone(), token(foreign)).await),
        ("beside a key", send(both, beside_key).await),
        ("ended", send(guests, ended_request).await),
    ] {
        assert_eq!(seen.status, StatusCode::OK, "{case}");
        assert!(seen.cookies.is_empty() && !seen.has_csrf_header, "{case}");
        // A handler can still end the session that the browser has.
        let empty = http::HeaderMap::new();
        let again = sessions.end_shown(&empty, &seen.extensions).await;
        assert_eq!(again, Ok(case != "ended"), "{case}");
    }
}

#[tokio::test]
async fn the_header_of_another_library_stays_without_a_session() {
    let (sessions, _) = sessions();
    let guests = SessionLayer::builder(sessions).optional().build();
    let request = Request::post("/notes").header("x-csrf-token", "of another library");
    let seen = send(guests, request.body(TestBody::default()).unwrap()).await;
    assert!(seen.has_csrf_header);
}

#[tokio::test]
async fn a_session_ends_by_age_by_rest_and_by_signing_out() {
    let (sessions, clock) = sessions_with(MemorySessionStore::new(), |builder| {
        builder
            .lifetime(Duration::from_secs(3600))
            .idle_timeout(Duration::from_secs(600))
    });
    let browser = Browser::signed_in(&sessions, ann()).await;
    for _ in 0..6 {
        clock.advance(Duration::from_secs(599));
        assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    }
    clock.advance(Duration::from_secs(6));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);

    let browser = Browser::signed_in(&sessions, ann()).await;
    clock.advance(Duration::from_secs(600));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);

    let browser = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions.clone()), browser.write()).await;
    sessions.end(&seen.session.unwrap()).await.unwrap();
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_old_cookie_makes_a_guest_and_no_failure() {
    let (sessions, _) = sessions();
    let old = Browser {
        cookie: format!("__Host-session={}", "A".repeat(43)),
        csrf: String::new(),
    };
    let layer = SessionLayer::builder(sessions).optional().build();
    let seen = send(layer, old.read()).await;
    assert_eq!((seen.status, seen.principal), (StatusCode::OK, None));
    assert!(seen.session.is_none());
}

#[tokio::test]
async fn a_link_of_another_site_keeps_the_user_signed_in_where_that_is_meant() {
    let (sessions, _) = sessions_with(
        MemorySessionStore::new(),
        palisade_session::SessionsBuilder::follow_links,
    );
    let browser = Browser::signed_in(&sessions, ann()).await;
    let foreign = |mode: &str, dest: &str| {
        browser
            .request(Method::GET)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", dest)
            .body(TestBody::default())
            .unwrap()
    };
    let layer = SessionLayer::new(sessions);
    let link = send(layer.clone(), foreign("navigate", "document")).await;
    assert_eq!(link.status, StatusCode::OK);
    for (mode, dest) in [
        ("navigate", "iframe"),
        ("no-cors", "image"),
        ("cors", "empty"),
    ] {
        let part = send(layer.clone(), foreign(mode, dest)).await;
        assert_eq!(part.status, StatusCode::UNAUTHORIZED, "{mode} {dest}");
    }
}

#[tokio::test]
async fn an_explicit_credential_goes_before_the_cookie() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let both = AuthenticateLayer::builder()
        .authenticator(SessionLayer::new(sessions))
        .authenticator(TestAuthenticator::new())
        .build()
        .unwrap();
    let mut request = browser
        .request(Method::POST)
        .body(TestBody::default())
        .unwrap();
    request.extensions_mut().insert(signed_in(bob()));
    let seen = send(both, request).await;
    assert_eq!(seen.principal.as_deref(), Some("bob"));
    assert!(seen.session.is_none());
}

#[tokio::test]
async fn what_outlives_its_request_ends_with_the_session() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::new(sessions.clone());
    let alone = AuthenticateLayer::new(layer.clone());
    let (mut head, _) = browser.read().into_parts();
    let cx = palisade_core::SecurityContext::find_or_create(&mut head);
    let palisade_core::Verdict::Later(admitted) =
        palisade_core::Guard::admit(&alone, &cx, &mut head)
    else {
        panic!("the store is asked");
    };
    admitted.await.unwrap();
    assert_eq!(alone.recheck(&cx).await, CredentialState::Valid);
    sessions.end_all(&ann()).await.unwrap();
    assert!(matches!(
        alone.recheck(&cx).await,
        CredentialState::Ended(_)
    ));
    assert_eq!(layer.kind(), "session");
}

#[tokio::test]
async fn what_a_websocket_carries_is_no_use_of_its_session() {
    let (sessions, clock) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let alone = AuthenticateLayer::new(SessionLayer::new(sessions));
    let (mut head, _) = browser.read().into_parts();
    let cx = palisade_core::SecurityContext::find_or_create(&mut head);
    let admitted = palisade_core::Guard::admit(&alone, &cx, &mut head);
    assert!(admitted.get().await.is_ok());
    for _ in 0..2 {
        assert_eq!(alone.recheck(&cx).await, CredentialState::Valid);
        clock.advance(Duration::from_secs(900));
    }
    assert!(matches!(
        alone.recheck(&cx).await,
        CredentialState::Ended(_)
    ));
}

#[tokio::test]
async fn a_response_of_a_session_is_not_for_a_cache() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::builder(sessions).optional().build();
    let seen = send(layer.clone(), browser.read()).await;
    assert_eq!(seen.headers["cache-control"], "no-store");
    let guest = Request::get("/").body(TestBody::default()).unwrap();
    let seen = send(layer, guest).await;
    assert!(!seen.headers.contains_key("cache-control"));
}

#[tokio::test]
async fn a_foreign_write_is_that_of_a_guest_where_that_is_meant() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let foreign = |method: Method| {
        let request = browser
            .request(method)
            .header("origin", "https://login.example");
        request.header("sec-fetch-site", "same-site")
    };
    let write = || foreign(Method::POST).body(TestBody::default()).unwrap();
    let default = SessionLayer::builder(sessions.clone()).optional().build();
    assert_eq!(send(default, write()).await.code, "cross_site");
    let layer = SessionLayer::builder(sessions.clone()).foreign_writes_as_guest();
    let layer = layer.optional().build();
    let seen = send(layer.clone(), write()).await;
    assert_eq!((seen.status, seen.principal), (StatusCode::OK, None));
    assert!(seen.session.is_none() && seen.cookies.is_empty());
    let strict = SessionLayer::builder(sessions.clone())
        .foreign_writes_as_guest()
        .build();
    assert_eq!(send(strict, write()).await.code, "unauthenticated");
    // A page of another site opens no WebSocket, not even as a guest.
    let upgrade = foreign(Method::GET).header("upgrade", "websocket");
    let upgrade = upgrade.body(TestBody::default()).unwrap();
    assert_eq!(send(layer.clone(), upgrade).await.code, "cross_site");
    let seen = send(layer, browser.write()).await;
    assert_eq!(
        seen.principal.as_deref(),
        Some("ann"),
        "the page of the service itself"
    );
}

#[tokio::test]
async fn in_shadow_nothing_is_taken_from_the_request() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let shadow = AuthenticateLayer::builder()
        .authenticator(SessionLayer::new(sessions))
        .dangerously_only_shadow()
        .build()
        .unwrap();
    let seen = send(shadow, browser.write()).await;
    assert_eq!(seen.cookies, [browser.cookie]);
    assert!(seen.has_csrf_header && seen.session.is_none());
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let (sessions, _) = sessions();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let browser = runtime.block_on(Browser::signed_in(&sessions, ann()));
    poll_ready_contract(SessionLayer::new(sessions), || browser.read());
}

#[tokio::test]
async fn clones_are_one_instance_and_another_layer_of_the_same_sessions_asks_again() {
    let (sessions, _) = sessions();
    let (one, other) = (
        SessionLayer::new(sessions.clone()),
        SessionLayer::new(sessions),
    );
    assert_eq!(one.id(), one.clone().id());
    assert_ne!(one.id(), other.id());
}

#[test]
fn without_a_layer_there_is_no_session() {
    let request = Request::get("/").header("host", HOST).body(()).unwrap();
    assert!(CurrentSession::of(request.extensions()).is_none());
}
