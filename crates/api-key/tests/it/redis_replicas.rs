//! Revocations that wait for the replicas of the server.

use std::{num::NonZeroU32, time::Duration};

use palisade_api_key::{KeyId, KeyRecord, RedisKeyError, RedisKeyStore, TableError};
use palisade_internal::{polling, redis_server::RedisServer};

use crate::{
    redis::Fleet,
    support::{NOW, live},
};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
const NONE_OF_ONE: RedisKeyError = RedisKeyError::Unconfirmed {
    confirmed: 0,
    wanted: 1,
};

fn waiting(fleet: &Fleet, within: Duration) -> RedisKeyStore {
    let builder = fleet.builder();
    let builder = builder.revocation_replicas(NonZeroU32::MIN, within);
    builder.build().unwrap()
}

async fn record_on(url: &str, id: KeyId) -> Option<Vec<u8>> {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("GET");
    command.arg(format!("{{palisade-keys}}:k:{id}"));
    command.query_async(&mut connection).await.unwrap()
}

/// Starts a replica of the server of a fleet, and waits until it has all.
async fn replica_of(fleet: &Fleet) -> RedisServer {
    let replica = RedisServer::start().unwrap().unwrap();
    let primary = fleet.server.url();
    let port = primary.rsplit(':').next().unwrap().trim_end_matches("/0");
    let client = redis::Client::open(replica.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("REPLICAOF");
    let _: () = command
        .arg("127.0.0.1")
        .arg(port)
        .query_async(&mut connection)
        .await
        .unwrap();
    let followed = polling::value_in_time(tokio::time::sleep, async || {
        let state: String = redis::cmd("INFO")
            .arg("replication")
            .query_async(&mut connection)
            .await
            .unwrap();
        state.contains("master_link_status:up").then_some(())
    });
    followed.await.expect("the replica never followed");
    replica
}

#[tokio::test]
async fn a_revocation_that_no_replica_has_is_made_and_told() {
    let Some(fleet) = Fleet::start() else { return };
    let store = waiting(&fleet, Duration::from_millis(20));
    let minted = fleet.mint();
    // To make a key needs no replica: one that is lost opens nothing.
    store.insert(minted.record()).await.unwrap();
    let id = minted.record().id();
    assert_eq!(fleet.status(&store, minted.key()).await, 200);
    assert_eq!(store.revoke(id, NOW).await, Err(NONE_OF_ONE));
    assert_eq!(fleet.status(&store, minted.key()).await, 401);
    // Again, and it is told again: it is still not confirmed.
    assert_eq!(store.revoke(id, NOW).await, Err(NONE_OF_ONE));
    assert_eq!(store.remove(id).await, Err(NONE_OF_ONE));
    assert!(store.get(id).await.unwrap().is_none());
    let unknown = store.revoke(id, NOW).await;
    assert_eq!(unknown, Err(RedisKeyError::Table(TableError::Unknown(id))));
}

#[tokio::test]
async fn disabling_and_the_keys_of_an_owner_wait_too_and_a_rotation_does_not() {
    let Some(fleet) = Fleet::start() else { return };
    let store = waiting(&fleet, Duration::from_millis(20));
    let (one, two) = (fleet.mint(), fleet.mint());
    for minted in [&one, &two] {
        store.insert(minted.record()).await.unwrap();
    }
    let id = one.record().id();
    assert_eq!(store.disable(id, NOW).await, Err(NONE_OF_ONE));
    let disabled = store.get(id).await.unwrap().unwrap();
    let rotated = fleet.scheme.rotate(&disabled, NOW, NOW).unwrap();
    assert_eq!(store.replace(&disabled, rotated.record()).await, Ok(()));
    assert_eq!(store.enable(id).await, Ok(()));
    assert_eq!(store.revoke_owner("acme", NOW).await, Err(NONE_OF_ONE));
    let all = store.list().await.unwrap();
    assert!(
        all.iter()
            .all(|record: &KeyRecord| record.revoked_at().is_some())
    );
}

#[tokio::test]
async fn a_revocation_that_returns_is_on_the_replica() {
    let Some(fleet) = Fleet::start() else { return };
    let replica = replica_of(&fleet).await;
    let store = waiting(&fleet, PATIENCE);
    for _ in 0..20 {
        let minted = fleet.scheme.mint(live(), NOW).unwrap();
        let id = minted.record().id();
        store.insert(minted.record()).await.unwrap();
        store.revoke(id, NOW).await.unwrap();
        let (there, here) = (
            record_on(&replica.url(), id).await,
            record_on(&fleet.server.url(), id).await,
        );
        assert!(here.is_some());
        assert_eq!(there, here);
    }
    // A replica that hangs confirms nothing.
    replica.freeze(true).unwrap();
    let hasty = waiting(&fleet, Duration::from_millis(20));
    let minted = fleet.mint();
    hasty.insert(minted.record()).await.unwrap();
    let revoked = hasty.revoke(minted.record().id(), NOW).await;
    replica.freeze(false).unwrap();
    assert_eq!(revoked, Err(NONE_OF_ONE));
}

#[tokio::test]
async fn requests_do_not_wait_for_a_revocation() {
    let Some(fleet) = Fleet::start() else { return };
    let store = waiting(&fleet, PATIENCE);
    let (one, two) = (fleet.mint(), fleet.mint());
    for minted in [&one, &two] {
        store.insert(minted.record()).await.unwrap();
    }
    let revoking = store.revoke(one.record().id(), NOW);
    let asking = async {
        // The server itself has the revocation before a replica could.
        while fleet.status(&store, one.key()).await != 401 {
            fleet.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        fleet.status(&store, two.key()).await
    };
    tokio::select! {
        biased;
        status = asking => assert_eq!(status, 200),
        revoked = revoking => panic!("no replica could confirm {revoked:?}"),
    }
}
