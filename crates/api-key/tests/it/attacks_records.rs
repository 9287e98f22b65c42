//! Records of the store that were copied, stolen or mixed up.

use palisade_api_key::{
    Environment, Grant, KeyRecord, KeyScheme, KeyStore, MemoryKeyStore, Pepper,
};

use crate::support::{Stand, ask, id_of, live, with_header};

/// Puts the digest of one key into the record of another.
fn transplant(digest_of: &KeyRecord, into: &KeyRecord) -> KeyRecord {
    KeyRecord::from_grant(
        into.id(),
        digest_of.digest().clone(),
        into.grant().clone(),
        into.created(),
    )
    .unwrap()
}

/// Gives a changed key the checksum that it needs: no secret is in it.
fn reseal(key: &str) -> String {
    let (signed, _) = key.rsplit_once('_').unwrap();
    let mut number = crc32fast::hash(signed.as_bytes());
    let mut digits = [0; 6];
    for place in digits.iter_mut().rev() {
        *place = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            [(number % 62) as usize];
        number /= 62;
    }
    format!("{signed}_{}", String::from_utf8(digits.to_vec()).unwrap())
}

#[test]
fn a_digest_copied_to_another_record_opens_nothing() {
    let stand = Stand::new();
    let (mine, theirs) = (stand.mint(live()), stand.mint(live().scopes(["admin"])));
    stand
        .store
        .replace(transplant(mine.record(), theirs.record()))
        .unwrap();
    let forged = mine
        .key()
        .replace(id_of(mine.key()).as_str(), id_of(theirs.key()).as_str());
    assert_eq!(stand.send(reseal(&forged)).reason(), Some("wrong secret"));
    assert_eq!(stand.send(theirs.key()).reason(), Some("wrong secret"));
    assert_eq!(
        stand.send(mine.key()).who(),
        Some(id_of(mine.key()).as_str())
    );
}

#[test]
fn a_test_key_renamed_to_live_opens_nothing() {
    let stand = Stand::new();
    let key = stand.mint(Grant::new(Environment::Test)).key().to_owned();
    assert_eq!(reseal(&key), key, "the checksum is public");
    let forged = reseal(&key.replace("_test_", "_live_"));
    assert_eq!(stand.send(&forged).reason(), Some("wrong secret"));
}

/// Answers every question with the same record.
#[derive(Debug)]
struct Careless(MemoryKeyStore, KeyRecord);

impl KeyStore for Careless {
    fn find(
        &self,
        _: palisade_api_key::KeyId,
    ) -> palisade_core::MaybeReady<
        Result<Option<std::sync::Arc<KeyRecord>>, palisade_api_key::StoreUnavailable>,
    > {
        self.0.find(self.1.id())
    }
}

#[test]
fn a_store_that_returns_the_wrong_record_admits_no_request() {
    let stand = Stand::new();
    let (asked, found) = (stand.mint(live()), stand.mint(live()));
    let store = MemoryKeyStore::new();
    let swapped = transplant(asked.record(), found.record());
    store.insert(swapped.clone()).unwrap();
    let layer = palisade_api_key::ApiKeyLayer::new(stand.scheme.clone(), Careless(store, swapped));
    let response = ask(layer, with_header("x-api-key", asked.key()));
    assert_eq!(response.reason(), Some("wrong secret"));
}

#[test]
fn a_stolen_store_opens_nothing_under_another_pepper() {
    let stand = Stand::new();
    let key = stand.key();
    let elsewhere = KeyScheme::new(Pepper::generate().unwrap());
    let layer = palisade_api_key::ApiKeyLayer::builder(elsewhere, stand.store.clone());
    let layer = layer.clock(stand.clock.shared()).build().unwrap();
    assert_eq!(
        ask(layer, with_header("x-api-key", &key)).reason(),
        Some("the record of this key was made with another pepper or prefix than the server's")
    );
}
