//! Tokens as attackers send them: none is valid, whatever it contains, because no one else has the keys.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use palisade_core::ManualClock;
use palisade_jwt::{Algorithm, Issuer, KeySet, Verifier, mint::SigningKey};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let algorithms = [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ];
    let keys = algorithms.map(|algorithm| {
        let key = SigningKey::generate(algorithm).expect("a key");
        key.with_kid(algorithm.name()).verifying_key()
    });
    let keys = KeySet::from_keys(keys).expect("four keys");
    Verifier::builder()
        .issuer(Issuer::new(
            "https://login.example",
            "https://tts.example",
            keys,
        ))
        .clock(ManualClock::new(Duration::from_secs(1_800_000_000)).shared())
        .build()
        .expect("a verifier")
});

fuzz_target!(|token: &str| {
    let refused = VERIFIER.verify(token).expect_err("no key signed it");
    assert!(!refused.code().is_empty());
});
