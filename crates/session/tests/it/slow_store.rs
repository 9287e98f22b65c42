//! A store on a network: replies come later, or not.

use http::StatusCode;
use palisade_core::{
    AuthenticateLayer,
    testing::{TestAuthenticator, signed_in},
};
use palisade_session::{MemorySessionStore, SessionError, SessionLayer};

use crate::support::{Browser, SlowStore, ann, bob, send, sessions_with};

fn store(is_away: bool) -> SlowStore {
    SlowStore {
        inner: MemorySessionStore::new(),
        is_away,
    }
}

#[tokio::test]
async fn a_session_of_a_slow_store_reaches_the_handler() {
    let (sessions, _) = sessions_with(store(false), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions), browser.write()).await;
    assert_eq!(seen.principal.as_deref(), Some("ann"));
    assert_eq!(seen.session.unwrap().csrf_token(), browser.csrf);
}

#[tokio::test]
async fn an_old_cookie_that_only_the_store_knows_is_none() {
    let (sessions, _) = sessions_with(store(false), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    sessions.end_all(&ann()).await.unwrap();
    let guests = SessionLayer::builder(sessions.clone()).optional().build();
    let seen = send(guests, browser.read()).await;
    assert_eq!((seen.status, seen.principal), (StatusCode::OK, None));
    assert!(seen.session.is_none());
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_store_that_is_away_admits_nobody() {
    let away = store(true);
    let (sessions, _) = sessions_with(away.inner.clone(), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let (without, _) = sessions_with(away, |builder| builder);
    let guests = SessionLayer::builder(without.clone()).optional().build();
    let seen = send(guests, browser.read()).await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
    let unavailable = SessionError::unavailable("connection refused");
    assert_eq!(without.open(ann()).await.unwrap_err(), unavailable);
    assert_eq!(without.end_all(&ann()).await, Err(unavailable));
}

#[tokio::test]
async fn an_old_cookie_opens_no_inner_layer_of_another_kind() {
    let (sessions, _) = sessions_with(store(false), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    sessions.end_all(&ann()).await.unwrap();
    let mut request = browser.read();
    request.extensions_mut().insert(signed_in(bob()));
    // The outer layer reads another credential; the inner one only sessions.
    let outer = AuthenticateLayer::new(TestAuthenticator::new());
    let inner = SessionLayer::new(sessions);
    let guards = palisade_core::GuardLayer((outer, inner));
    let service = tower::Layer::layer(&guards, palisade_core::testing::EmptyOk::default());
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_of_a_slow_store_ends_when_its_cookie_came_without_tls() {
    let (sessions, _) = sessions_with(store(false), |builder| builder);
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = palisade_core::AuthenticateLayer::new(SessionLayer::new(sessions.clone()));
    let (mut head, _) = browser.read().into_parts();
    let cx = palisade_core::SecurityContext::find_or_create(&mut head);
    assert!(layer.record_exposed(&cx, &mut head));
    // The runtime has one thread: the task has ended when it was polled three times.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sessions.list(&ann()).await.unwrap(), []);
}
