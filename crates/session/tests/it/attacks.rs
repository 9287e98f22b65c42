//! What an attacker tries with sessions, and what happens. The page on threats names each test.

use std::time::Duration;

use http::StatusCode;
use palisade_core::{Principal, testing::TestBody};
use palisade_session::{
    MemorySessionStore, SessionError, SessionLayer, SessionStore as _, Sessions,
};

use crate::support::{Browser, HOST, ann, bob, check_refused, send, sessions, sessions_with};

#[tokio::test]
async fn a_session_id_that_was_known_before_the_sign_in_opens_nothing_after_it() {
    let (sessions, _) = sessions();
    let planted = Browser::signed_in(&sessions, bob()).await;
    let (head, _) = planted.read().into_parts();
    let opened = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await
        .unwrap();
    let victim = Browser::with(&opened);
    assert_eq!(planted.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(victim.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn a_chosen_token_never_becomes_a_session() {
    let (sessions, _) = sessions();
    let chosen = Browser {
        cookie: format!("__Host-session={}", "A".repeat(43)),
        csrf: String::new(),
    };
    // The sign-in sees the chosen cookie, which must have no influence on the new token.
    let (head, _) = chosen.read().into_parts();
    let opened = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await
        .unwrap();
    assert_eq!(chosen.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        Browser::with(&opened).reads(&sessions).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_stolen_session_opens_no_other_one() {
    let store = MemorySessionStore::new();
    let (sessions, _) = sessions_with(store.clone(), |builder| builder);
    let stolen = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions.clone()), stolen.write()).await;
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.extensions = seen.extensions;
    let refused = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await
        .unwrap_err();
    assert_eq!(refused, SessionError::SignedIn);
    let refusal = palisade_core::Rejection::from(refused);
    assert_eq!(
        (refusal.status(), refusal.code()),
        (StatusCode::FORBIDDEN, "credential_kind")
    );
    // It stays the only one, and goes on to its own end.
    assert_eq!(store.len(), 1);
    assert_eq!(stolen.reads(&sessions).await, StatusCode::OK);
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

#[tokio::test]
async fn users_of_two_tenants_with_one_id_end_no_session_of_each_other() {
    let (sessions, _) = sessions();
    let of = |tenant: &str| Principal::builder("user", "ann").owner(tenant).build();
    let victim = Browser::signed_in(&sessions, of("acme")).await;
    assert!(sessions.list(&of("evil")).await.unwrap().is_empty());
    assert_eq!(sessions.end_all(&of("evil")).await, Ok(0));
    assert_eq!(victim.reads(&sessions).await, StatusCode::OK);
    assert_eq!(sessions.end_all(&of("acme")).await, Ok(1));
}
