//! When sessions end: with their credential, and by clocks that are wrong.

use std::time::Duration;

use http::StatusCode;
use palisade_core::{Clock as _, Principal};
use palisade_session::{MemorySessionStore, SessionError, SessionLayer};

use crate::support::{Browser, SteppingClock, ann, send, sessions};

#[tokio::test]
async fn a_session_ends_with_the_credential_that_opened_it() {
    let (sessions, clock) = sessions();
    let minute = Duration::from_secs(60);
    let token = Principal::builder("jwt", "ann").expires(clock.unix_time() + minute);
    let token = token.build();
    let opened = sessions.open(token.clone()).await.unwrap();
    assert_eq!(opened.lasts(), minute);
    let browser = Browser::with(&opened);
    let seen = send(SessionLayer::new(sessions.clone()), browser.read()).await;
    let current = seen.session.unwrap();
    clock.advance(minute - Duration::from_nanos(1));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    let other = sessions.renew(&current, ann()).await.unwrap();
    clock.advance(Duration::from_nanos(1));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    let expired = SessionError::CredentialExpired;
    assert_eq!(sessions.open(token.clone()).await.unwrap_err(), expired);
    let renewed = Browser::with(&other);
    let seen = send(SessionLayer::new(sessions.clone()), renewed.read()).await;
    let again = sessions.renew(&seen.session.unwrap(), token).await;
    assert_eq!(again.unwrap_err(), expired);
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
async fn a_process_whose_clock_is_ahead_ends_no_session_of_others() {
    let (store, clock) = (MemorySessionStore::new(), SteppingClock::default());
    let right = clock.sessions(store.clone());
    let browser = Browser::signed_in(&right, ann()).await;
    let ahead = SteppingClock::default();
    ahead.manual.advance(Duration::from_secs(1_000_000));
    let ahead = ahead.sessions(store);
    assert_eq!(browser.reads(&ahead).await, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.reads(&right).await, StatusCode::OK);
}

#[test]
fn what_has_ended_is_refused_as_a_missing_credential() {
    for error in [SessionError::Ended, SessionError::CredentialExpired] {
        let refusal = palisade_core::Rejection::from(error);
        assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
        assert!(!refusal.credential_failure().is_guess());
    }
}

#[tokio::test]
async fn a_session_whose_cookie_came_without_tls_ends() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let layer = palisade_core::AuthenticateLayer::new(SessionLayer::new(sessions.clone()));
    let (mut head, _) = browser.read().into_parts();
    let cx = palisade_core::SecurityContext::find_or_create(&mut head);
    let id = sessions.list(&ann()).await.unwrap()[0].id.clone();
    assert!(layer.record_exposed(&cx, &mut head));
    let exposed = palisade_core::Fact::CredentialExposed {
        kind: "session".into(),
        id: Some(id.as_str().into()),
    };
    assert_eq!(cx.facts(), [exposed]);
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}
