//! `[dpop]`.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use palisade::ProtectedRouter;
use palisade::config::Running;
use palisade::core::{ManualClock, SystemClock};
use palisade::jwt::dpop::{DpopProofs, ProofMemory};
use palisade::jwt::mint::{DpopProof, SigningKey, Token};
use palisade::jwt::{Algorithm, Issuer, JwtLayer, Verifier};
use serde_json::json;

use super::{BASE, ISSUER, RESOURCE, RESOURCES, Setup, challenges, with_authorization, with_token};
use crate::support::{TestResponse, request, send_to};

/// Sends a bound token with a proof that is made a moment after the start.
async fn with_proof(setup: &Setup, nonce: Option<&str>) -> TestResponse {
    send_proof(setup, &setup.app(), nonce).await
}

/// Asks for a nonce, and sends a proof with it.
async fn with_nonce(setup: &Setup) -> TestResponse {
    let app = setup.app();
    let told = send_proof(setup, &app, None).await;
    let nonce = told.headers.get("dpop-nonce").expect("nonces are required");
    send_proof(setup, &app, Some(nonce.to_str().unwrap())).await
}

async fn send_proof(setup: &Setup, app: &ProtectedRouter, nonce: Option<&str>) -> TestResponse {
    send_to(app, bound_request(setup, nonce)).await
}

fn bound_request(setup: &Setup, nonce: Option<&str>) -> Request<Body> {
    let client = SigningKey::generate(Algorithm::Es256).unwrap();
    let confirmation = json!({ "jkt": client.thumbprint() });
    let token = Token::new(ISSUER, RESOURCE, "lin").claim("cnf", confirmation);
    let token = setup.sign(&token);
    let clock = SystemClock::shared();
    let proof = DpopProof::new("GET", RESOURCE).for_token(&token);
    let proof = proof.claim("iat", clock.unix_time().as_secs() + 1);
    let proof = match nonce {
        Some(nonce) => proof.claim("nonce", nonce),
        None => proof,
    };
    let proof = proof.sign(&client, &*clock).unwrap();
    let mut request = with_authorization("GET", "/mcp", &format!("DPoP {token}"));
    request.headers_mut().insert("dpop", proof.parse().unwrap());
    request
}

#[tokio::test]
async fn proofs_of_a_file_are_checked_for_a_resource_and_for_a_plain_service() {
    assert_eq!(
        with_proof(&Setup::new(&format!("{BASE}{RESOURCES}")), None)
            .await
            .status,
        401
    );
    let resource = Setup::new(&format!("{BASE}{RESOURCES}[dpop]\nrequire_nonces = true\n"));
    assert_eq!(with_nonce(&resource).await.status, 200);

    let own = BASE.replace(
        "jwks_file",
        &format!("audience = \"{RESOURCE}\"\njwks_file"),
    );
    let plain = |keys: &str| {
        let origin = "origin = \"https://service.test\"";
        Setup::new(&format!("{own}[dpop]\n{origin}\n{keys}\n"))
    };
    let new = with_proof(&plain(""), None).await;
    assert_eq!(new.status, 503, "it may have been used before the start");
    let nonces = plain("require_nonces = true");
    assert_eq!(with_nonce(&nonces).await.status, 200);
    let all = plain(
        "algorithms = [\"ES256\"]\nmax_age_seconds = 30\nleeway_seconds = 5\nremembered_proofs = 64\n\
         require_proofs = true\nrequire_nonces = true",
    );
    assert_eq!(with_nonce(&all).await.status, 200);
    let unbound = all.token(RESOURCE, &[]);
    let seen = send_to(&all.app(), with_token("GET", "/mcp", &unbound)).await;
    assert_eq!(seen.status, 401, "require_proofs");
    let none = send_to(&all.app(), request("GET", "/mcp", None)).await;
    assert_eq!(challenges(&none), ["DPoP realm=\"api\", algs=\"ES256\""]);
    let other = with_proof(&plain("algorithms = [\"EdDSA\"]"), None).await;
    assert_eq!(other.status, 401);

    for nonces in [
        "require_nonces = true",
        "shared_nonces = { file = \"secret\" }",
    ] {
        let setup = plain(nonces);
        let process = || {
            let (memory, before) = memory_of_a_minute_ago("https://service.test");
            let mut running = Running::new();
            running.proofs = memory;
            (setup.app_with(running), before)
        };
        let (app, _before) = process();
        let told = send_proof(&setup, &app, None).await;
        assert_eq!(told.status, 401, "{nonces}");
        assert!(challenges(&told)[0].contains("use_dpop_nonce"));
        let nonce = told.headers["dpop-nonce"].to_str().unwrap();
        // Another process: only the nonce of all replicas is accepted there.
        let (other, _before) = process();
        let expected = if nonces.contains("shared") { 200 } else { 401 };
        let again = send_proof(&setup, &other, Some(nonce)).await;
        assert_eq!(again.status, expected, "{nonces}");
    }
}

/// The memory of a service that has run for a minute.
fn memory_of_a_minute_ago(name: &str) -> (ProofMemory, JwtLayer) {
    let memory = ProofMemory::new();
    let clock = SystemClock::shared();
    let minute_ago = ManualClock::new(clock.unix_time() - Duration::from_secs(60));
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let issuer = Issuer::new(ISSUER, RESOURCE, key.verifying_key());
    let verifier = Verifier::builder()
        .issuer(issuer)
        .clock(minute_ago.shared());
    let proofs = DpopProofs::builder("https://service.test").memory(&memory, name);
    let layer = JwtLayer::builder(verifier.build().unwrap()).dpop(proofs.build().unwrap());
    (memory, layer.build().unwrap())
}

#[tokio::test]
async fn a_reload_of_the_file_keeps_the_proofs_that_were_used() {
    let origin = "https://service.test";
    let own = BASE.replace(
        "jwks_file",
        &format!("audience = \"{RESOURCE}\"\njwks_file"),
    );
    for (text, name) in [
        (format!("{BASE}{RESOURCES}[dpop]\n"), RESOURCE),
        (format!("{own}[dpop]\norigin = \"{origin}\"\n"), origin),
    ] {
        let (memory, _before) = memory_of_a_minute_ago(name);
        let setup = Setup::new(&text);
        let mut running = Running::new();
        running.proofs = memory;
        let request = bound_request(&setup, None);
        let first = setup.app_with(running.clone());
        assert_eq!(send_to(&first, again(&request)).await.status, 200, "{text}");
        let second = setup.app_with(running);
        assert_eq!(
            send_to(&second, again(&request)).await.status,
            401,
            "{text}"
        );
    }
}

fn again(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    copy
}
