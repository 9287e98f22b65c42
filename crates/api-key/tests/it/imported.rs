//! Keys of other systems, imported by their SHA-256.

use http::StatusCode;
use palisade_api_key::{
    ApiKeyBuildError, ApiKeyLayer, Environment, Grant, KeyScheme, MemoryKeyStore, Pepper,
};
use sha2::{Digest as _, Sha256};

use crate::support::{NOW, ask, live, with_header};

const KEY: &str = "sk-live.0123456789abcdefghij";

fn scheme() -> KeyScheme {
    KeyScheme::new(Pepper::generate().unwrap()).dangerously_accept_imported_keys()
}

fn import(scheme: &KeyScheme, key: &str, grant: Grant) -> MemoryKeyStore {
    let sha256 = Sha256::digest(key).into();
    let store = MemoryKeyStore::new();
    let record = scheme
        .dangerously_import_sha256(sha256, grant, NOW)
        .unwrap();
    store.insert(record).unwrap();
    store
}

fn status(scheme: KeyScheme, store: &MemoryKeyStore, name: &str, value: &str) -> StatusCode {
    let builder = ApiKeyLayer::builder(scheme, store.clone()).imported_prefix("sk-");
    ask(builder.build().unwrap(), with_header(name, value)).status
}

#[test]
fn a_key_whose_sha256_was_imported_is_accepted_and_another_is_not() {
    let scheme = scheme();
    let store = import(&scheme, KEY, live().owner("acme").scopes(["tts:speak"]));
    let layer = ApiKeyLayer::new(scheme.clone(), store.clone());
    let response = ask(layer, with_header("x-api-key", KEY));
    assert_eq!(response.status, StatusCode::OK);
    let id = store.table().records()[0].id();
    assert_eq!(response.who(), Some(id.as_str()));
    assert!(!response.saw.unwrap().headers.contains_key("x-api-key"));
    let bearer = format!("Bearer {KEY}");
    assert_eq!(
        status(scheme.clone(), &store, "authorization", &bearer),
        StatusCode::OK
    );
    for other in [
        &KEY[..KEY.len() - 1],
        "sk-live.0123456789abcdefghik",
        &KEY.to_uppercase(),
    ] {
        let refused = status(scheme.clone(), &store, "x-api-key", other);
        assert_eq!(refused, StatusCode::UNAUTHORIZED, "{other}");
    }
    // What was stored is not the SHA-256 itself: it neither opens anything, nor can be tested without the pepper.
    let sha256 = palisade_internal::hex::encode(&Sha256::digest(KEY));
    let record = &store.table().records()[0];
    assert!(!record.digest().to_text().contains(&sha256));
    assert_eq!(
        status(scheme, &store, "x-api-key", &sha256),
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn without_the_loud_choice_an_imported_key_opens_nothing() {
    let pepper = Pepper::generate().unwrap();
    let loud = KeyScheme::new(pepper.clone()).dangerously_accept_imported_keys();
    let store = import(&loud, KEY, live());
    let layer = ApiKeyLayer::new(KeyScheme::new(pepper.clone()), store.clone());
    let response = ask(layer, with_header("x-api-key", KEY));
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    for prefix in ["sk-", "", "a b"] {
        let builder = ApiKeyLayer::builder(KeyScheme::new(pepper.clone()), store.clone());
        let error = builder.imported_prefix(prefix).build().unwrap_err();
        assert_eq!(error, ApiKeyBuildError::ImportedPrefix, "{prefix:?}");
    }
}

#[test]
fn an_imported_key_has_the_environment_the_dates_and_the_end_of_its_record() {
    let scheme = scheme();
    let store = import(&scheme, KEY, Grant::new(Environment::Test));
    assert_eq!(
        status(scheme.clone(), &store, "x-api-key", KEY),
        StatusCode::UNAUTHORIZED
    );
    let store = import(&scheme, KEY, live());
    let id = store.table().records()[0].id();
    store.revoke(id, NOW).unwrap();
    assert_eq!(
        status(scheme, &store, "x-api-key", KEY),
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn a_rotation_gives_an_imported_key_the_form_of_all_others() {
    let scheme = scheme();
    let store = import(&scheme, KEY, live());
    let record = store.table().records()[0].clone();
    let rotated = scheme.rotate(&record, NOW, NOW).unwrap();
    store.replace(rotated.record().clone()).unwrap();
    assert_eq!(
        status(scheme.clone(), &store, "x-api-key", KEY),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(scheme, &store, "x-api-key", rotated.key()),
        StatusCode::OK
    );
    assert!(rotated.key().starts_with("psk_live_"));
}

#[test]
fn an_imported_key_comes_under_the_current_pepper_too() {
    let (old, new) = (Pepper::generate().unwrap(), Pepper::generate().unwrap());
    let before = KeyScheme::new(old.clone()).dangerously_accept_imported_keys();
    let store = import(&before, KEY, live());
    let ring = KeyScheme::new(new.clone()).dangerously_accept_imported_keys();
    let ring = ring.also_accept(old).unwrap();
    assert_eq!(
        status(ring.clone(), &store, "x-api-key", KEY),
        StatusCode::OK
    );
    assert!(ring.made_with_current_pepper(&store.table().records()[0]));
    let alone = KeyScheme::new(new).dangerously_accept_imported_keys();
    assert_eq!(status(alone, &store, "x-api-key", KEY), StatusCode::OK);
}

#[test]
fn a_mistyped_key_of_the_own_format_is_not_looked_up() {
    let scheme = scheme();
    let minted = scheme.mint(live(), NOW).unwrap();
    let mistyped = minted.key().replacen("_live_", "_livf_", 1);
    assert!(scheme.present(mistyped.as_bytes()).is_err());
    assert!(scheme.present(minted.key().as_bytes()).is_ok());
    assert!(
        scheme
            .present(KEY.as_bytes())
            .unwrap()
            .environment()
            .is_none()
    );
}
