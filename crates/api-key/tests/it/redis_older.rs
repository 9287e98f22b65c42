//! What is older than the server had, or than a process has seen, opens nothing.

use std::time::Duration;

use http::StatusCode;
use palisade_api_key::{KeyScheme, KeyStore as _, Pepper, RedisKeyError, RedisKeyStore};
use palisade_core::Secret;

use crate::{
    redis::Fleet,
    support::{NOW, live},
};

#[tokio::test]
async fn who_writes_to_the_server_brings_no_revoked_key_back() {
    let Some(fleet) = Fleet::start() else { return };
    let (one, two) = (fleet.process(), fleet.process());
    let minted = fleet.mint();
    let id = minted.record().id();
    one.insert(minted.record()).await.unwrap();
    let key = format!("{{palisade-keys}}:k:{id}");
    let valid: Vec<u8> = fleet.command(&[b"GET", key.as_bytes()]).await;
    one.revoke(id, NOW).await.unwrap();
    assert_eq!(
        fleet.status(&two, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
    // Removed and put back: a process that saw the revocation, or made it, refuses the older record.
    let _: i64 = fleet.command(&[b"DEL", key.as_bytes()]).await;
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(
        fleet.status(&two, minted.key()).await,
        StatusCode::UNAUTHORIZED
    );
    let _: () = fleet.command(&[b"SET", key.as_bytes(), &valid]).await;
    fleet.clock.advance(Duration::from_secs(1));
    for store in [&one, &two] {
        let status = fleet.status(store, minted.key()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    // What is documented: a new process cannot know. Revoked again, it is refused everywhere.
    let new = fleet.process();
    assert_eq!(fleet.status(&new, minted.key()).await, StatusCode::OK);
    new.revoke(id, NOW).await.unwrap();
    fleet.clock.advance(Duration::from_secs(1));
    for store in [&one, &two, &new] {
        let status = fleet.status(store, minted.key()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_server_that_became_a_replica_admits_nobody() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.mint();
    store.insert(minted.record()).await.unwrap();
    assert_eq!(fleet.status(&store, minted.key()).await, StatusCode::OK);
    // It still has all records, and is told of no revocation.
    let _: () = fleet.command(&[b"REPLICAOF", b"127.0.0.1", b"1"]).await;
    fleet.clock.advance(Duration::from_secs(1));
    let found = store.find(minted.record().id()).get().await;
    let problem = found.unwrap_err().to_string();
    assert!(problem.contains("READONLY"), "{problem}");
    assert_eq!(
        fleet.status(&store, minted.key()).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let _: () = fleet.command(&[b"REPLICAOF", b"NO", b"ONE"]).await;
    // No connection is tried for a tenth of a second after one that could not be used.
    let used = palisade_internal::polling::value_in_time(tokio::time::sleep, async || {
        (fleet.status(&store, minted.key()).await == StatusCode::OK).then_some(())
    });
    assert_eq!(used.await, Some(()), "the server is not used again");
}

#[tokio::test]
async fn a_rotation_of_an_older_record_reopens_no_secret() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.mint();
    store.insert(minted.record()).await.unwrap();
    // Two administrators read the record. The first one ends the leaked secret at once.
    let rotate = |until| fleet.scheme.rotate(minted.record(), until, NOW).unwrap();
    let (first, second) = (rotate(NOW), rotate(NOW + Duration::from_secs(86_400)));
    let replaced = store.replace(minted.record(), first.record()).await;
    assert_eq!(replaced, Ok(()));
    let stale = store.replace(minted.record(), second.record()).await;
    assert_eq!(stale, Err(RedisKeyError::Contended));
    for (key, status) in [
        (minted.key(), StatusCode::UNAUTHORIZED),
        (second.key(), StatusCode::UNAUTHORIZED),
        (first.key(), StatusCode::OK),
    ] {
        assert_eq!(fleet.status(&store, key).await, status);
    }
    let other = fleet.mint();
    let moved = store.replace(first.record(), other.record()).await;
    assert_eq!(moved, Err(RedisKeyError::Contended), "another id");
}

#[tokio::test]
async fn processes_with_exchanged_peppers_renew_a_digest_once_each() {
    let Some(fleet) = Fleet::start() else { return };
    let peppers = [Pepper::generate().unwrap(), Pepper::generate().unwrap()];
    let ring = |current: &Pepper, other: &Pepper| {
        let ring = KeyScheme::new(current.clone()).also_accept(other.clone());
        (ring.unwrap(), fleet.process())
    };
    let processes = [
        ring(&peppers[0], &peppers[1]),
        ring(&peppers[1], &peppers[0]),
    ];
    let minted = processes[0].0.mint(live(), NOW).unwrap();
    let id = minted.record().id();
    processes[0].1.insert(minted.record()).await.unwrap();
    let key = format!("{{palisade-keys}}:k:{id}");
    let revision = |sealed: &[u8]| u64::from_be_bytes(sealed[32..40].try_into().unwrap());
    let mut latest: Vec<u8> = fleet.command(&[b"GET", key.as_bytes()]).await;
    let first = revision(&latest);
    for _ in 0..6 {
        for (ring, store) in &processes {
            fleet.clock.advance(Duration::from_secs(1));
            let status = fleet.status_by(ring, store, minted.key()).await;
            assert_eq!(status, StatusCode::OK);
            // The renewal runs beside: these questions give it time.
            for _ in 0..5 {
                latest = fleet.command(&[b"GET", key.as_bytes()]).await;
            }
        }
    }
    let writes = revision(&latest) - first;
    assert!((1..=2).contains(&writes), "{writes} writes");
}

/// A reload of a configuration file makes a new store.
#[tokio::test]
async fn a_store_in_the_place_of_another_refuses_what_that_one_saw_to_be_older() {
    let Some(fleet) = Fleet::start() else { return };
    let first = fleet.process();
    let minted = fleet.mint();
    let id = minted.record().id();
    first.insert(minted.record()).await.unwrap();
    let key = format!("{{palisade-keys}}:k:{id}");
    let valid: Vec<u8> = fleet.command(&[b"GET", key.as_bytes()]).await;
    assert_eq!(fleet.status(&first, minted.key()).await, StatusCode::OK);
    let next = fleet.builder().seen_records(first.seen_records());
    let next = next.build().unwrap();
    assert_eq!(fleet.status(&next, minted.key()).await, StatusCode::OK);
    // Both go on together: what the first one still changes, the next one has seen.
    first.revoke(id, NOW).await.unwrap();
    let _: () = fleet.command(&[b"SET", key.as_bytes(), &valid]).await;
    let status = fleet.status(&next, minted.key()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    // With another seal key all records are new ones.
    let other = Secret::new(*b"another key of the fleet: 32 byt");
    let other = RedisKeyStore::builder(&fleet.server.url(), other);
    let other = other.seen_records(first.seen_records()).build().unwrap();
    assert!(!other.seen_records().is_same_fleet(&first.seen_records()));
    other.remove(id).await.unwrap();
    other.insert(minted.record()).await.unwrap();
    assert_eq!(fleet.status(&other, minted.key()).await, StatusCode::OK);
}
