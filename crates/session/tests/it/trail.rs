//! What the audit trail gets of sessions.

use http::{Method, Request};
use palisade_core::{Fact, SecurityContext, testing::TestBody};
use palisade_session::{MemorySessionStore, SessionError, SessionId, SessionLayer};

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
