//! Keys that are sent without TLS, and the failures that are no guess.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::StatusCode;
use palisade_api_key::{
    ApiKeyLayer, Environment, Grant, KeyId, KeyRecord, KeyStore, MemoryKeyStore, StoreUnavailable,
};
use palisade_core::{AuthenticateLayer, CredentialFailure, Fact, MaybeReady, SecurityContext};

use crate::support::{MINUTE, NOW, Stand, id_of, live, with_header};

#[test]
fn a_key_with_the_right_secret_is_no_guess() {
    let stand = Stand::new();
    let kind_of = |key: &str| stand.send(key).failure_kinds;
    let expired = stand.mint(live().expires(NOW + MINUTE));
    let early = stand.mint(live().not_before(NOW + MINUTE + MINUTE));
    let revoked = stand.mint(live());
    stand.store.revoke(revoked.record().id(), NOW).unwrap();
    let test = stand.mint(Grant::new(Environment::Test));
    let rotated = stand.mint(live());
    let next = stand
        .scheme
        .rotate(rotated.record(), NOW + MINUTE, NOW)
        .unwrap();
    stand.store.replace(next.record().clone()).unwrap();
    stand.clock.advance(MINUTE);
    for (key, kind) in [
        (expired.key(), CredentialFailure::Expired),
        (rotated.key(), CredentialFailure::Expired),
        (early.key(), CredentialFailure::NotYetValid),
        (revoked.key(), CredentialFailure::Revoked),
        (test.key(), CredentialFailure::NotAllowedHere),
        (&*Stand::new().key(), CredentialFailure::Guess),
        ("psk_live_x", CredentialFailure::Guess),
    ] {
        assert_eq!(kind_of(key), [kind], "{kind:?}");
    }
}

/// Shows a key as `HttpsLayer` does when it came in clear. Returns what is recorded.
fn shown_in_clear(layer: ApiKeyLayer, key: &str) -> Vec<Fact> {
    let mut head = with_header("x-api-key", key).into_parts().0;
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(AuthenticateLayer::new(layer).record_exposed(&cx, &mut head));
    assert!(head.headers.is_empty(), "the key is taken out");
    cx.facts()
}

#[test]
fn a_key_sent_in_clear_is_named_and_can_be_revoked() {
    let stand = Stand::new();
    let (key, store) = (stand.key(), stand.store.clone());
    let layer = stand.builder();
    let layer = layer.on_exposed(move |id| store.revoke(id, NOW).unwrap());
    let layer = layer.build().unwrap();
    assert_eq!(stand.send(&key).status, StatusCode::OK);
    let facts = shown_in_clear(layer.clone(), &key);
    let id = id_of(&key).to_string();
    let expected = Fact::CredentialExposed {
        kind: "api_key".into(),
        id: Some(id.into()),
    };
    assert_eq!(facts, std::slice::from_ref(&expected));
    assert_eq!(stand.send(&key).reason(), Some("key revoked"));
    // Named again, and not revoked again: that would panic here.
    assert_eq!(shown_in_clear(layer, &key), [expected]);
}

#[test]
fn the_key_of_another_is_not_revoked_by_sending_its_id_in_clear() {
    let stand = Stand::new();
    let key = stand.key();
    let unknown = Stand::new().key();
    let record = stand.store.table().get(id_of(&key)).unwrap().clone();
    let other_secret = stand.scheme.rotate(&record, NOW, NOW).unwrap();
    let layer = stand
        .builder()
        .on_exposed(|id| panic!("{id} was not shown"));
    let layer = layer.build().unwrap();
    for key in [other_secret.key(), &unknown, "psk_live_", "nonsense"] {
        let [Fact::CredentialExposed { kind, id: None }] = &shown_in_clear(layer.clone(), key)[..]
        else {
            panic!("{key} is named");
        };
        assert_eq!(kind, "api_key");
    }
}

#[test]
fn a_secret_that_was_rotated_out_does_not_revoke_its_successor() {
    let stand = Stand::new();
    let old = stand.key();
    let record = stand.store.table().get(id_of(&old)).unwrap().clone();
    let new = stand.scheme.rotate(&record, NOW + MINUTE, NOW).unwrap();
    stand.store.replace(new.record().clone()).unwrap();
    stand.clock.advance(2 * MINUTE);
    let layer = stand.builder().on_exposed(|id| panic!("{id} was revoked"));
    let facts = shown_in_clear(layer.build().unwrap(), &old);
    assert!(
        matches!(&facts[..], [Fact::CredentialExposed { id: Some(_), .. }]),
        "{facts:?}"
    );
}

#[test]
fn a_disabled_key_that_was_sent_in_clear_is_not_enabled_again() {
    let stand = Stand::new();
    let (key, store) = (stand.key(), stand.store.clone());
    let disable = |table: &mut palisade_api_key::KeyTable| table.disable(id_of(&key), NOW);
    stand.store.update(disable).unwrap();
    let layer = stand.builder();
    let layer = layer.on_exposed(move |id| store.revoke(id, NOW).unwrap());
    shown_in_clear(layer.build().unwrap(), &key);
    let enabled = stand.store.update(|table| table.enable(id_of(&key)));
    assert!(enabled.is_err(), "it is revoked");
    assert_eq!(stand.send(&key).reason(), Some("key revoked"));
}

/// Replies when it is polled for the second time, as a server does.
#[derive(Debug)]
struct Later(MemoryKeyStore);

impl KeyStore for Later {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        let found = self.0.find(id);
        MaybeReady::pending(async move {
            tokio::task::yield_now().await;
            found.get().await
        })
    }
}

/// Shows keys in clear to a layer over a store that replies later. Returns how often the function was called.
async fn calls_of_slow_store(stand: &Stand, keys: &[&str]) -> usize {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let layer = ApiKeyLayer::builder(stand.scheme.clone(), Later(stand.store.clone()))
        .clock(stand.clock.shared())
        .on_exposed(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
    let layer = layer.build().unwrap();
    for key in keys {
        let facts = shown_in_clear(layer.clone(), key);
        assert!(
            matches!(&facts[..], [Fact::CredentialExposed { id: None, .. }]),
            "{facts:?}"
        );
    }
    // The runtime has one thread: all tasks have ended when they were polled three times.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    calls.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_key_in_clear_is_looked_up_where_the_store_replies_later() {
    let stand = Stand::new();
    let key = stand.key();
    assert_eq!(calls_of_slow_store(&stand, &[&key]).await, 1);
    let record = stand.store.table().get(id_of(&key)).unwrap().clone();
    let other_secret = stand.scheme.rotate(&record, NOW, NOW).unwrap();
    let unknown = Stand::new().key();
    let not_ours = [other_secret.key(), &*unknown, "nonsense"];
    assert_eq!(calls_of_slow_store(&stand, &not_ours).await, 0);
}

#[tokio::test]
async fn keys_in_clear_are_looked_up_in_bounded_number() {
    let stand = Stand::new();
    let key = stand.key();
    let flood = vec![&*key; 200];
    assert_eq!(calls_of_slow_store(&stand, &flood).await, 64);
}
