//! What a handler sees of a request with a proof.

use http::HeaderMap;
use palisade_core::Layer as _;
use tower::ServiceExt as _;

use super::*;
use crate::support::seen;

async fn headers_of(layer: &JwtLayer, request: Request<TestBody>) -> Option<HeaderMap> {
    let seen = seen(layer, request).await;
    seen.map(|(_, headers)| headers)
}

#[tokio::test]
async fn no_handler_sees_the_proof_whatever_the_scheme() {
    let (layer, token) = (layer(), bound());
    let sent = request(&format!("DPoP {token}"), &[&signed(&proof(&token))]);
    let headers = headers_of(&layer, sent).await.unwrap();
    assert!(headers.is_empty(), "{headers:?}");

    let unbound = good().sign(&hmac(), &clock()).unwrap();
    let own = signed(&proof(&unbound));
    let beside = request(&format!("Bearer {unbound}"), &[&own, &own]);
    let headers = headers_of(&layer, beside).await.unwrap();
    assert!(headers.is_empty(), "{headers:?}");
}

#[tokio::test]
async fn a_layer_further_in_checks_the_proof_that_an_outer_one_took() {
    let token = bound();
    let (outer, inner) = (layer(), layer());
    let service = outer.layer(inner.layer(palisade_core::testing::EmptyOk::default()));
    let once = request(&format!("DPoP {token}"), &[&signed(&proof(&token))]);
    let response = service.clone().oneshot(once).await.unwrap();
    assert_eq!(response.status(), 200);
    let without = request(&format!("DPoP {token}"), &[]);
    let response = service.oneshot(without).await.unwrap();
    assert_eq!(response.status(), 401);
}
