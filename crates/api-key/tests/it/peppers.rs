//! Several peppers: what each accepts, and how a digest comes under the current one.

use std::fs;

use http::StatusCode;
use palisade_api_key::{
    ApiKeyLayer, FileKeyStore, KeyFailure, KeyFormat, KeyScheme, MemoryKeyStore, MintedKey, Pepper,
    PepperRingError,
};

use crate::support::{MINUTE, NOW, ask, live, with_header};

fn pepper() -> Pepper {
    Pepper::generate().unwrap()
}

fn minted_by(pepper: &Pepper) -> MintedKey {
    KeyScheme::new(pepper.clone()).mint(live(), NOW).unwrap()
}

fn store_of(minted: &MintedKey) -> MemoryKeyStore {
    let store = MemoryKeyStore::new();
    store.insert(minted.record().clone()).unwrap();
    store
}

fn status(scheme: &KeyScheme, store: &MemoryKeyStore, key: &str) -> StatusCode {
    let layer = ApiKeyLayer::new(scheme.clone(), store.clone());
    ask(layer, with_header("x-api-key", key)).status
}

#[test]
fn a_key_under_another_pepper_is_accepted_and_comes_under_the_current_one() {
    let (old, new) = (pepper(), pepper());
    let minted = minted_by(&old);
    let store = store_of(&minted);
    let ring = KeyScheme::new(new.clone())
        .also_accept(old.clone())
        .unwrap();
    assert!(ring.made(minted.record()) && !ring.made_with_current_pepper(minted.record()));
    assert_eq!(status(&ring, &store, minted.key()), StatusCode::OK);

    let record = store.table().get(minted.record().id()).unwrap().clone();
    assert!(ring.made_with_current_pepper(&record));
    let alone = KeyScheme::new(new);
    assert_eq!(
        status(&alone, &store, minted.key()),
        StatusCode::OK,
        "without the old pepper"
    );
    let old = KeyScheme::new(old);
    assert_eq!(status(&old, &store, minted.key()), StatusCode::UNAUTHORIZED);
}

#[test]
fn without_the_other_pepper_the_key_is_refused_and_stays_as_it_is() {
    let minted = minted_by(&pepper());
    let store = store_of(&minted);
    let other = KeyScheme::new(pepper());
    assert_eq!(
        status(&other, &store, minted.key()),
        StatusCode::UNAUTHORIZED
    );
    let record = store.table().get(minted.record().id()).unwrap().clone();
    let presented = other.present(minted.key().as_bytes()).unwrap();
    assert_eq!(
        record.check(&presented, NOW, None),
        Err(KeyFailure::OtherScheme)
    );
}

#[test]
fn a_wrong_secret_is_wrong_under_every_pepper_and_renews_nothing() {
    let (old, new) = (pepper(), pepper());
    let minted = minted_by(&old);
    let store = store_of(&minted);
    let ring = KeyScheme::new(new).also_accept(old).unwrap();
    // Another secret of the same id: a second rotation that was never stored.
    let guess = ring.rotate(minted.record(), NOW, NOW).unwrap();
    assert_eq!(status(&ring, &store, guess.key()), StatusCode::UNAUTHORIZED);
    let record = store.table().get(minted.record().id()).unwrap().clone();
    assert_eq!(
        record.digest().to_text(),
        minted.record().digest().to_text()
    );
    let presented = ring.present(guess.key().as_bytes()).unwrap();
    assert_eq!(
        record.check(&presented, NOW, None),
        Err(KeyFailure::WrongSecret)
    );
}

#[test]
fn a_former_secret_is_renewed_in_its_own_place_and_ends_when_it_would() {
    let (old, new) = (pepper(), pepper());
    let first = minted_by(&old);
    let ring = KeyScheme::new(new.clone()).also_accept(old).unwrap();
    let second = ring.rotate(first.record(), NOW + MINUTE, NOW).unwrap();
    let store = store_of(&second);
    let presented = ring.present(first.key().as_bytes()).unwrap();
    let layer = ApiKeyLayer::builder(ring, store.clone());
    let layer = layer
        .clock(palisade_core::ManualClock::new(NOW).shared())
        .build()
        .unwrap();
    assert_eq!(
        ask(layer, with_header("x-api-key", first.key())).status,
        StatusCode::OK
    );
    let record = store.table().get(first.record().id()).unwrap().clone();
    let alone = KeyScheme::new(new);
    assert!(alone.made_with_current_pepper(&record));
    assert_eq!(
        record.digest().to_text(),
        second.record().digest().to_text()
    );
    assert_eq!(record.check(&presented, NOW, None), Ok(()));
    let ended = Err(KeyFailure::PreviousSecretExpired);
    assert_eq!(record.check(&presented, NOW + MINUTE, None), ended);
}

#[test]
fn a_renewal_that_comes_after_a_rotation_changes_nothing() {
    let (old, new) = (pepper(), pepper());
    let minted = minted_by(&old);
    let seen = Recorder::default();
    let ring = KeyScheme::new(new).also_accept(old).unwrap();
    let recorded = RecordingStore(store_of(&minted), seen.clone());
    let layer = ApiKeyLayer::new(ring.clone(), recorded);
    for _ in 0..3 {
        let response = ask(layer.clone(), with_header("x-api-key", minted.key()));
        assert_eq!(response.status, StatusCode::OK);
    }
    let renewals = std::mem::take(&mut *seen.lock().unwrap());
    let [renewal] = &renewals[..] else {
        panic!("{renewals:?}: once for each key and process");
    };
    let rotated = ring.rotate(minted.record(), NOW, NOW).unwrap();
    let store = store_of(&rotated);
    assert!(
        !store
            .update(|table| Ok::<_, ()>(table.renew_digest(renewal)))
            .unwrap()
    );
    let record = store.table().get(renewal.id()).unwrap().clone();
    assert_eq!(
        record.digest().to_text(),
        rotated.record().digest().to_text()
    );
    assert!(!format!("{renewal:?}").contains(&record.digest().to_text()[9..20]));
}

type Recorder = std::sync::Arc<std::sync::Mutex<Vec<palisade_api_key::DigestRenewal>>>;

/// Keeps the renewals, and writes none.
#[derive(Debug)]
struct RecordingStore(MemoryKeyStore, Recorder);

impl palisade_api_key::KeyStore for RecordingStore {
    fn find(
        &self,
        id: palisade_api_key::KeyId,
    ) -> palisade_core::MaybeReady<
        Result<
            Option<std::sync::Arc<palisade_api_key::KeyRecord>>,
            palisade_api_key::StoreUnavailable,
        >,
    > {
        self.0.find(id)
    }

    fn renew_digest(&self, renewal: palisade_api_key::DigestRenewal) {
        self.1.lock().unwrap().push(renewal);
    }
}

#[test]
fn a_file_has_the_new_digest_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    FileKeyStore::create(&path).unwrap();
    let (old, new) = (pepper(), pepper());
    let minted = minted_by(&old);
    let store = FileKeyStore::builder(&path).unwatched().open().unwrap();
    store
        .update(|table| table.insert(minted.record().clone()))
        .unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let ring = KeyScheme::new(new.clone()).also_accept(old).unwrap();
    let layer = ApiKeyLayer::new(ring.clone(), store.clone());
    let response = ask(layer, with_header("x-api-key", minted.key()));
    assert_eq!(response.status, StatusCode::OK);

    let is_new = || {
        let record = store.table().get(minted.record().id()).unwrap().clone();
        ring.made_with_current_pepper(&record)
    };
    assert!(palisade_internal::polling::holds_in_time(is_new));
    let after = fs::read_to_string(&path).unwrap();
    let without_digests = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("digest = "));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_ne!(before, after);
    assert_eq!(without_digests(&before), without_digests(&after));
    let again = FileKeyStore::builder(&path).unwatched().open().unwrap();
    let layer = ApiKeyLayer::new(KeyScheme::new(new), again);
    let response = ask(layer, with_header("x-api-key", minted.key()));
    assert_eq!(response.status, StatusCode::OK);
}

#[test]
fn a_ring_has_each_pepper_once_and_at_most_five() {
    let (old, new) = (pepper(), pepper());
    let ring = KeyScheme::new(new.clone())
        .also_accept(old.clone())
        .unwrap();
    for again in [old, new] {
        let error = ring.clone().also_accept(again).unwrap_err();
        assert_eq!(error, PepperRingError::Repeated);
    }
    let full = (0..3).fold(ring, |ring, _| ring.also_accept(pepper()).unwrap());
    assert_eq!(
        full.also_accept(pepper()).unwrap_err(),
        PepperRingError::TooMany
    );
}

#[test]
fn another_prefix_makes_another_scheme_also_for_other_peppers() {
    let (old, new) = (pepper(), pepper());
    let minted = minted_by(&old);
    let acme = KeyFormat::with_prefix("acme").unwrap();
    let ring = KeyScheme::with_format(acme, new).also_accept(old).unwrap();
    assert!(!ring.made(minted.record()));
}
