//! What a resource server is not built with: choices that would go around its checks, or cannot work.

use palisade_jwt::{JwtLayer, Verifier};

use super::*;

#[test]
fn issuers_and_proofs_do_not_go_around_the_resource() {
    let builder = || {
        let issuer = Issuer::new(ISSUER, MCP, hmac().verifying_key());
        ResourceServer::builder(MCP).authorization_server(issuer.label("own"))
    };
    let other = Issuer::new("https://other.example", "everything", EC.verifying_key());
    let around = builder().verifier(|verifier| verifier.issuer(other.label("other")));
    assert!(matches!(
        around.build(),
        Err(ResourceServerBuildError::IssuersInVerifier)
    ));
    let proofs = DpopProofs::builder("https://tts.example").build().unwrap();
    let around = builder().tokens(move |layer| layer.dpop(proofs.clone()));
    assert!(matches!(
        around.build(),
        Err(ResourceServerBuildError::ProofsInTokens)
    ));
}

/// The functions of the builder get a builder and could return another one.
#[test]
fn another_builder_in_place_of_the_given_one_does_not_go_around_the_resource() {
    let builder = || {
        let issuer = Issuer::new(ISSUER, MCP, hmac().verifying_key());
        ResourceServer::builder(MCP).authorization_server(issuer)
    };
    let issuer = Issuer::new(ISSUER, "everything", hmac().verifying_key());
    let other = Verifier::builder().issuer(issuer).build().unwrap();
    let around = builder().tokens(move |_| JwtLayer::builder(other.clone()));
    let after = around.clone().tokens(|layer| layer.realm("speech"));
    for around in [around, after] {
        assert!(matches!(
            around.build(),
            Err(ResourceServerBuildError::VerifierInTokens)
        ));
    }
    for origin in ["https://other.example", "http://tts.example"] {
        let around = builder().dpop(move |_| DpopProofs::builder(origin));
        assert!(matches!(
            around.build(),
            Err(ResourceServerBuildError::OriginInDpop)
        ));
    }
    // The same origin in another spelling.
    let same = builder().dpop(|_| DpopProofs::builder("HTTPS://TTS.example:443/"));
    assert!(same.build().is_ok());
}

#[test]
fn what_cannot_work_is_not_built() {
    let builder = || {
        let issuer = Issuer::new(ISSUER, MCP, hmac().verifying_key());
        ResourceServer::builder(MCP).authorization_server(issuer)
    };
    let scope = |built| matches!(built, Err(ResourceServerBuildError::Scope(_)));
    for odd in ["", "a b", "a\"b", "a\\b", "\u{e9}"] {
        assert!(scope(builder().scopes([odd]).build()), "{odd:?}");
        assert!(scope(builder().initial_scopes([odd]).build()), "{odd:?}");
        assert!(
            scope(builder().scope_implies("a", [odd]).build()),
            "{odd:?}"
        );
        assert!(
            scope(builder().scope_implies(odd, ["a"]).build()),
            "{odd:?}"
        );
    }
    let plain = ResourceServer::builder("http://tts.example/mcp").build();
    assert!(matches!(plain, Err(ResourceServerBuildError::Uri(..))));
    let none = ResourceServer::builder(MCP).build();
    assert!(matches!(
        none,
        Err(ResourceServerBuildError::NoAuthorizationServer)
    ));
}
