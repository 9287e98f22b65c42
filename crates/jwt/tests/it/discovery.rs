//! Keys that are found by the metadata of an issuer, over real HTTP.

use http::StatusCode;
use palisade_jwt::{InvalidToken, Issuer, JwksUrl, JwtBuildError, JwtLayer, Verifier, mint::Token};

use crate::{
    jwks_server::{ServedResponse, Server, set},
    support::{AUDIENCE, EC, RSA, clock, status},
};

/// Metadata as a server publishes it.
fn metadata(issuer: &str, keys: &str) -> String {
    format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}","scopes_supported":["openid"]}}"#)
}

/// An issuer that publishes metadata and keys.
async fn issuer() -> (Server, String) {
    let server = Server::start(ServedResponse::Paths(vec![])).await;
    let name = format!("http://{}/realms/x", server.address);
    publish(&server, &name, &format!("{name}/keys"));
    (server, name)
}

fn publish(server: &Server, issuer: &str, keys: &str) {
    let body = metadata(issuer, keys);
    server.now(ServedResponse::Paths(vec![
        ("/realms/x/.well-known/openid-configuration", body.clone()),
        ("/.well-known/oauth-authorization-server/realms/x", body),
        ("/realms/x/keys", set(&[&RSA])),
    ]));
}

fn source(issuer: &str) -> JwksUrl {
    JwksUrl::discovery_builder(issuer)
        .dangerously_allow_loopback_http()
        .build()
        .unwrap()
}

async fn token_is_accepted(name: &str, keys: JwksUrl) -> u16 {
    let verifier = Verifier::builder()
        .issuer(Issuer::new(name, AUDIENCE, keys))
        .clock(clock().shared())
        .build()
        .unwrap();
    let token = Token::new(name, AUDIENCE, "lin");
    status(
        &JwtLayer::new(verifier),
        &token.sign(&RSA, &clock()).unwrap(),
    )
    .await
}

#[tokio::test]
async fn keys_are_found_by_either_kind_of_metadata() {
    let (server, name) = issuer().await;
    assert_eq!(token_is_accepted(&name, source(&name)).await, 200);
    assert_eq!(server.hits(), 2, "metadata and keys");
    let oauth = JwksUrl::discovery_builder(&name)
        .oauth_metadata()
        .dangerously_allow_loopback_http()
        .build()
        .unwrap();
    assert_eq!(token_is_accepted(&name, oauth).await, 200);
}

#[tokio::test]
async fn metadata_of_another_issuer_gives_no_keys() {
    let (server, name) = issuer().await;
    let keys = format!("{name}/keys");
    for other in [
        format!("{name}/"),
        "https://evil.example".into(),
        String::new(),
    ] {
        publish(&server, &other, &keys);
        let warm = source(&name).warm_up().await;
        assert_eq!(warm, Err(InvalidToken::KeysUnavailable), "{other:?}");
    }
    assert_eq!(token_is_accepted(&name, source(&name)).await, 503);
}

#[tokio::test]
async fn an_address_of_keys_that_is_not_https_is_never_asked() {
    let (server, name) = issuer().await;
    for keys in [
        "http://keys.example/jwks",
        "http://169.254.169.254/keys",
        "http://localhost/keys",
        "file:///etc/passwd",
        "/realms/x/keys",
        "https://user:pass@keys.example/",
        "",
    ] {
        publish(&server, &name, keys);
        let before = server.hits();
        let warm = source(&name).warm_up().await;
        assert_eq!(warm, Err(InvalidToken::KeysUnavailable), "{keys:?}");
        assert_eq!(server.hits(), before + 1, "{keys:?}");
    }
}

#[tokio::test]
async fn a_moved_key_set_is_followed_at_the_next_fetch() {
    let (server, name) = issuer().await;
    let source = source(&name);
    source.warm_up().await.unwrap();
    let body = metadata(&name, &format!("http://{}/elsewhere", server.address));
    server.now(ServedResponse::Paths(vec![
        ("/realms/x/.well-known/openid-configuration", body),
        ("/elsewhere", set(&[&EC])),
    ]));
    source.warm_up().await.unwrap();
    let kids: Vec<_> = source
        .known()
        .unwrap()
        .keys()
        .map(|key| key.kid().unwrap().to_owned())
        .collect();
    assert_eq!(kids, ["ec"]);
}

#[tokio::test]
async fn while_metadata_fails_the_keys_before_stay() {
    let (server, name) = issuer().await;
    let source = source(&name);
    source.warm_up().await.unwrap();
    server.now(ServedResponse::Say(
        StatusCode::NOT_FOUND,
        vec![],
        String::new(),
    ));
    source.warm_up().await.unwrap();
    assert_eq!(token_is_accepted(&name, source).await, 200);
}

#[test]
fn an_issuer_that_is_no_https_address_is_an_error_at_start() {
    for issuer in [
        "",
        "login.example",
        "http://login.example",
        "https://login.example?tenant=x",
        "https://login.example#x",
        "https://user:pass@login.example",
    ] {
        let built = JwksUrl::discover(issuer);
        assert!(matches!(built, Err(JwtBuildError::Url(_))), "{issuer:?}");
    }
}

#[tokio::test]
async fn a_probe_reports_what_an_issuer_publishes_and_why_there_are_no_keys() {
    let (server, name) = issuer().await;
    let report = source(&name).probe().await;
    assert_eq!(report.problem, None);
    let metadata = report.metadata.unwrap();
    assert_eq!(metadata.issuer.as_deref(), Some(name.as_str()));
    assert_eq!(metadata.jwks_uri.as_deref(), report.keys_url.as_deref());
    assert_eq!(report.keys.unwrap().keys().len(), 1);
    assert!(report.date.unwrap().ends_with("GMT"));

    publish(&server, "https://other.example", &format!("{name}/keys"));
    let report = source(&name).probe().await;
    assert_eq!(report.problem, Some("metadata_of_another_issuer"));
    let other = report.metadata.unwrap().issuer;
    assert_eq!(other.as_deref(), Some("https://other.example"));
    assert!(report.keys.is_none() && report.keys_url.is_none());

    let secrets = r#"{"keys":[{"kty":"oct","k":"AA","kid":"s"}]}"#.to_owned();
    server.now(ServedResponse::Paths(vec![("/keys", secrets)]));
    let keys = format!("http://{}/keys", server.address);
    let builder = JwksUrl::builder(&keys).dangerously_allow_loopback_http();
    let report = builder.build().unwrap().probe().await;
    assert_eq!(report.problem, Some("no_usable_key"));
    assert!(report.metadata.is_none());
    let skipped = report.keys.unwrap();
    assert_eq!(skipped.skipped()[0].kid.as_deref(), Some("s"));

    server.now(ServedResponse::Paths(vec![]));
    assert_eq!(source(&name).probe().await.problem, Some("status"));
}
