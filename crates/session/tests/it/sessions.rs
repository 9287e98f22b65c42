//! Opening, listing and ending sessions, as handlers do.

use std::time::Duration;

use http::StatusCode;
use palisade_session::{SessionId, SessionLayer};

use crate::support::{Browser, ann, bob, send, sessions};

#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_a_principal_and_no_other() {
    let (sessions, _) = sessions();
    let first = Browser::signed_in(&sessions, ann()).await;
    let second = Browser::signed_in(&sessions, ann()).await;
    let of_another = Browser::signed_in(&sessions, bob()).await;
    assert_eq!(sessions.end_all(&ann()).await, Ok(2));
    for browser in [&first, &second] {
        assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(of_another.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn all_other_sessions_can_be_ended() {
    let (sessions, _) = sessions();
    let first = Browser::signed_in(&sessions, ann()).await;
    let here = Browser::signed_in(&sessions, ann()).await;
    let seen = send(SessionLayer::new(sessions.clone()), here.read()).await;
    let current = seen.session.unwrap();
    assert_eq!(sessions.end_others(&ann(), &current).await, Ok(1));
    assert_eq!(first.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(here.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn a_list_has_the_live_sessions_of_a_principal_the_newest_first() {
    let (sessions, clock) = sessions();
    let _first = sessions
        .open_labelled(ann(), "Firefox\r\n on Linux")
        .await
        .unwrap();
    clock.advance(Duration::from_secs(1200));
    let opened = sessions.open(ann()).await.unwrap();
    let _of_another = sessions.open(bob()).await.unwrap();
    let list = sessions.list(&ann()).await.unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].id, *opened.id());
    assert_eq!(list[1].label.as_deref(), Some("Firefox on Linux"));
    assert_eq!(list[1].ends - list[1].opened, sessions.lifetime());
    clock.advance(Duration::from_secs(700));
    assert_eq!(sessions.list(&ann()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_renewed_session_keeps_its_label_and_its_number() {
    let (sessions, clock) = sessions();
    let opened = sessions.open_labelled(ann(), "Firefox").await.unwrap();
    let browser = Browser::with(&opened);
    clock.advance(Duration::from_secs(60));
    let seen = send(SessionLayer::new(sessions.clone()), browser.read()).await;
    let renewed = sessions.renew(&seen.session.unwrap(), ann()).await.unwrap();
    assert_eq!(renewed.lasts(), sessions.lifetime());
    let list = sessions.list(&ann()).await.unwrap();
    assert_eq!((list.len(), list[0].label.as_deref()), (1, Some("Firefox")));
    assert_eq!(list[0].id, *renewed.id());
}

#[tokio::test]
async fn the_use_is_written_at_most_sixteen_times_in_an_idle_time() {
    let (sessions, clock) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let opened = sessions.list(&ann()).await.unwrap()[0].opened;
    clock.advance(Duration::from_secs(1800 / 16 - 1));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    assert_eq!(sessions.list(&ann()).await.unwrap()[0].last_used, opened);
    clock.advance(Duration::from_secs(2));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    assert!(sessions.list(&ann()).await.unwrap()[0].last_used > opened);
}

#[tokio::test]
async fn what_is_not_there_ends_nothing() {
    let (sessions, _) = sessions();
    let request = http::Request::get("/").body(()).unwrap();
    let ended = sessions
        .end_shown(request.headers(), request.extensions())
        .await;
    assert_eq!(ended, Ok(false));
    assert_eq!(
        sessions.end_one(&ann(), &SessionId::from("x")).await,
        Ok(false)
    );
    assert_eq!(sessions.end_all(&ann()).await, Ok(0));
    assert!(sessions.list(&ann()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_session_of_a_request_ends_whether_or_not_a_layer_read_it() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let unread = browser.read();
    let ended = sessions
        .end_shown(unread.headers(), unread.extensions())
        .await;
    assert_eq!(ended, Ok(true));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nothing_secret_shows_in_debug() {
    let (sessions, _) = sessions();
    let opened = sessions.open(ann()).await.unwrap();
    let browser = Browser::with(&opened);
    let token = browser.cookie.split_once('=').unwrap().1.to_owned();
    let layer = SessionLayer::new(sessions.clone());
    let seen = send(layer.clone(), browser.read()).await;
    let shown = format!("{opened:?} {sessions:?} {layer:?} {:?}", seen.session);
    assert!(
        !shown.contains(&token) && !shown.contains(&browser.csrf),
        "{shown}"
    );
    let cookie = opened.set_cookie();
    assert!(cookie.is_sensitive());
}
