//! The permissions of the book suffice for keys in Redis, and each one is needed from the first call on.

use palisade_api_key::{KeyStore as _, RedisKeyError, RedisKeyStore};
use palisade_core::Secret;
use std::{num::NonZeroU32, time::Duration};

use crate::{
    redis::{Fleet, KEY},
    support::NOW,
};

/// The rules of the access list in the book.
fn documented() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/how-to/keys.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = page.lines();
    let line = lines.find_map(|line| line.trim().strip_prefix("user keys on >PASSWORD "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

/// A store of a user with these rules.
async fn store_of(fleet: &Fleet, rules: &[String]) -> RedisKeyStore {
    let client = redis::Client::open(fleet.server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut setuser = redis::cmd("ACL");
    setuser
        .arg(&["SETUSER", "keys", "reset", "on", ">right"])
        .arg(rules);
    let _: () = setuser.query_async(&mut connection).await.unwrap();
    let url = fleet
        .server
        .url()
        .replace("redis://", "redis://keys:right@");
    let builder = RedisKeyStore::builder(&url, Secret::new(KEY)).clock(fleet.clock.shared());
    let builder = match rules.iter().any(|rule| rule == "+wait") {
        true => builder.revocation_replicas(NonZeroU32::MIN, Duration::from_millis(1)),
        false => builder,
    };
    builder.build().unwrap()
}

#[tokio::test]
async fn the_documented_permissions_suffice_for_every_change_of_a_key() {
    let Some(fleet) = Fleet::start() else { return };
    let store = store_of(&fleet, &documented()).await;
    let (first, second) = (fleet.mint(), fleet.mint());
    for minted in [&first, &second] {
        store.insert(minted.record()).await.unwrap();
    }
    assert_eq!(store.list().await.unwrap().len(), 2);
    store.revoke(first.record().id(), NOW).await.unwrap();
    let found = store.find(first.record().id()).get().await.unwrap();
    assert!(found.unwrap().revoked_at().is_some());
    store.remove(second.record().id()).await.unwrap();
    assert_eq!(store.list().await.unwrap().len(), 1);
    let mut all = documented();
    all.push("+wait".to_owned());
    let store = store_of(&fleet, &all).await;
    store.insert(second.record()).await.unwrap();
    let revoked = store.revoke(second.record().id(), NOW).await;
    // There is no replica, and the server was asked for one.
    assert!(
        matches!(
            revoked,
            Err(RedisKeyError::Unconfirmed { confirmed: 0, .. })
        ),
        "{revoked:?}"
    );
}

#[tokio::test]
async fn without_one_permission_no_key_is_found_and_the_reason_is_told() {
    let Some(fleet) = Fleet::start() else { return };
    let minted = fleet.mint();
    store_of(&fleet, &documented())
        .await
        .insert(minted.record())
        .await
        .unwrap();
    let needed = documented();
    for missing in needed
        .iter()
        .filter(|rule| rule.starts_with('+') || rule.starts_with('~'))
    {
        let rules: Vec<_> = needed
            .iter()
            .filter(|rule| *rule != missing)
            .cloned()
            .collect();
        // The server has the text of the script from before.
        if missing == "+script|load" {
            continue;
        }
        let store = store_of(&fleet, &rules).await;
        for _ in 0..2 {
            let found = store.find(minted.record().id()).get().await;
            let problem = found.unwrap_err().to_string();
            assert!(problem.contains("NOPERM"), "{missing}: {problem}");
        }
    }
}
