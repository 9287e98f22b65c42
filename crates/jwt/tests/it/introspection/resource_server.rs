//! Opaque tokens of a resource server: its audience, its scopes, and what is not built.

use std::time::Duration;

use http::Request;
use palisade_core::{
    AuthenticateLayer, CredentialState, Layer as _, SecurityContext,
    testing::{EmptyOk, TestBody},
};
use palisade_jwt::{
    Issuer, JwtBuildError,
    introspection::TokenIntrospection,
    resource_server::{ResourceServer, ResourceServerBuildError, ResourceServerBuilder},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{IssuerServer, active};
use crate::support::{ISSUER, clock, hmac};

const MCP: &str = "https://tts.example/mcp";

fn resource(uri: &str) -> ResourceServerBuilder {
    let issuer = Issuer::new(ISSUER, uri, hmac().verifying_key());
    let server = ResourceServer::builder(uri).authorization_server(issuer);
    server.clock(clock().shared())
}

/// Introspection by the issuer of a test, without an audience.
fn introspection(issuer: &IssuerServer) -> palisade_jwt::introspection::TokenIntrospectionBuilder {
    let url = format!("http://{}/introspect", issuer.address);
    TokenIntrospection::builder(url)
        .dangerously_allow_loopback_http()
        .client("tts", &palisade_core::Secret::new(*b"secret"))
        .clock(clock().shared())
}

fn says(audience: &str) -> Value {
    let mut response = active();
    response["aud"] = json!(audience);
    response
}

async fn status(server: &ResourceServer, path: &str, token: &str) -> u16 {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let request = request.body(TestBody::default()).unwrap();
    let service = server.layer(EmptyOk::default());
    service.oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_opaque_token_is_accepted_for_the_resource_that_the_issuer_names_and_no_other() {
    let issuer = IssuerServer::start(&says(MCP)).await;
    let server = |uri: &str| {
        let server = resource(uri).introspection(introspection(&issuer));
        server.build().unwrap()
    };
    let both = server(MCP).and(server("https://tts.example/v1")).unwrap();
    assert_eq!(status(&both, "/mcp", "opaque").await, 200);
    assert_eq!(status(&both, "/v1", "opaque").await, 401);
    issuer.says(200, &says("https://tts.example/v1"));
    assert_eq!(status(&both, "/mcp", "another").await, 401);
    assert_eq!(status(&both, "/v1", "another").await, 200);
    issuer.says(200, &json!({ "active": false }));
    assert_eq!(status(&both, "/mcp", "unknown").await, 401);
}

/// The context of a request that was admitted.
async fn admitted(server: &ResourceServer, path: &str) -> SecurityContext {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handler = tower::service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        sender.send(cx.clone()).unwrap();
        async { Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::default())) }
    });
    let request = Request::get(path).header("authorization", "Bearer opaque");
    let request = request.body(TestBody::default()).unwrap();
    server.layer(handler).oneshot(request).await.unwrap();
    receiver.try_recv().unwrap()
}

/// A WebSocket or a stream asks again. The issuer of another resource must not get the token, and what it
/// says does not count.
#[tokio::test]
async fn a_token_is_checked_again_by_the_resource_that_accepted_it_alone() {
    let other = IssuerServer::start(&says(MCP)).await;
    let own = IssuerServer::start(&says("https://tts.example/v1")).await;
    let server = |uri: &str, issuer: &IssuerServer| {
        let each_time = introspection(issuer).lifetime(Duration::ZERO);
        resource(uri).introspection(each_time).build().unwrap()
    };
    let first = || server(MCP, &other);
    let second = || server("https://tts.example/v1", &own);
    for both in [first().and(second()), second().and(first())] {
        let both = both.unwrap();
        other.says(200, &says(MCP));
        own.says(200, &says("https://tts.example/v1"));
        let cx = admitted(&both, "/v1/speak").await;
        let layer = AuthenticateLayer::new(both);
        let before = own.asked();
        assert_eq!(layer.recheck(&cx).await, CredentialState::Valid);
        assert_eq!((other.asked(), own.asked()), (0, before + 1));

        other.says(500, &json!({}));
        own.says(200, &json!({ "active": false }));
        let state = layer.recheck(&cx).await;
        assert!(matches!(state, CredentialState::Ended(_)), "{state:?}");
        assert_eq!(other.asked(), 0);
        // After a reload the resource may be gone.
        let reloaded = AuthenticateLayer::new(first());
        let state = reloaded.recheck(&cx).await;
        assert!(matches!(state, CredentialState::Ended(_)), "{state:?}");
        assert_eq!(other.asked(), 0);
    }
}

#[tokio::test]
async fn a_signed_token_is_never_sent_to_the_issuer() {
    let issuer = IssuerServer::start(&says(MCP)).await;
    let server = resource(MCP).introspection(introspection(&issuer));
    let server = server.build().unwrap();
    for forged in ["a.b.c", "eyJhbGciOiJub25lIn0.e30.", "."] {
        assert_eq!(status(&server, "/mcp", forged).await, 401, "{forged}");
    }
    assert_eq!(issuer.asked(), 0);
    assert_eq!(status(&server, "/elsewhere", "opaque").await, 401);
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn without_introspection_an_opaque_token_is_refused() {
    let server = resource(MCP).build().unwrap();
    assert_eq!(status(&server, "/mcp", "opaque").await, 401);
}

#[tokio::test]
async fn a_broader_scope_of_an_opaque_token_includes_the_narrower_ones() {
    let mut response = says(MCP);
    response["scope"] = json!("tts:admin");
    let issuer = IssuerServer::start(&response).await;
    let server = resource(MCP)
        .scope_implies("tts:admin", ["tts:speak"])
        .introspection(introspection(&issuer))
        .build()
        .unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let handler = tower::service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        sender.send(cx.principal().cloned().unwrap()).unwrap();
        async { Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::default())) }
    });
    let request = Request::get("/mcp").header("authorization", "Bearer opaque");
    let request = request.body(TestBody::default()).unwrap();
    server.layer(handler).oneshot(request).await.unwrap();
    let who = receiver.recv().unwrap();
    assert!(who.has_scope("tts:speak") && who.has_scope("tts:admin"));
}

#[tokio::test]
async fn what_would_accept_tokens_of_others_or_without_a_proof_is_not_built() {
    let issuer = IssuerServer::start(&says(MCP)).await;
    let own = || introspection(&issuer).audience("everything");
    for builder in [
        own(),
        introspection(&issuer).dangerously_accept_any_audience(),
    ] {
        let built = resource(MCP).introspection(builder).build();
        let error = built.map(drop).unwrap_err();
        assert!(
            matches!(error, ResourceServerBuildError::IntrospectionAudience),
            "{error}"
        );
    }
    let loud = resource(MCP)
        .dangerously_accept_other_audiences()
        .introspection(own());
    issuer.says(200, &says("everything"));
    assert_eq!(status(&loud.build().unwrap(), "/mcp", "opaque").await, 200);

    let bound = resource(MCP)
        .dpop(|proofs| proofs.require_proofs())
        .introspection(introspection(&issuer));
    let error = bound.build().map(drop).unwrap_err();
    let required = ResourceServerBuildError::IntrospectionWithRequiredProofs;
    assert_eq!(error.to_string(), required.to_string());

    let scope = introspection(&issuer)
        .audience("a")
        .scope_implies("a b", ["c"])
        .build();
    assert!(matches!(scope, Err(JwtBuildError::Scope(_))));
}
