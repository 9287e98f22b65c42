//! Header and claims under a good signature, so that everything behind it is read: what is taken is exactly
//! what they say, and is what was asked for.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use palisade_core::{ManualClock, Secret};
use palisade_jwt::{Algorithm, Claims, Issuer, Verifier, mint::SigningKey};
use serde_json::Value;

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://tts.example";
const NOW: u64 = 1_800_000_000;
const LEEWAY: f64 = 60.0;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::from_secret(Algorithm::Hs256, &Secret::new(*b"the secret of this fuzz target!!")).expect("a key")
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    Verifier::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE, KEY.verifying_key()))
        .clock(ManualClock::new(Duration::from_secs(NOW)).shared())
        .build()
        .expect("a verifier")
});

// The first line is the header, the rest the claims.
fuzz_target!(|text: &str| {
    let (header, claims) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(token) = KEY.sign_raw(header, claims) else {
        return;
    };
    if let Ok(read) = VERIFIER.verify(&token) {
        let parse = |text| serde_json::from_str(text).expect("what was taken is JSON");
        check(&parse(header), &parse(claims), &read);
    }
});

fn check(header: &Value, claims: &Value, read: &Claims) {
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
    assert_eq!(
        (claims["iss"].as_str(), read.issuer()),
        (Some(ISSUER), ISSUER)
    );
    assert_eq!(claims.get("sub").and_then(Value::as_str), read.subject());
    assert_eq!(claims.get("jti").and_then(Value::as_str), read.token_id());
    let audience = &claims["aud"];
    let listed = audience
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one == AUDIENCE));
    assert!(audience == AUDIENCE || listed);
    let seconds = |name: &str| claims[name].as_f64();
    assert!(seconds("exp").is_some_and(|end| end > NOW as f64 - LEEWAY));
    assert!(seconds("nbf").is_none_or(|start| start <= NOW as f64 + LEEWAY));
    let written = [&claims["scope"], &claims["scp"]]
        .map(ToString::to_string)
        .concat();
    assert!(
        read.scopes()
            .all(|scope| !scope.contains(' ') && written.contains(scope))
    );
}
