//! Keys that an operator disables and enables, metadata, and where a key is from.

use std::fs;

use palisade_api_key::{
    FileKeyStore, InvalidGrant, KeyRecord, KeyScheme, MintError, Pepper, TableError,
};
use palisade_core::{CredentialFailure, OwnLimitsError};

use crate::{
    file::Folder,
    support::{MINUTE, NOW, Stand, live},
};

#[test]
fn a_disabled_key_is_refused_until_it_is_enabled() {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let id = minted.record().id();
    let unknown = stand.send(stand.scheme.mint(live(), NOW).unwrap().key());
    stand.store.update(|table| table.disable(id, NOW)).unwrap();
    let refused = stand.send(minted.key());
    assert_eq!(refused.reason(), Some("key disabled"));
    assert_eq!(refused.failure_kinds, [CredentialFailure::Revoked]);
    assert_eq!(
        refused.public(),
        unknown.public(),
        "the client learns nothing"
    );
    stand.store.update(|table| table.enable(id)).unwrap();
    assert_eq!(stand.send(minted.key()).status, 200);
}

/// Times of other machines do not matter: a server whose clock is behind refuses it too.
#[test]
fn a_key_that_will_be_disabled_later_is_disabled_now() {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let disable =
        |table: &mut palisade_api_key::KeyTable| table.disable(minted.record().id(), NOW + MINUTE);
    stand.store.update(disable).unwrap();
    assert_eq!(stand.send(minted.key()).reason(), Some("key disabled"));
}

#[test]
fn only_enabling_ends_that_a_key_is_disabled() {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let id = minted.record().id();
    stand.store.update(|table| table.disable(id, NOW)).unwrap();
    // Made of the record from before, as by an operator who has read it earlier.
    let rotated = stand.scheme.rotate(minted.record(), NOW, NOW).unwrap();
    stand.store.replace(rotated.record().clone()).unwrap();
    assert_eq!(stand.send(rotated.key()).reason(), Some("key disabled"));
    let table = stand.store.table();
    let stored = table.get(id).unwrap();
    assert_eq!(stored.disabled_at(), Some(NOW));
    let again = stand.scheme.rotate(stored, NOW, NOW).unwrap();
    assert_eq!(again.record().disabled_at(), Some(NOW), "it can be rotated");
    let later = KeyRecord::clone(stored).disabled(NOW + MINUTE);
    assert_eq!(later.disabled_at(), Some(NOW), "the first time counts");
}

#[test]
fn a_revoked_key_is_not_enabled() {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let id = minted.record().id();
    stand.store.update(|table| table.disable(id, NOW)).unwrap();
    stand.store.revoke(id, NOW).unwrap();
    let enabled = stand.store.update(|table| table.enable(id));
    assert_eq!(enabled, Err(TableError::Revoked(id)));
    assert_eq!(stand.send(minted.key()).reason(), Some("key revoked"));
    let unknown = stand.scheme.mint(live(), NOW).unwrap().record().id();
    let enabled = stand.store.update(|table| table.enable(unknown));
    assert_eq!(enabled, Err(TableError::Unknown(unknown)));
}

#[test]
fn a_change_keeps_to_its_key_and_revives_none() {
    let stand = Stand::new();
    let (one, two) = (stand.mint(live()), stand.mint(live()));
    let id = one.record().id();
    let to_other = |_: &KeyRecord| Ok::<_, TableError>(two.record().clone());
    let changed = stand.store.update(|table| table.change(id, to_other));
    assert_eq!(changed, Err(TableError::Unknown(two.record().id())));
    stand.store.revoke(id, NOW).unwrap();
    let revive = |_: &KeyRecord| Ok::<_, TableError>(one.record().clone());
    let changed = stand.store.update(|table| table.change(id, revive));
    assert_eq!(changed, Err(TableError::Revoked(id)));
}

#[test]
fn a_file_keeps_state_origin_and_metadata() {
    let folder = Folder::new();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let grant = live()
        .metadata("project", "atlas")
        .metadata("plan-2", "größer = \"ja\"");
    let imported = scheme
        .dangerously_import_sha256([7; 32], grant, NOW)
        .unwrap();
    let id = imported.id();
    let written = imported.disabled(NOW).with_previous(
        scheme.mint(live(), NOW).unwrap().record().digest().clone(),
        NOW + MINUTE,
    );
    folder.open().update(|table| table.insert(written)).unwrap();
    let table = folder.open().table();
    let read = table.get(id).unwrap();
    assert_eq!(read.disabled_at(), Some(NOW));
    assert!(read.is_imported());
    let expected = [("plan-2", "größer = \"ja\""), ("project", "atlas")];
    assert!(read.metadata().eq(expected));
    assert!(read.previous().is_some());
    let who = read.principal();
    assert_eq!(who.attribute("metadata.project"), Some("atlas"));
    assert_eq!(read.status(NOW), "disabled");
    let rotated = scheme.rotate(read, NOW, NOW).unwrap();
    assert!(!rotated.record().is_imported(), "the new secret is ours");
}

#[test]
fn metadata_is_bounded_and_stays_on_its_line() {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let mint = |grant| scheme.mint(grant, NOW).map(drop);
    let (name, value) = ("n".repeat(64), "v".repeat(256));
    let most = (0..16).fold(live(), |grant, number| {
        grant.metadata(format!("name-{number}"), &value)
    });
    assert_eq!(mint(most.clone()), Ok(()));
    assert_eq!(mint(live().metadata(&name, "v")), Ok(()));
    for grant in [
        most.metadata("one-more", "v"),
        live().metadata(name + "n", "v"),
        live().metadata("n", value + "v"),
        live().metadata("", "v"),
        live().metadata("n", ""),
        live().metadata("n", "a\nb"),
        live().metadata("a b", "v"),
        live().metadata("größe", "v"),
    ] {
        assert_eq!(mint(grant), Err(MintError::Grant(InvalidGrant::Metadata)));
    }
}

#[test]
fn limits_of_its_own_are_kept_in_the_file_and_become_those_of_the_principal() {
    let folder = Folder::new();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let grant = live()
        .limit("speak", 7)
        .limit("speak", 500)
        .limit("api-day", 20_000);
    let minted = scheme.mint(grant, NOW).unwrap();
    let id = minted.record().id();
    let written = minted.record().clone();
    folder.open().update(|table| table.insert(written)).unwrap();
    let table = folder.open().table();
    let read = table.get(id).unwrap();
    assert!(read.limits().eq([("api-day", 20_000), ("speak", 500)]));
    let own = read.principal().own_limits();
    assert_eq!(own.amount("speak").map(u32::from), Some(500));
    assert_eq!(own.iter().len(), 2);
    // A rotated key keeps them.
    let rotated = scheme.rotate(read, NOW, NOW).unwrap();
    assert_eq!(rotated.record().principal().own_limits(), own);
}

#[test]
fn limits_of_its_own_that_could_not_apply_are_refused() {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let mint = |grant| scheme.mint(grant, NOW).map(drop);
    let many = |count: u32| (1..=count).fold(live(), |grant, n| grant.limit(format!("l{n}"), n));
    assert_eq!(mint(many(8)), Ok(()));
    for (grant, problem) in [
        (many(9), OwnLimitsError::TooMany),
        (live().limit("speak", 0), OwnLimitsError::Zero),
        (live().limit("a b", 1), OwnLimitsError::InvalidName),
    ] {
        let refused = MintError::Grant(InvalidGrant::OwnLimits { problem });
        assert_eq!(mint(grant), Err(refused));
    }
}

#[test]
fn a_file_with_limits_that_could_not_apply_is_an_error() {
    let folder = Folder::new();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let minted = scheme.mint(live().limit("speak", 500), NOW).unwrap();
    let store = folder.open();
    store
        .update(|table| table.insert(minted.record().clone()))
        .unwrap();
    let (path, text) = (folder.path(), folder.text());
    let opens = || {
        FileKeyStore::builder(&path)
            .on_report(|_| {})
            .unwatched()
            .open()
            .is_ok()
    };
    for wrong in [
        "speak = 0",
        "speak = -1",
        "speak = 4294967296",
        "speak = 1.5",
        "speak = \"7\"",
    ] {
        fs::write(&path, text.replace("speak = 500", wrong)).unwrap();
        assert!(!opens(), "{wrong}");
    }
    fs::write(&path, &text).unwrap();
    assert!(opens());
}
