//! Tokens that are bound to a key of the client (DPoP, RFC 9449): near misses of a good proof.

mod handlers;
mod near_misses;
mod restart;

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, header::AUTHORIZATION};
use palisade_core::{
    Clock as _, ManualClock, Secret,
    testing::{TestBody, request as request_of_uri},
};
use palisade_jwt::{
    Algorithm, Issuer, JwtBuildError, JwtLayer, Verifier,
    dpop::{DpopProofs, DpopProofsBuilder, ProofMemory},
    mint::{DpopProof, SigningKey},
};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, EC, ISSUER, NOW, RSA, ReceivedResponse, clock, good, hmac, send, status,
};

const ORIGIN: &str = "https://tts.example";
const URL: &str = "https://tts.example/speak";

/// The key of the client.
static CLIENT: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

/// A layer of a process that has run for a minute.
fn layer_at(clock: &ManualClock, proofs: DpopProofsBuilder) -> JwtLayer {
    let proofs = proofs.build().unwrap();
    let minute_ago = clock.unix_time() - Duration::from_secs(60);
    let _first = layer_with(&ManualClock::new(minute_ago), proofs.clone());
    layer_with(clock, proofs)
}

/// A layer of a process that has just started.
fn started_at(clock: &ManualClock, proofs: DpopProofsBuilder) -> JwtLayer {
    layer_with(clock, proofs.build().unwrap())
}

fn layer_with(clock: &ManualClock, proofs: DpopProofs) -> JwtLayer {
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
    let verifier = Verifier::builder().issuer(issuer).clock(clock.shared());
    JwtLayer::builder(verifier.build().unwrap())
        .dpop(proofs)
        .build()
        .unwrap()
}

fn proofs() -> DpopProofsBuilder {
    DpopProofs::builder(ORIGIN)
}

fn layer() -> JwtLayer {
    layer_at(&clock(), proofs())
}

/// Mints a token that is bound to a key.
fn token_of(key: &SigningKey) -> String {
    let confirmation = json!({ "jkt": key.thumbprint().unwrap() });
    let token = good().claim("cnf", confirmation);
    token.sign(&hmac(), &clock()).unwrap()
}

fn bound() -> String {
    token_of(&CLIENT)
}

/// Signs a proof for the token with a key.
fn proof(token: &str) -> DpopProof {
    DpopProof::new("GET", URL).for_token(token)
}

fn signed(proof: &DpopProof) -> String {
    proof.sign(&CLIENT, &clock()).unwrap()
}

fn request(authorization: &str, proofs: &[&str]) -> Request<TestBody> {
    let mut request = Request::get("/speak").header(AUTHORIZATION, authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    request.body(TestBody::default()).unwrap()
}

async fn with_proof(layer: &JwtLayer, token: &str, proof: &str) -> ReceivedResponse {
    send(layer, request(&format!("DPoP {token}"), &[proof])).await
}

fn challenge(response: &ReceivedResponse) -> &str {
    response.headers["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn a_bound_token_with_its_proof_is_accepted() {
    let token = bound();
    let layer = layer();
    for _ in 0..3 {
        let response = with_proof(&layer, &token, &signed(&proof(&token))).await;
        assert_eq!(response.status, 200, "also from the cache");
    }
    let authorization = format!("dpop {token}");
    let lower = request(&authorization, &[&signed(&proof(&token))]);
    assert_eq!(
        send(&layer, lower).await.status,
        200,
        "a scheme has no case"
    );
}

#[tokio::test]
async fn every_kind_of_key_proves_possession() {
    for key in [
        SigningKey::generate(Algorithm::Es384).unwrap(),
        SigningKey::generate(Algorithm::EdDsa).unwrap(),
        RSA.clone(),
    ] {
        let token = token_of(&key);
        let proof = proof(&token).sign(&key, &clock()).unwrap();
        let response = with_proof(&layer(), &token, &proof).await;
        assert_eq!(response.status, 200, "{key:?}");
    }
}

/// Signs any header and claims with the key of the client.
#[tokio::test]
async fn a_bound_token_as_bearer_is_refused_also_from_the_cache() {
    let (layer, token) = (layer(), bound());
    assert_eq!(status(&layer, &token).await, 401);
    let response = with_proof(&layer, &token, &signed(&proof(&token))).await;
    assert_eq!(response.status, 200);
    assert_eq!(status(&layer, &token).await, 401, "now it is in the cache");
    let beside = request(&format!("Bearer {token}"), &[&signed(&proof(&token))]);
    assert_eq!(
        send(&layer, beside).await.status,
        401,
        "a proof does not help"
    );
}

#[tokio::test]
async fn a_proof_of_another_key_or_for_a_token_without_a_binding_is_refused() {
    let layer = layer();
    let token = bound();
    let of_thief = proof(&token).sign(&EC, &clock()).unwrap();
    let (signed_part, _) = of_thief.rsplit_once('.').unwrap();
    // Before the signature is verified, which costs much more.
    let unsigned = format!("{signed_part}.AAAA");
    for of_thief in [of_thief, unsigned] {
        let response = with_proof(&layer, &token, &of_thief).await;
        assert_eq!(response.status, 401);
        assert!(challenge(&response).contains("error=\"invalid_token\""));
    }

    let unbound = good().sign(&hmac(), &clock()).unwrap();
    let response = with_proof(&layer, &unbound, &signed(&proof(&unbound))).await;
    assert_eq!(response.status, 401);
    assert!(challenge(&response).contains("error=\"invalid_token\""));
    assert_eq!(
        status(&layer, &unbound).await,
        200,
        "as a bearer token it is good"
    );
}

#[tokio::test]
async fn a_confirmation_that_asks_for_more_than_a_thumbprint_is_refused() {
    let jkt = CLIENT.thumbprint().unwrap();
    for confirmation in [
        json!({}),
        json!(jkt),
        json!([jkt]),
        json!({ "jkt": 7 }),
        json!({ "jkt": "" }),
        json!({ "jkt": format!("{jkt}=") }),
        json!({ "jkt": jkt, "x5t#S256": "A".repeat(43) }),
        json!({ "x5t#S256": "A".repeat(43) }),
        json!({ "jwk": CLIENT.public_jwk().unwrap() }),
        json!(null),
    ] {
        let token = good().claim("cnf", confirmation.clone());
        let token = token.sign(&hmac(), &clock()).unwrap();
        let response = with_proof(&layer(), &token, &signed(&proof(&token))).await;
        assert_eq!(response.status, 401, "{confirmation}");
    }
}

#[tokio::test]
async fn no_proof_and_several_are_refused() {
    let token = bound();
    let (one, two) = (signed(&proof(&token)), signed(&proof(&token)));
    let (one, two) = (one.as_str(), two.as_str());
    for proofs in [&[][..], &[one, two], &[one, one], &["\u{e9}"]] {
        let response = send(&layer(), request(&format!("DPoP {token}"), proofs)).await;
        assert_eq!(response.status, 401, "{}", proofs.len());
        assert!(challenge(&response).contains("invalid_dpop_proof"));
    }
}

#[tokio::test]
async fn a_proof_is_accepted_once() {
    let (clock, token) = (clock(), bound());
    let layer = layer_at(&clock, proofs());
    let once = signed(&proof(&token));
    assert_eq!(with_proof(&layer, &token, &once).await.status, 200);
    for _ in 0..60 {
        assert_eq!(with_proof(&layer.clone(), &token, &once).await.status, 401);
        clock.advance(Duration::from_secs(1));
    }
    let same_name = signed(&proof(&token).claim("jti", "n"));
    let again = proof(&token).claim("jti", "n").claim("iat", NOW + 60);
    clock.advance(Duration::from_secs(0));
    assert_eq!(
        with_proof(&layer, &token, &same_name).await.status,
        401,
        "too old"
    );
    assert_eq!(
        with_proof(&layer, &token, &signed(&again)).await.status,
        200
    );
}

#[tokio::test]
async fn a_proof_that_is_refused_is_not_used_up() {
    let (layer, token) = (layer(), bound());
    let once = signed(&proof(&token));
    let mut post = request(&format!("DPoP {token}"), &[&once]);
    *post.method_mut() = Method::POST;
    assert_eq!(send(&layer, post).await.status, 401);
    assert_eq!(with_proof(&layer, &token, &once).await.status, 200);
}

#[tokio::test]
async fn one_key_cannot_fill_the_memory_of_proofs() {
    let layer = layer_at(&clock(), proofs().remembered_proofs(64));
    let (mine, other) = (bound(), token_of(&EC));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let response = with_proof(&layer, &mine, &signed(&proof(&mine))).await;
        statuses.push(response.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 503, 503]);
    let of_other = proof(&other).sign(&EC, &clock()).unwrap();
    assert_eq!(with_proof(&layer, &other, &of_other).await.status, 200);
}

#[tokio::test]
async fn a_nonce_is_asked_for_and_then_accepted() {
    let (clock, token) = (clock(), bound());
    let shared = || proofs().shared_nonces(Secret::new([7; 32]));
    let layer = layer_at(&clock, shared());
    let response = with_proof(&layer, &token, &signed(&proof(&token))).await;
    assert_eq!(response.status, 401);
    assert!(challenge(&response).contains("error=\"use_dpop_nonce\""));
    let nonce = response.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let with_nonce = || proof(&token).claim("nonce", nonce.as_str());
    assert_eq!(
        with_proof(&layer, &token, &signed(&with_nonce()))
            .await
            .status,
        200
    );
    let replica = layer_at(&clock, shared());
    assert_eq!(
        with_proof(&replica, &token, &signed(&with_nonce()))
            .await
            .status,
        200
    );

    let own = layer_at(&clock, proofs().require_nonces());
    for wrong in [json!(nonce), json!(""), json!(7), json!("x")] {
        let proof = signed(&proof(&token).claim("nonce", wrong));
        let response = with_proof(&own, &token, &proof).await;
        assert!(challenge(&response).contains("use_dpop_nonce"));
    }
}

#[tokio::test]
async fn both_schemes_are_named_or_only_the_required_one() {
    let none = || Request::get("/speak").body(TestBody::default()).unwrap();
    let of = |response: &ReceivedResponse| -> Vec<String> {
        let all = response.headers.get_all("www-authenticate").iter();
        all.map(|it| it.to_str().unwrap().to_owned()).collect()
    };
    let dpop = "DPoP realm=\"api\", algs=\"ES256 ES384 EdDSA PS256 RS256\"";
    let response = send(&layer(), none()).await;
    assert_eq!(of(&response), ["Bearer realm=\"api\"", dpop]);

    let required = layer_at(&clock(), proofs().require_proofs());
    assert_eq!(of(&send(&required, none()).await), [dpop]);
    let unbound = good().sign(&hmac(), &clock()).unwrap();
    assert_eq!(status(&required, &unbound).await, 401);
    let token = bound();
    let response = with_proof(&required, &token, &signed(&proof(&token))).await;
    assert_eq!(response.status, 200);
}

#[test]
fn choices_that_cannot_work_are_refused() {
    let error = |builder: DpopProofsBuilder| builder.build().unwrap_err();
    for origin in [
        "tts.example",
        "https://tts.example/speak",
        "",
        "https://a@b",
    ] {
        let refused = error(DpopProofs::builder(origin));
        assert!(matches!(refused, JwtBuildError::DpopOrigin(_)), "{origin}");
    }
    for algorithms in [&[][..], &[Algorithm::Es256, Algorithm::Hs256]] {
        let refused = error(proofs().algorithms(algorithms.iter().copied()));
        assert!(matches!(refused, JwtBuildError::DpopAlgorithms));
    }
    for out_of_bounds in [
        proofs().max_age(Duration::ZERO),
        proofs().max_age(Duration::from_secs(601)),
        proofs().leeway(Duration::from_secs(601)),
        proofs().remembered_proofs(15),
    ] {
        assert!(matches!(error(out_of_bounds), JwtBuildError::DpopBounds));
    }
    let short = error(proofs().shared_nonces(Secret::new([7; 31])));
    assert!(matches!(short, JwtBuildError::DpopNonceSecret));
}
