//! Sessions in a real Redis server, which several processes share.

use std::time::Duration;

use http::StatusCode;
use palisade_core::{ManualClock, Principal, Secret, SystemClock};
use palisade_internal::{polling, redis_server::RedisServer};
use palisade_session::{
    RedisSessionStore, RedisSessionStoreBuildError, RedisSessionStoreBuilder, SessionError,
    SessionLayer, SessionOwner, SessionStore as _, Sessions,
};

use crate::support::{Browser, ann, bob, check_refused, send, sessions_with};

pub(crate) const KEY: [u8; 32] = *b"a key of the fleet: thirty-two b";

fn builder(server: &RedisServer) -> RedisSessionStoreBuilder {
    RedisSessionStore::builder(&server.url(), Secret::new(KEY))
}

fn store(server: &RedisServer) -> RedisSessionStore {
    builder(server).build().unwrap()
}

/// Sessions of one process. Its clock stands at the time of the server.
pub(crate) fn process(store: RedisSessionStore) -> (Sessions, ManualClock) {
    let clock = ManualClock::new(SystemClock::shared().unix_time());
    let sessions = Sessions::builder(store).clock(clock.shared());
    (sessions.build().unwrap(), clock)
}

pub(crate) async fn command<T: redis::FromRedisValue>(server: &RedisServer, words: &[&str]) -> T {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (name, arguments) = words.split_first().unwrap();
    let command = redis::cmd(name).arg(arguments).to_owned();
    command.query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_session_of_one_process_is_one_of_all_and_ends_on_all_at_once() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let ((one, _), (two, _)) = (process(store(&server)), process(store(&server)));
    let browser = Browser::signed_in(&one, ann()).await;
    let seen = send(SessionLayer::new(two.clone()), browser.write()).await;
    assert_eq!(
        (seen.status, seen.principal.as_deref()),
        (StatusCode::OK, Some("ann"))
    );
    two.end(&seen.session.unwrap()).await.unwrap();
    assert_eq!(browser.reads(&one).await, StatusCode::UNAUTHORIZED);

    let browsers = [
        Browser::signed_in(&one, ann()).await,
        Browser::signed_in(&two, ann()).await,
    ];
    let other = Browser::signed_in(&two, bob()).await;
    let listed = two.list(&ann()).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(one.end_all(&ann()).await.unwrap(), 2);
    for (browser, status) in [
        (&browsers[0], StatusCode::UNAUTHORIZED),
        (&browsers[1], StatusCode::UNAUTHORIZED),
        (&other, StatusCode::OK),
    ] {
        assert_eq!(browser.reads(&two).await, status);
    }
    assert!(one.list(&ann()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_renewal_is_atomic_and_of_many_at_once_one_succeeds() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, _) = process(store(&server));
    let browser = Browser::signed_in(&sessions, ann()).await;
    let current = send(SessionLayer::new(sessions.clone()), browser.read()).await;
    let current = current.session.unwrap();
    let renewals = (0..16).map(|_| {
        let (sessions, current) = (process(store(&server)).0, current.clone());
        tokio::spawn(async move { sessions.renew(&current, ann()).await })
    });
    let mut renewed = Vec::new();
    for renewal in renewals.collect::<Vec<_>>() {
        match renewal.await.unwrap() {
            Ok(opened) => renewed.push(opened),
            Err(error) => assert_eq!(error, SessionError::Ended),
        }
    }
    assert_eq!(renewed.len(), 1);
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        Browser::with(&renewed[0]).reads(&sessions).await,
        StatusCode::OK
    );
    assert_eq!(sessions.list(&ann()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_oldest_session_of_an_owner_gives_way_and_a_full_store_signs_nobody_out() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let store = builder(&server).per_owner(2).capacity(3).build().unwrap();
    let (sessions, _) = process(store.clone());
    let first = Browser::signed_in(&sessions, ann()).await;
    let second = Browser::signed_in(&sessions, ann()).await;
    let third = Browser::signed_in(&sessions, ann()).await;
    assert_eq!(first.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert_eq!(second.reads(&sessions).await, StatusCode::OK);
    let other = Browser::signed_in(&sessions, bob()).await;
    let eve = Principal::builder("user", "eve").build();
    assert_eq!(sessions.open(eve).await.unwrap_err(), SessionError::Full);
    for browser in [&second, &third, &other] {
        assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    }
    // Who has a place gets in, in place of an own session.
    let again = Browser::signed_in(&sessions, bob()).await;
    assert_eq!(again.reads(&sessions).await, StatusCode::OK);
    assert_eq!(other.reads(&sessions).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_by_rest_and_by_age_in_the_server_too() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, clock) = process(store(&server));
    let browser = Browser::signed_in(&sessions, ann()).await;
    let keys: Vec<String> = command(&server, &["KEYS", "*:s:*"]).await;
    let [key] = &keys[..] else { panic!("{keys:?}") };
    let left: i64 = command(&server, &["PTTL", key]).await;
    let idle = 30 * 60 * 1000;
    assert!((idle - 60_000..=idle).contains(&left), "{left}");
    // A use makes it last longer, also in the server; never past its end.
    let _: i64 = command(&server, &["PEXPIRE", key, "1000000"]).await;
    clock.advance(Duration::from_secs(600));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    let left: i64 = command(&server, &["PTTL", key]).await;
    assert!(left > 1_000_000, "{left}");
    let _: i64 = command(&server, &["HSET", key, "x", "1"]).await;
    clock.advance(Duration::from_secs(600));
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    let left: i64 = command(&server, &["PTTL", key]).await;
    assert!(left <= 1, "{left}: its end has come");
}

#[tokio::test]
async fn a_process_with_a_clock_ahead_ends_no_session_of_others() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let ((right, _), (wrong, clock)) = (process(store(&server)), process(store(&server)));
    let browser = Browser::signed_in(&right, ann()).await;
    clock.advance(Duration::from_secs(100 * 86_400));
    assert_eq!(browser.reads(&wrong).await, StatusCode::UNAUTHORIZED);
    drop(wrong.open(ann()).await.unwrap());
    assert_eq!(browser.reads(&right).await, StatusCode::OK);
}

#[tokio::test]
async fn who_writes_to_the_server_makes_no_session_and_changes_none() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, _) = process(store(&server));
    let (victim, thief) = (
        Browser::signed_in(&sessions, Principal::builder("user", "root").build()).await,
        Browser::signed_in(&sessions, bob()).await,
    );
    let keys: Vec<String> = command(&server, &["KEYS", "*:s:*"]).await;
    let read = async |key: &str| -> Vec<u8> { command(&server, &["HGET", key, "d"]).await };
    let records = [read(&keys[0]).await, read(&keys[1]).await];
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for (key, record) in [(&keys[0], &records[1]), (&keys[1], &records[0])] {
        let swap = redis::cmd("HSET")
            .arg(key)
            .arg("d")
            .arg(record.as_slice())
            .to_owned();
        let _: i64 = swap.query_async(&mut connection).await.unwrap();
    }
    for browser in [&victim, &thief] {
        assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    }
    // Another key of the fleet opens nothing either, and ends nothing.
    let own = Browser::signed_in(&sessions, ann()).await;
    let another = *b"another key: thirty-two bytes ok";
    let other = RedisSessionStore::builder(&server.url(), Secret::new(another));
    let (other, _) = process(other.build().unwrap());
    assert_eq!(own.reads(&other).await, StatusCode::UNAUTHORIZED);
    assert_eq!(own.reads(&sessions).await, StatusCode::OK);
    // Neither a token nor a name stands in a key.
    let keys: Vec<String> = command(&server, &["KEYS", "*"]).await;
    let token = own.cookie.split_once('=').unwrap().1;
    assert!(
        keys.iter()
            .all(|key| !key.contains(token) && !key.contains("ann")),
        "{keys:?}"
    );
}

#[tokio::test]
async fn while_the_server_is_away_nobody_is_admitted_and_what_ended_before_stays_ended() {
    let Some(mut server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, _) = process(store(&server));
    let (ended, live) = (
        Browser::signed_in(&sessions, ann()).await,
        Browser::signed_in(&sessions, bob()).await,
    );
    assert_eq!(sessions.end_all(&ann()).await.unwrap(), 1);
    let layer = SessionLayer::new(sessions.clone());
    // A server that hangs.
    server.freeze(true).unwrap();
    for browser in [&ended, &live] {
        let seen = send(layer.clone(), browser.read()).await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    server.freeze(false).unwrap();
    let reads = async |browser: &Browser| {
        let answered = polling::value_in_time(tokio::time::sleep, async || {
            let status = browser.reads(&sessions).await;
            (status != StatusCode::SERVICE_UNAVAILABLE).then_some(status)
        });
        answered.await.expect("it is not back")
    };
    assert_eq!(reads(&ended).await, StatusCode::UNAUTHORIZED);
    assert_eq!(reads(&live).await, StatusCode::OK);
    // A server that is gone, and comes back without its data.
    server.kill().unwrap();
    let seen = send(layer, live.read()).await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    server.restart().unwrap();
    assert_eq!(reads(&live).await, StatusCode::UNAUTHORIZED);
    let again = Browser::signed_in(&sessions, bob()).await;
    assert_eq!(reads(&again).await, StatusCode::OK);
}

#[tokio::test]
async fn a_kind_of_principal_that_the_store_does_not_know_is_told_at_sign_in() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let robot = Principal::builder("robot", "r2").build();
    let (sessions, _) = process(store(&server));
    let error = sessions.open(robot.clone()).await.unwrap_err();
    assert!(error.to_string().contains("kinds"), "{error}");
    let (sessions, _) = process(builder(&server).kinds(["robot"]).build().unwrap());
    let browser = Browser::signed_in(&sessions, robot).await;
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn a_use_brings_no_removed_session_back_and_never_goes_back() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let store = store(&server);
    let (sessions, clock) = process(store.clone());
    let browser = Browser::signed_in(&sessions, ann()).await;
    let listed = store.list(SessionOwner::of(&ann())).get().await.unwrap();
    let (digest, record) = listed[0].clone();
    store
        .touch(digest, record.opened + Duration::from_secs(9))
        .get()
        .await
        .unwrap();
    store
        .touch(digest, record.opened + Duration::from_secs(3))
        .get()
        .await
        .unwrap();
    let found = store.find(digest).get().await.unwrap().unwrap();
    let used = found.last_used.as_secs() - record.opened.as_secs();
    assert!((8..=9).contains(&used), "{used}");
    assert!(store.remove(digest).get().await.unwrap());
    assert!(!store.remove(digest).get().await.unwrap());
    store
        .touch(digest, record.opened + Duration::from_secs(20))
        .get()
        .await
        .unwrap();
    assert_eq!(store.find(digest).get().await.unwrap(), None);
    clock.advance(Duration::from_secs(1));
    let layer = SessionLayer::new(sessions);
    check_refused(&send(layer, browser.read()).await, 401, "unauthenticated");
}

#[test]
fn what_cannot_be_used_is_not_built() {
    let build = |url: &str, key: &[u8]| {
        let builder = RedisSessionStore::builder(url, Secret::new(key));
        builder.build().map(drop).unwrap_err()
    };
    use RedisSessionStoreBuildError as Problem;
    assert_eq!(build("http://127.0.0.1", &KEY), Problem::Address);
    assert_eq!(build("redis://127.0.0.1", &KEY[..15]), Problem::Key);
    assert_eq!(build("redis://127.0.0.1", &[b'a'; 32]), Problem::Key);
    let builder = || RedisSessionStore::builder("redis://:hunter2@127.0.0.1", Secret::new(KEY));
    assert_eq!(
        builder().prefix("a:b").build().unwrap_err(),
        Problem::Prefix
    );
    assert_eq!(
        builder().deadline(Duration::ZERO).build().unwrap_err(),
        Problem::Deadline
    );
    let store = builder().build().unwrap();
    assert!(!format!("{store:?}{:?}", builder()).contains("hunter2"));
    let _ = sessions_with(store, |builder| builder);
}

#[tokio::test]
async fn a_server_that_became_a_replica_admits_nobody() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, _) = process(store(&server));
    let browser = Browser::signed_in(&sessions, ann()).await;
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
    // It still has all sessions, and is told of no sign-out.
    let _: () = command(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(
        browser.reads(&sessions).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let _: () = command(&server, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(browser.reads(&sessions).await, StatusCode::OK);
}

#[tokio::test]
async fn who_writes_to_the_server_keeps_no_session_open() {
    let Some(server) = RedisServer::start().unwrap() else {
        return;
    };
    let (sessions, clock) = process(store(&server));
    let browser = Browser::signed_in(&sessions, ann()).await;
    let keys: Vec<String> = command(&server, &["KEYS", "*:s:*"]).await;
    let [key] = &keys[..] else { panic!("{keys:?}") };
    let used: u64 = command(&server, &["HGET", key, "u"]).await;
    let later = (used + 3_600_000).to_string();
    let _: i64 = command(&server, &["HSET", key, "u", &later]).await;
    let _: i64 = command(&server, &["PERSIST", key]).await;
    clock.advance(Duration::from_secs(3600));
    assert_eq!(browser.reads(&sessions).await, StatusCode::UNAUTHORIZED);
    assert!(sessions.list(&ann()).await.unwrap().is_empty());
}
