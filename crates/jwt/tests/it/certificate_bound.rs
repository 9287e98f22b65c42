//! Tokens that are bound to a certificate of the client (RFC 8705).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, header::AUTHORIZATION};
use palisade_core::{ClientCertificate, testing::TestBody};
use palisade_jwt::{InvalidToken, Issuer, JwtLayer, dpop::DpopProofs, mint::DpopProof};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, EC, ISSUER, builder, clock, good, hmac, layer, request, send, verifier,
};

fn certificate(der: &[u8]) -> ClientCertificate {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, der).as_ref());
    ClientCertificate::new(sha256)
}

fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

fn token_with(confirmation: Value) -> String {
    let token = good().claim("cnf", confirmation);
    token.sign(&hmac(), &clock()).unwrap()
}

async fn status_on(layer: &JwtLayer, token: &str, connection: Option<&[u8]>) -> u16 {
    let mut request = request(token);
    if let Some(der) = connection {
        request.extensions_mut().insert(certificate(der));
    }
    send(layer, request).await.status.as_u16()
}

#[tokio::test]
async fn a_token_of_a_certificate_is_accepted_on_its_connection_only() {
    let layer = layer(&hmac());
    let token = token_with(json!({ "x5t#S256": thumbprint(b"ours") }));
    let (ours, other) = (b"ours".as_slice(), b"other".as_slice());
    // The second round is from the cache.
    for _ in 0..2 {
        assert_eq!(status_on(&layer, &token, None).await, 401);
        assert_eq!(status_on(&layer, &token, Some(other)).await, 401);
        assert_eq!(status_on(&layer, &token, Some(ours)).await, 200);
    }
    let unbound = good().sign(&hmac(), &clock()).unwrap();
    assert_eq!(status_on(&layer, &unbound, Some(ours)).await, 200);
}

#[tokio::test]
async fn near_misses_of_the_thumbprint_of_a_certificate_are_refused() {
    let right = thumbprint(b"ours");
    let mut last = right.clone();
    let end = if last.ends_with('A') { "E" } else { "A" };
    last.replace_range(42.., end);
    for confirmation in [
        json!({ "x5t#S256": format!("{right}=") }),
        json!({ "x5t#S256": right.to_lowercase() }),
        json!({ "x5t#S256": last }),
        json!({ "x5t#S256": "" }),
        json!({ "x5t#S256": 7 }),
        json!({ "x5t#S256": [right] }),
        json!({ "x5t": right }),
        json!({ "x5t#s256": right }),
        json!({ "x5t#S256": right, "jkt": right }),
        json!({ "x5t#S256": right, "x5u": "https://a.example" }),
        json!({}),
    ] {
        let token = token_with(confirmation.clone());
        let status = status_on(&layer(&hmac()), &token, Some(b"ours")).await;
        assert_eq!(status, 401, "{confirmation}");
    }
}

#[test]
fn without_a_connection_the_binding_is_not_checked_and_the_token_refused() {
    let token = token_with(json!({ "x5t#S256": thumbprint(b"ours") }));
    let refused = verifier(&hmac()).verify(&token).map(drop);
    assert_eq!(refused, Err(InvalidToken::ConfirmationUnchecked));
    let issuer = Issuer::new(ISSUER, AUDIENCE, hmac().verifying_key());
    let issuer = issuer.dangerously_ignore_confirmation();
    let lax = palisade_jwt::Verifier::builder().issuer(issuer);
    let lax = lax.clock(clock().shared()).build().unwrap();
    assert!(lax.verify(&token).is_ok());
}

/// A certificate is no proof of the key of a proof, nor the other way round.
#[tokio::test]
async fn one_binding_does_not_stand_in_for_the_other() {
    let proofs = DpopProofs::builder("https://tts.example");
    let both = |proofs: palisade_jwt::dpop::DpopProofsBuilder| {
        let verifier = builder(&hmac()).build().unwrap();
        let layer = JwtLayer::builder(verifier).dpop(proofs.build().unwrap());
        layer.build().unwrap()
    };
    let of_certificate = token_with(json!({ "x5t#S256": thumbprint(b"ours") }));
    let of_key = token_with(json!({ "jkt": EC.thumbprint() }));
    let layer = both(proofs.clone());
    assert_eq!(status_on(&layer, &of_certificate, Some(b"ours")).await, 200);
    assert_eq!(status_on(&layer, &of_key, Some(b"ours")).await, 401);
    let proof = DpopProof::new("GET", "https://tts.example/").for_token(&of_certificate);
    let mut sent = Request::get("/")
        .header(AUTHORIZATION, format!("DPoP {of_certificate}"))
        .header("dpop", proof.sign(&EC, &clock()).unwrap())
        .body(TestBody::default())
        .unwrap();
    sent.extensions_mut().insert(certificate(b"ours"));
    assert_eq!(send(&layer, sent).await.status, 401);
    let required = both(proofs.require_proofs());
    assert_eq!(
        status_on(&required, &of_certificate, Some(b"ours")).await,
        401
    );
}
