//! Who a client is: API keys, and tokens that are new and tokens verified before.
//!
//! Tokens beside `jsonwebtoken::decode` on the same aws-lc-rs, with the same checks.
#![allow(missing_docs)]

use std::{hint::black_box, time::Duration};

use benches::{Floor, Regime, both_regimes, keys, settings, with_key};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::header::AUTHORIZATION;
use jsonwebtoken::{DecodingKey, Validation};
use palisade::core::SystemClock;
use palisade::jwt::{
    Algorithm, Issuer, JwtLayer, Verifier,
    mint::{SigningKey, Token},
};
use serde::Deserialize;
use tower::Layer as _;

/// What the peer makes of the claims.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "sub")]
    _subject: String,
}

fn api_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("identity");
    let (layer, key) = keys();
    // The same form, another key: the check of the last characters still holds for neither.
    let malformed = format!("{}x", key.trim_end_matches('x'));
    let (_, unknown) = keys();
    with_key(&mut group, "floor", Floor, None);
    with_key(
        &mut group,
        "API key admitted",
        layer.layer(Floor),
        Some(&key),
    );
    with_key(
        &mut group,
        "API key unknown",
        layer.layer(Floor),
        Some(&unknown),
    );
    with_key(
        &mut group,
        "API key malformed",
        layer.layer(Floor),
        Some(&malformed),
    );
    with_key(&mut group, "API key absent", layer.layer(Floor), None);
    group.finish();
}

fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("token");
    for (algorithm, peer, name) in [
        (Algorithm::Rs256, jsonwebtoken::Algorithm::RS256, "RS256"),
        (Algorithm::Es256, jsonwebtoken::Algorithm::ES256, "ES256"),
        (Algorithm::EdDsa, jsonwebtoken::Algorithm::EdDSA, "EdDSA"),
    ] {
        let signing = SigningKey::generate(algorithm)
            .expect("a key")
            .with_kid("one");
        one_algorithm(&mut group, name, &signing, peer);
    }
    group.finish();
}

fn one_algorithm(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    signing: &SigningKey,
    peer: jsonwebtoken::Algorithm,
) {
    let token = Token::new("https://id.example", "voice", "ann")
        .lifetime(Duration::from_secs(3600))
        .scopes(["tts:speak"])
        .sign(signing, &SystemClock::default())
        .expect("a token");
    let issuer = Issuer::new("https://id.example", "voice", signing.verifying_key());
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("a verifier");

    group.bench_function(format!("{name} new: palisade"), |bencher| {
        bencher.iter(|| black_box(verifier.verify(&token)).expect("valid"));
    });
    let jwk = signing.public_jwk().expect("a public key").to_string();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&jwk).expect("a JWK");
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let mut validation = Validation::new(peer);
    validation.set_audience(&["voice"]);
    validation.set_issuer(&["https://id.example"]);
    group.bench_function(format!("{name} new: jsonwebtoken"), |bencher| {
        bencher.iter(|| {
            black_box(jsonwebtoken::decode::<Claims>(&token, &key, &validation)).expect("valid")
        });
    });

    let bearer: http::HeaderValue = format!("Bearer {token}").parse().expect("a header");
    let service = JwtLayer::new(verifier).layer(Floor);
    let name = format!("{name} verified before: palisade's layer");
    both_regimes(group, &name, service, |regime: Regime, index| {
        let mut request = regime.request(None, index);
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        request
    });
}

criterion_group!(name = benches; config = settings(); targets = api_keys, tokens);
criterion_main!(benches);
