//! What operators do with keys in Redis, also while others change them or write bad bytes.

use std::time::Duration;

use palisade_api_key::{KeyId, MintedKey, RedisKeyError, RedisKeyStore, TableError};

use crate::{redis::Fleet, support::NOW};

const SECOND: Duration = Duration::from_secs(1);

impl Fleet {
    /// Stores new keys, all of the owner `acme`.
    async fn stored(&self, store: &RedisKeyStore, count: usize) -> Vec<MintedKey> {
        let minted: Vec<_> = (0..count).map(|_| self.mint()).collect();
        for one in &minted {
            store.insert(one.record()).await.unwrap();
        }
        minted
    }

    /// Changes the record of a key in the server, as somebody without the key of the fleet could.
    async fn spoil(&self, id: KeyId) {
        let name = format!("{{palisade-keys}}:k:{id}");
        let _: () = self.command(&[b"SET", name.as_bytes(), b"bad"]).await;
    }
}

fn ids(minted: &[MintedKey]) -> Vec<KeyId> {
    let mut ids: Vec<_> = minted.iter().map(|one| one.record().id()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_key_that_one_process_disables_is_refused_by_all_until_it_is_enabled() {
    let Some(fleet) = Fleet::start() else { return };
    let (one, two) = (fleet.process(), fleet.process());
    let minted = fleet.stored(&one, 1).await.remove(0);
    let id = minted.record().id();
    for process in [&one, &two] {
        assert_eq!(fleet.status(process, minted.key()).await, 200);
    }
    one.disable(id, NOW).await.unwrap();
    assert_eq!(fleet.status(&one, minted.key()).await, 401, "at once");
    fleet.clock.advance(SECOND);
    assert_eq!(fleet.status(&two, minted.key()).await, 401);
    two.enable(id).await.unwrap();
    assert_eq!(fleet.status(&two, minted.key()).await, 200);
    fleet.clock.advance(SECOND);
    assert_eq!(fleet.status(&one, minted.key()).await, 200);
    one.revoke(id, NOW).await.unwrap();
    let enabled = two.enable(id).await;
    assert_eq!(enabled, Err(RedisKeyError::Table(TableError::Revoked(id))));
}

#[tokio::test]
async fn one_record_that_cannot_be_opened_stops_no_operator() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.stored(&store, 3).await;
    let bad = minted[1].record().id();
    fleet.spoil(bad).await;
    let listed = store.list().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|record| record.id()).collect();
    assert_eq!(listed.len(), 2);
    assert!(!listed.contains(&bad));
    let (_, unreadable) = store.list_with_unreadable().await.unwrap();
    assert_eq!(unreadable, [Box::from(bad.as_str())]);
    let revoked = store.revoke_owner("acme", NOW).await.unwrap();
    assert_eq!(revoked.len(), 2, "all that can be opened");
    for one in [&minted[0], &minted[2]] {
        assert_eq!(fleet.status(&store, one.key()).await, 401);
    }
    let spoiled = fleet.status(&store, minted[1].key()).await;
    assert_eq!(spoiled, 503, "what cannot be opened opens nothing");
    assert!(store.remove(bad).await.unwrap());
    assert!(!store.remove(bad).await.unwrap());
    assert_eq!(fleet.status(&store, minted[1].key()).await, 401);
    let (records, unreadable) = store.list_with_unreadable().await.unwrap();
    assert_eq!((records.len(), unreadable.len()), (2, 0));
}

/// An empty list would say that there are no keys.
#[tokio::test]
async fn a_list_of_which_nothing_can_be_opened_is_an_error() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    assert!(store.list().await.unwrap().is_empty());
    let minted = fleet.stored(&store, 1).await;
    fleet.spoil(minted[0].record().id()).await;
    let listed = store.list().await;
    assert!(matches!(listed, Err(RedisKeyError::Unavailable(_))));
}

#[tokio::test]
async fn all_keys_of_an_owner_are_revoked_and_none_of_others() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    // More than one page.
    let theirs = fleet.stored(&store, 501).await;
    let grant = crate::support::live().owner("acme2");
    let other = fleet.scheme.mint(grant, NOW).unwrap();
    store.insert(other.record()).await.unwrap();
    let mut revoked = store.revoke_owner("acme", NOW).await.unwrap();
    revoked.sort_unstable();
    assert_eq!(revoked, ids(&theirs));
    let records = store.list().await.unwrap();
    let valid: Vec<_> = records
        .iter()
        .filter(|record| record.revoked_at().is_none())
        .map(|record| record.id())
        .collect();
    assert_eq!(valid, [other.record().id()]);
    assert_eq!(store.revoke_owner("nobody", NOW).await, Ok(Vec::new()));
}

/// The index of the server is read at once: pages by place would leave out a key for each one that is removed.
#[tokio::test]
async fn keys_that_are_removed_during_a_listing_hide_no_others() {
    let Some(fleet) = Fleet::start() else { return };
    let store = fleet.process();
    let minted = fleet.stored(&store, 1100).await;
    let (kept, gone) = minted.split_at(1000);
    let remove = async {
        for one in gone {
            assert!(store.remove(one.record().id()).await.unwrap());
        }
    };
    let (listed, ()) = tokio::join!(store.list(), remove);
    let listed: Vec<_> = listed.unwrap().iter().map(|record| record.id()).collect();
    for one in kept {
        assert!(listed.contains(&one.record().id()));
    }
}

#[tokio::test]
async fn a_removed_key_is_unknown_to_all_and_can_be_imported_again() {
    let Some(fleet) = Fleet::start() else { return };
    let scheme = fleet.scheme.clone().dangerously_accept_imported_keys();
    let (one, two) = (fleet.process(), fleet.process());
    let sha256 = [
        0x18, 0x4e, 0x88, 0x27, 0x4e, 0x73, 0x4e, 0x4f, 0x14, 0x21, 0x37, 0x0e, 0x10, 0x30, 0x05,
        0x6b, 0x11, 0x37, 0x2a, 0x38, 0x67, 0x85, 0xa9, 0xf2, 0x34, 0x6c, 0xd6, 0xbe, 0x71, 0x03,
        0xe9, 0x8e,
    ];
    let import = |now| {
        let grant = crate::support::live();
        scheme
            .dangerously_import_sha256(sha256, grant, now)
            .unwrap()
    };
    let record = import(NOW);
    let id = record.id();
    one.insert(&record).await.unwrap();
    one.disable(id, NOW).await.unwrap();
    one.enable(id).await.unwrap();
    let key = "sk-example-example-example";
    for process in [&one, &two] {
        assert_eq!(fleet.status_by(&scheme, process, key).await, 200);
    }
    assert!(two.remove(id).await.unwrap());
    assert_eq!(fleet.status_by(&scheme, &two, key).await, 401, "at once");
    fleet.clock.advance(SECOND);
    assert_eq!(fleet.status_by(&scheme, &one, key).await, 401);
    two.insert(&import(NOW + SECOND)).await.unwrap();
    fleet.clock.advance(SECOND);
    for process in [&one, &two] {
        assert_eq!(fleet.status_by(&scheme, process, key).await, 200);
    }
}

#[tokio::test]
async fn each_change_of_this_process_is_told_once() {
    use std::sync::{Arc, Mutex};

    use palisade_api_key::{KeyEvent, KeyEventKind};

    let Some(fleet) = Fleet::start() else { return };
    let told = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&told);
    let store = fleet
        .builder()
        .on_change(move |event: &KeyEvent| report.lock().unwrap().push(event.kind()))
        .build()
        .unwrap();
    let minted = fleet.stored(&store, 1).await.remove(0);
    let (id, record) = (minted.record().id(), minted.record());
    let rotated = fleet.scheme.rotate(record, NOW, NOW).unwrap();
    store.replace(record, rotated.record()).await.unwrap();
    store.disable(id, NOW).await.unwrap();
    store.disable(id, NOW).await.unwrap();
    store.enable(id).await.unwrap();
    store.revoke(id, NOW).await.unwrap();
    assert!(store.remove(id).await.unwrap());
    let expected = [
        KeyEventKind::Created,
        KeyEventKind::Rotated,
        KeyEventKind::Disabled,
        KeyEventKind::Enabled,
        KeyEventKind::Revoked,
        KeyEventKind::Removed,
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}
