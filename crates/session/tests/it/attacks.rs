//! What an attacker tries with sessions, and what happens. The page on threats names each test.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use palisade_core::{MaybeReady, Principal, testing::TestBody};
use palisade_session::{
    CheckError, CheckReply, MemorySessionStore, PrincipalCheck, SessionError, SessionLayer,
    SessionStore as _, Sessions,
};

use crate::support::{
    Browser, HOST, ORIGIN, Seen, SteppingClock, ann, bob, send, sessions, sessions_with,
};

#[track_caller]
fn check_refused(seen: &Seen, status: u16, code: &str) {
    assert_eq!(
        (seen.status.as_u16(), seen.code.as_str()),
        (status, code),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_session_id_that_was_known_before_the_sign_in_opens_nothing_after_it() {
    let (sessions, _) = sessions();
    let planted = Browser::signed_in(&sessions, bob()).await;
    let head = planted.read();
    sessions
        .end_shown(head.headers(), head.extensions())
        .await
        .unwrap();
    let victim = Browser::signed_in(&sessions, ann()).await;
    assert_ne!(victim.cookie, planted.cookie);
    assert_eq!(planted.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(victim.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn a_session_opens_no_other_session() {
    let (sessions, _) = sessions();
    let stolen = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions.clone()), stolen.write()).await;
    let (mut head, _) = stolen.write().into_parts();
    head.extensions = seen.extensions;
    let again = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await;
    assert_eq!(again.unwrap_err(), SessionError::SignedIn);
    assert_eq!(sessions.list(&ann()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_has() {
    let (sessions, _) = sessions();
    let before = Browser::signed_in(&sessions, ann()).await;
    let head = before.read();
    let opened = sessions
        .sign_in(head.headers(), head.extensions(), ann())
        .await;
    assert_eq!(before.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        Browser::with(&opened.unwrap()).reads(&sessions).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_session_ends_with_the_credential_that_opened_it() {
    let (sessions, clock) = sessions();
    let expires = Duration::from_secs(1_700_000_000 + 600);
    let brief = || Principal::builder("user", "ann").expires(expires).build();
    let opened = sessions.open(brief()).await.unwrap();
    assert_eq!(opened.lasts(), Duration::from_secs(600));
    let browser = Browser::with(&opened);
    clock.advance(Duration::from_secs(599));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        sessions.open(brief()).await.unwrap_err(),
        SessionError::Ended
    );
}

#[tokio::test]
async fn a_refused_write_of_a_session_is_no_guess() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let alone = palisade_core::AuthenticateLayer::new(SessionLayer::new(sessions));
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", ORIGIN)] {
        let request = browser.request(Method::POST).header(name, value);
        let (mut head, _) = request.body(TestBody::default()).unwrap().into_parts();
        let cx = palisade_core::SecurityContext::find_or_create(&mut head);
        let palisade_core::Verdict::Later(verdict) =
            palisade_core::Guard::admit(&alone, &cx, &mut head)
        else {
            panic!("the store is asked");
        };
        assert_eq!(verdict.await.unwrap_err().status(), StatusCode::FORBIDDEN);
        assert_eq!(
            cx.with_observations(palisade_core::Observations::guesses),
            0
        );
    }
}

#[tokio::test]
async fn a_chosen_token_never_becomes_a_session() {
    let (sessions, _) = sessions();
    let chosen = Browser {
        cookie: format!("__Host-session={}", "A".repeat(43)),
        csrf: String::new(),
    };
    let opened = Browser::signed_in(&sessions, ann()).await;
    assert_ne!(opened.cookie, chosen.cookie);
    assert_eq!(chosen.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_token_of_before_a_change_of_rights_opens_nothing() {
    let (sessions, _) = sessions();
    let before = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions.clone()), before.read()).await;
    let current = seen.session.unwrap();
    let more = Principal::builder("user", "ann")
        .scopes(["notes:read", "notes:delete"])
        .build();
    let after = Browser::with(&sessions.renew(&current, more.clone()).await.unwrap());
    assert_eq!(before.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(after.reads(&sessions).await, StatusCode::OK);
    assert_ne!(before.csrf, after.csrf);
    // A second renewal of the same session: two tabs, or a thief.
    let again = sessions.renew(&current, more).await;
    assert_eq!(again.unwrap_err(), SessionError::Ended);
}

#[tokio::test]
async fn rights_that_grew_behind_a_session_end_it() {
    #[derive(Debug)]
    struct Promoted;
    impl PrincipalCheck for Promoted {
        fn check(&self, _: &Principal, _: Option<IpAddr>) -> CheckReply {
            let more = Principal::builder("user", "ann").scopes(["notes:read", "admin"]);
            MaybeReady::Ready(Ok(more.build()))
        }
    }
    let store = MemorySessionStore::new();
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::builder(sessions).check(Promoted).build();
    check_refused(&send(layer, browser.read()).await, 401, "unauthenticated");
    assert!(store.is_empty());
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
        for content_type in [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
            "text/plain",
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
                    .header("content-type", content_type)
                    .header(name, value)
                    .body(TestBody::default())
                    .unwrap();
                check_refused(&send(layer.clone(), request).await, 403, "cross_site");
            }
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
    // A page without referrers sends `null`, and the browser tells that it is the service's own.
    let request = browser
        .request(Method::POST)
        .header("sec-fetch-site", "same-origin")
        .header("origin", "null")
        .header("x-csrf-token", &browser.csrf)
        .body(TestBody::default())
        .unwrap();
    let layer = SessionLayer::new(sessions);
    assert_eq!(send(layer, request).await.status, StatusCode::OK);
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

#[tokio::test]
async fn a_cookie_that_a_sub_domain_planted_has_another_name() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let planted = Browser::signed_in(&sessions, bob()).await;
    let token = planted.cookie.split_once('=').unwrap().1;
    // What a sub-domain can set for the domain: any name without the prefix.
    for name in [
        "session",
        "__host-session",
        "__Host-session2",
        "\u{a0}__Host-session",
    ] {
        let cookies = format!("{name}={token}; {}", browser.cookie);
        let request = http::Request::get("/notes")
            .header("host", HOST)
            .header("cookie", cookies.as_bytes())
            .body(TestBody::default())
            .unwrap();
        let layer = SessionLayer::new(sessions.clone());
        let status_and_user = send_raw(layer, request).await;
        assert_eq!(
            status_and_user,
            (StatusCode::OK, Some("ann".to_owned())),
            "{name}"
        );
    }
}

/// As `send`, for cookies that are no text.
async fn send_raw(
    layer: SessionLayer,
    request: http::Request<TestBody>,
) -> (StatusCode, Option<String>) {
    use tower::{Layer as _, ServiceExt as _};
    let handler = tower::service_fn(async |request: http::Request<TestBody>| {
        let cx = palisade_core::SecurityContext::of(request.extensions()).unwrap();
        let user = cx.principal().map(|who| who.id().to_owned());
        let mut response = http::Response::new(TestBody::default());
        response.extensions_mut().insert(user);
        Ok::<_, std::convert::Infallible>(response)
    });
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let user = response.extensions().get::<Option<String>>().cloned();
    (response.status(), user.flatten())
}

#[tokio::test]
async fn two_cookies_of_the_name_are_refused() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let other = Browser::signed_in(&sessions, bob()).await;
    for cookies in [
        format!("{}; {}", browser.cookie, other.cookie),
        format!("{}; {}", browser.cookie, browser.cookie),
        format!("__Host-session=; {}", browser.cookie),
    ] {
        let both = Browser {
            cookie: cookies,
            csrf: String::new(),
        };
        let seen = send(SessionLayer::new(sessions.clone()), both.read()).await;
        check_refused(&seen, 400, "credentials_ambiguous");
    }
}

/// Knows one user, until the account is closed.
#[derive(Clone, Debug, Default)]
struct Account {
    is_closed: Arc<AtomicBool>,
}

impl PrincipalCheck for Account {
    fn check(&self, principal: &Principal, _: Option<IpAddr>) -> CheckReply {
        MaybeReady::Ready(match self.is_closed.load(Ordering::Relaxed) {
            true => Err(CheckError::ended("the account is closed")),
            false => Ok(principal.clone()),
        })
    }
}

#[tokio::test]
async fn a_session_ends_with_the_right_of_its_principal() {
    let (account, store) = (Account::default(), MemorySessionStore::new());
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::builder(sessions)
        .check(account.clone())
        .build();
    assert_eq!(
        send(layer.clone(), browser.read()).await.status,
        StatusCode::OK
    );
    account.is_closed.store(true, Ordering::Relaxed);
    let seen = send(layer.clone(), browser.read()).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    let clears = seen.headers["set-cookie"].to_str().unwrap();
    assert!(
        clears.starts_with("__Host-session=;") && clears.ends_with("Max-Age=0"),
        "{clears}"
    );
    // It does not come back with the account.
    account.is_closed.store(false, Ordering::Relaxed);
    check_refused(&send(layer, browser.read()).await, 401, "unauthenticated");
    assert!(store.is_empty());
}

#[tokio::test]
async fn a_principal_that_cannot_be_checked_is_refused_and_keeps_its_session() {
    #[derive(Debug)]
    struct Away;
    impl PrincipalCheck for Away {
        fn check(&self, _: &Principal, _: Option<IpAddr>) -> CheckReply {
            MaybeReady::Ready(Err(CheckError::unavailable("no connection")))
        }
    }
    let store = MemorySessionStore::new();
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = SessionLayer::builder(sessions).check(Away).build();
    let seen = send(layer, browser.read()).await;
    check_refused(&seen, 503, "unavailable");
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_no_session() {
    let clock = SteppingClock::default();
    let sessions = clock.sessions(MemorySessionStore::new());
    let browser = Browser::signed_in(&sessions, ann()).await;
    clock.manual.advance(Duration::from_secs(1799));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    clock.set_back(Duration::from_secs(3600));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    clock.manual.advance(Duration::from_secs(1800));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_was_opened_by_a_clock_ahead_ends_when_the_clock_is_right_again() {
    let (store, clock) = (MemorySessionStore::new(), SteppingClock::default());
    let browser = Browser::signed_in(&clock.sessions(store.clone()), ann()).await;
    clock.set_back(Duration::from_secs(1_000_000));
    // Another process, or this one after a restart, with the right time.
    let right = clock.sessions(store);
    assert_eq!(browser.reads(&right).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_principal_takes_no_place_of_others() {
    let store = MemorySessionStore::builder()
        .capacity(20)
        .per_owner(8)
        .build();
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let victim = Browser::signed_in(&sessions, ann()).await;
    for _ in 0..100 {
        drop(sessions.open(bob()).await.unwrap());
    }
    assert_eq!(store.len(), 9);
    assert_eq!(victim.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn a_full_store_signs_nobody_out_and_says_so() {
    let store = MemorySessionStore::builder().capacity(3).build();
    let (sessions, clock) = sessions_with(store, |builder| builder);
    let user = |index: usize| Principal::builder("user", index.to_string()).build();
    for index in 0..2 {
        drop(sessions.open(user(index)).await.unwrap());
    }
    let browser = Browser::signed_in(&sessions, user(2)).await;
    assert_eq!(
        sessions.open(user(3)).await.unwrap_err(),
        SessionError::Full
    );
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    // Who has a place already gets in, in place of its own session.
    assert!(sessions.open(user(0)).await.is_ok());
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    clock.advance(Duration::from_secs(1800));
    assert!(sessions.open(user(3)).await.is_ok());
}

#[tokio::test]
async fn a_store_knows_digests_alone_so_the_time_of_a_look_up_tells_nothing_of_a_token() {
    let store = MemorySessionStore::new();
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let token = browser.cookie.split_once('=').unwrap().1.to_owned();
    let owner = palisade_session::SessionOwner::of(&ann());
    let kept = store.list(owner).get().await.unwrap();
    let (digest, record) = &kept[0];
    assert!(!format!("{store:?} {sessions:?} {digest:?} {record:?}").contains(&token));
    // A token that shares its first 42 characters has another digest altogether.
    let last = if token.ends_with('A') { 'E' } else { 'A' };
    let near = format!("__Host-session={}{last}", &token[..42]);
    let near = Browser {
        cookie: near,
        csrf: String::new(),
    };
    assert_eq!(near.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    // What the store has is no token.
    let as_token = Browser {
        cookie: format!("__Host-session={}", digest.id()),
        csrf: String::new(),
    };
    assert_eq!(as_token.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another_by_its_id() {
    let (sessions, _) = sessions();
    let victim = Browser::signed_in(&sessions, ann()).await;
    let id = sessions.list(&ann()).await.unwrap()[0].id.clone();
    assert!(!sessions.end_one(&bob(), &id).await.unwrap());
    assert_eq!(victim.reads(&sessions).await, StatusCode::OK);
    assert!(sessions.end_one(&ann(), &id).await.unwrap());
    assert_eq!(victim.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[test]
fn every_cookie_is_secure_unreadable_and_of_this_host_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for follow_links in [false, true] {
        let (sessions, _) =
            sessions_with(MemorySessionStore::new(), |builder| match follow_links {
                true => builder.follow_links(),
                false => builder,
            });
        let opened = runtime.block_on(sessions.open(ann())).unwrap();
        for cookie in [opened.set_cookie(), sessions.clear_cookie()] {
            let cookie = cookie.to_str().unwrap();
            let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
            let same_site = ["SameSite=Strict", "SameSite=Lax"][usize::from(follow_links)];
            for needed in ["HttpOnly", "Secure", "Path=/", same_site] {
                assert!(attributes.contains(&needed), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
    assert!(
        Sessions::builder(MemorySessionStore::new())
            .cookie_name("id")
            .build()
            .is_err()
    );
}
