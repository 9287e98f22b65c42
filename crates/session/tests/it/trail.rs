//! What the audit trail gets of sessions.

use std::sync::{Arc, Mutex};

use http::{Method, Request};
use palisade_core::{Fact, SecurityContext, testing::TestBody};
use palisade_session::{
    EndedBy, MemorySessionStore, SessionError, SessionId, SessionLayer, SessionOwner, SessionsEnded,
};

use crate::support::{Browser, ann, bob, send, sessions, sessions_with};

#[tokio::test]
async fn the_trail_names_the_session_also_of_a_refused_write() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let id = sessions.list(&ann()).await.unwrap()[0].id.clone();
    let noted = |key| Fact::Noted {
        key,
        value: id.as_str().to_owned().into(),
    };
    let forged = browser.request(Method::POST).body(TestBody::default());
    for request in [browser.read(), forged.unwrap()] {
        let seen = send(SessionLayer::new(sessions.clone()), request).await;
        assert!(seen.facts.contains(&noted("session")), "{:?}", seen.facts);
    }
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let opened = sessions
        .sign_in(&head.headers, &head.extensions, bob())
        .await
        .unwrap();
    let facts = cx.facts();
    let opened = Fact::Noted {
        key: "session_opened",
        value: opened.id().as_str().to_owned().into(),
    };
    assert!(facts.contains(&opened), "{facts:?}");
}

#[tokio::test]
async fn the_trail_has_renewal_end_and_sessions_that_gave_way() {
    let store = MemorySessionStore::builder().per_owner(1).build();
    let (sessions, _) = sessions_with(store, |builder| builder);
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let first = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await
        .unwrap();
    let second = sessions
        .sign_in(&head.headers, &head.extensions, ann())
        .await
        .unwrap();
    let noted = |key, id: &SessionId| Fact::Noted {
        key,
        value: id.as_str().to_owned().into(),
    };
    let facts = cx.facts();
    assert!(
        facts.contains(&noted("session_gave_way", first.id())),
        "{facts:?}"
    );
    let gave_way = |fact: &&Fact| {
        matches!(
            fact,
            Fact::Noted {
                key: "session_gave_way",
                ..
            }
        )
    };
    assert_eq!(facts.iter().filter(gave_way).count(), 1, "{facts:?}");

    let read = || async {
        let browser = Browser::with(&second);
        let seen = send(SessionLayer::new(sessions.clone()), browser.read()).await;
        let cx = SecurityContext::of(&seen.extensions).unwrap().clone();
        (seen.session.unwrap(), cx)
    };
    let (current, cx) = read().await;
    let renewed = sessions.renew(&current, ann()).await.unwrap();
    assert!(
        cx.facts()
            .contains(&noted("session_renewed_as", renewed.id()))
    );
    assert!(cx.facts().contains(&noted("session", second.id())));

    let browser = Browser::with(&renewed);
    let seen = send(SessionLayer::new(sessions.clone()), browser.read()).await;
    sessions.end(&seen.session.unwrap()).await.unwrap();
    let cx = SecurityContext::of(&seen.extensions).unwrap();
    assert!(cx.facts().contains(&noted("session_ended", renewed.id())));
}

#[tokio::test]
async fn a_full_store_is_told_in_the_trail_which_metrics_count() {
    let store = MemorySessionStore::builder().capacity(1).build();
    let (sessions, _) = sessions_with(store, |builder| builder);
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let full = Fact::Degraded {
        guard: "session",
        what: "sessions_full",
    };
    drop(
        sessions
            .sign_in(&head.headers, &head.extensions, ann())
            .await
            .unwrap(),
    );
    assert!(!cx.facts().contains(&full));
    let second = sessions
        .sign_in(&head.headers, &head.extensions, bob())
        .await;
    assert_eq!(second.unwrap_err(), SessionError::Full);
    assert!(cx.facts().contains(&full), "{:?}", cx.facts());
}

/// Sessions, and what `on_ended` was told of them.
fn told() -> (palisade_session::Sessions, Arc<Mutex<Vec<SessionsEnded>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&told);
    let on_ended = move |ended: &SessionsEnded| report.lock().unwrap().push(ended.clone());
    let store = MemorySessionStore::new();
    let (sessions, _) = sessions_with(store, |builder| builder.on_ended(on_ended));
    (sessions, told)
}

#[tokio::test]
async fn sessions_that_are_ended_by_name_or_all_together_are_told() {
    let (sessions, told) = told();
    let take = || {
        let all = std::mem::take(&mut *told.lock().unwrap());
        let parts = all.into_iter().map(|it| (it.owner, it.by, it.count));
        parts.collect::<Vec<_>>()
    };
    let browser = Browser::signed_in(&sessions, ann()).await;
    let other = sessions.open(ann()).await.unwrap();
    drop(sessions.open(ann()).await.unwrap());
    drop(sessions.open(bob()).await.unwrap());
    let of_bob = sessions.list(&bob()).await.unwrap()[0].id.clone();

    assert!(!sessions.end_one(&ann(), &of_bob).await.unwrap());
    assert_eq!(take(), [], "nothing ended");
    assert!(sessions.end_one(&ann(), other.id()).await.unwrap());
    assert_eq!(take(), [ended(EndedBy::Id(other.id().clone()), 1)]);

    let seen = send(SessionLayer::new(sessions.clone()), browser.read()).await;
    let current = seen.session.unwrap();
    assert_eq!(sessions.end_others(&ann(), &current).await, Ok(1));
    assert_eq!(take(), [ended(EndedBy::OthersThan(current.id()), 1)]);
    assert_eq!(sessions.end_others(&ann(), &current).await, Ok(0));
    assert_eq!(take(), [], "there was no other one");
    assert_eq!(sessions.end_all(&ann()).await, Ok(1));
    assert_eq!(take(), [ended(EndedBy::All, 1)]);
}

fn ended(by: EndedBy, count: usize) -> (SessionOwner, EndedBy, usize) {
    (SessionOwner::of(&ann()), by, count)
}
