//! `[dpop]`.

use palisade::ProtectedRouter;
use palisade::core::SystemClock;
use palisade::jwt::Algorithm;
use palisade::jwt::mint::{DpopProof, SigningKey, Token};
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
    send_to(app, request).await
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
        let told = with_proof(&setup, None).await;
        assert_eq!(told.status, 401, "{nonces}");
        assert!(challenges(&told)[0].contains("use_dpop_nonce"));
        let nonce = told.headers["dpop-nonce"].to_str().unwrap();
        // Another process: only the nonce of all replicas is accepted there, and tells nothing of proofs.
        let expected = if nonces.contains("shared") { 503 } else { 401 };
        let again = with_proof(&setup, Some(nonce)).await;
        assert_eq!(again.status, expected, "{nonces}");
    }
}
