//! A token at first sight and at second, beside `jsonwebtoken::decode` 11.1 on the same aws-lc-rs.
#![allow(missing_docs)]

use std::{hint::black_box, time::Duration};

use benches::{Floor, request, run};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jsonwebtoken::{DecodingKey, Validation};
use palisade::core::SystemClock;
use palisade::jwt::{
    Algorithm, Issuer, JwtLayer, Verifier,
    mint::{SigningKey, Token},
};
use serde::Deserialize;
use tower::Layer as _;

#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "sub")]
    _subject: String,
}

fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("token");
    let pairs = [(Algorithm::Es256, "ES256"), (Algorithm::EdDsa, "EdDSA")];
    for (algorithm, name) in pairs {
        let signing = SigningKey::generate(algorithm)
            .expect("a key")
            .with_kid("one");
        let token =
            Token::new("https://id.example", "voice", "ann").lifetime(Duration::from_secs(3600));
        let token = token
            .scopes(["tts:speak"])
            .sign(&signing, &SystemClock::default())
            .expect("a token");
        let issuer = Issuer::new("https://id.example", "voice", signing.verifying_key());
        let verifier = Verifier::builder()
            .issuer(issuer)
            .build()
            .expect("a verifier");

        group.bench_function(format!("{name}: palisade, first sight"), |b| {
            b.iter(|| black_box(verifier.verify(&token)).expect("valid"));
        });
        let jwk = signing.public_jwk().expect("a public key").to_string();
        let key = DecodingKey::from_jwk(&parse(&jwk)).expect("a key");
        let mut validation = Validation::new(match algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            _ => jsonwebtoken::Algorithm::EdDSA,
        });
        validation.set_audience(&["voice"]);
        validation.set_issuer(&["https://id.example"]);
        group.bench_function(format!("{name}: jsonwebtoken::decode"), |b| {
            b.iter(|| {
                black_box(jsonwebtoken::decode::<Claims>(&token, &key, &validation)).expect("valid")
            });
        });

        let bearer = format!("Bearer {token}");
        let mut service = JwtLayer::new(verifier).layer(Floor);
        let shown = || {
            let mut request = request(None);
            request
                .headers_mut()
                .insert("authorization", bearer.parse().expect("a header"));
            request
        };
        assert_eq!(run(&mut service, shown()), 200);
        group.bench_function(format!("{name}: palisade's layer, second sight"), |b| {
            b.iter_batched(
                shown,
                |r| black_box(run(&mut service, r)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn parse(jwk: &str) -> jsonwebtoken::jwk::Jwk {
    serde_json::from_str(jwk).expect("a JWK")
}

criterion_group!(benches, tokens);
criterion_main!(benches);
