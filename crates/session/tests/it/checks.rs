//! Sessions whose principal changes behind them.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::StatusCode;
use palisade_core::{MaybeReady, Principal};
use palisade_session::{
    CheckError, CheckReply, MemorySessionStore, PrincipalCheck, SessionLayer, SessionRecord,
};

use crate::support::{Browser, ann, check_refused, send, sessions, sessions_with};

#[tokio::test]
async fn rights_that_grew_behind_a_session_end_it() {
    #[derive(Debug)]
    struct Promoted;
    impl PrincipalCheck for Promoted {
        fn check(&self, _: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
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

/// Knows one user, until the account is closed.
#[derive(Clone, Debug, Default)]
struct Account {
    is_closed: Arc<AtomicBool>,
}

impl PrincipalCheck for Account {
    fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
        MaybeReady::Ready(match self.is_closed.load(Ordering::Relaxed) {
            true => Err(CheckError::ended("the account is closed")),
            false => Ok(session.principal.clone()),
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
    // An older request must not remove the cookie of a newer sign-in, whose response came before.
    assert!(!seen.headers.contains_key("set-cookie"));
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
        fn check(&self, _: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
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
async fn a_check_that_refuses_for_now_keeps_the_session() {
    #[derive(Clone, Debug, Default)]
    struct Network(Arc<AtomicBool>);
    impl PrincipalCheck for Network {
        fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
            MaybeReady::Ready(match self.0.load(Ordering::Relaxed) {
                true => Ok(session.principal.clone()),
                false => Err(CheckError::refused("not from this network")),
            })
        }
    }
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let network = Network::default();
    let layer = SessionLayer::builder(sessions).check(network.clone());
    let layer = layer.build();
    let seen = send(layer.clone(), browser.read()).await;
    check_refused(&seen, 401, "unauthenticated");
    assert!(!seen.headers.contains_key("set-cookie") && seen.guesses == 0);
    network.0.store(true, Ordering::Relaxed);
    assert_eq!(send(layer, browser.read()).await.status, StatusCode::OK);
}
