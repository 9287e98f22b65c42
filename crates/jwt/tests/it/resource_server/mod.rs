//! A resource server in one call: its own tokens, its challenges, its metadata.

mod build;

use http::{Method, Request, StatusCode, header::AUTHORIZATION};
use http_body_util::BodyExt as _;
use palisade_core::{
    Layer as _,
    testing::{EmptyOk, TestBody},
};
use palisade_jwt::{
    Issuer,
    dpop::DpopProofs,
    mint::{SigningKey, Token},
    resource_server::{ResourceServer, ResourceServerBuildError},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{EC, ISSUER, NOW, ReceivedResponse, clock, hmac};

const MCP: &str = "https://tts.example/mcp";
const METADATA: &str = "https://tts.example/.well-known/oauth-protected-resource/mcp";

fn of(uri: &str) -> ResourceServer {
    let issuer = Issuer::new(ISSUER, uri, hmac().verifying_key());
    ResourceServer::builder(uri)
        .authorization_server(issuer)
        .scopes(["tts:speak", "tts:list"])
        .name("Speech")
        .clock(clock().shared())
        .build()
        .unwrap()
}

/// Mints a token of the issuer for an audience.
fn token(audience: &str) -> Token {
    Token::new(ISSUER, audience, "lin")
}

fn sign(token: &Token, key: &SigningKey) -> String {
    token.sign(key, &clock()).unwrap()
}

async fn send(server: &ResourceServer, request: Request<TestBody>) -> ReceivedResponse {
    let service = server.layer(EmptyOk::default());
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    ReceivedResponse {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn request(method: Method, uri: &str, token: Option<&str>) -> Request<TestBody> {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(TestBody::default()).unwrap()
}

async fn get(server: &ResourceServer, uri: &str, token: Option<&str>) -> ReceivedResponse {
    send(server, request(Method::GET, uri, token)).await
}

#[tokio::test]
async fn a_token_for_this_resource_is_accepted() {
    let server = of(MCP);
    for path in ["/mcp", "/mcp/a/b", "/mcp?q=1"] {
        let response = get(&server, path, Some(&sign(&token(MCP), &hmac()))).await;
        assert_eq!(response.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn tokens_that_are_not_for_this_resource_are_refused() {
    let server = of(MCP);
    let claims = |changed: Value| {
        let mut claims = json!({
            "iss": ISSUER, "aud": MCP, "sub": "lin", "exp": NOW + 300, "iat": NOW
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(changed.as_object().unwrap().clone());
        all.retain(|_, value| !value.is_null());
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        hmac().sign_raw(header, &claims.to_string()).unwrap()
    };
    assert_eq!(
        get(&server, "/mcp", Some(&claims(json!({})))).await.status,
        200
    );
    for (name, token) in [
        (
            "another resource",
            claims(json!({"aud": "https://tts.example/v1"})),
        ),
        (
            "the whole host",
            claims(json!({"aud": "https://tts.example"})),
        ),
        (
            "a path below",
            claims(json!({"aud": "https://tts.example/mcp/a"})),
        ),
        (
            "a slash more",
            claims(json!({"aud": "https://tts.example/mcp/"})),
        ),
        (
            "another case",
            claims(json!({"aud": "https://tts.example/MCP"})),
        ),
        (
            "another scheme",
            claims(json!({"aud": "http://tts.example/mcp"})),
        ),
        (
            "another host",
            claims(json!({"aud": "https://tts.example.evil.example/mcp"})),
        ),
        ("no audience", claims(json!({"aud": null}))),
        ("empty audience", claims(json!({"aud": []}))),
        (
            "another issuer",
            claims(json!({"iss": "https://evil.example"})),
        ),
        (
            "issuer and a slash",
            claims(json!({"iss": format!("{ISSUER}/")})),
        ),
        ("an ID token", claims(json!({"nonce": "n", "at_hash": "h"}))),
        (
            "an ID token for the client",
            claims(json!({"aud": "client", "nonce": "n"})),
        ),
        ("expired", claims(json!({"exp": NOW - 60}))),
        ("bound to a key", claims(json!({"cnf": {"jkt": "x"}}))),
        ("another key", sign(&token(MCP), &EC)),
    ] {
        let response = get(&server, "/mcp", Some(&token)).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(
            response.headers["www-authenticate"],
            format!(
                "Bearer realm=\"api\", error=\"invalid_token\", resource_metadata=\"{METADATA}\""
            ),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_refused_client_learns_where_the_metadata_is() {
    let server = of(MCP);
    let expected = format!("Bearer realm=\"api\", resource_metadata=\"{METADATA}\"");
    let response = get(&server, "/mcp", None).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers["www-authenticate"], expected);
    for authorization in ["Basic YTpi", "Bearer opaque"] {
        let mut other = request(Method::GET, "/mcp", None);
        other
            .headers_mut()
            .insert(AUTHORIZATION, authorization.parse().unwrap());
        let response = send(&server, other).await;
        assert_eq!(response.status, 401, "{authorization}");
        assert_eq!(response.headers["www-authenticate"], expected);
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_also_beside_one_in_the_header() {
    let server = of(MCP);
    let good = sign(&token(MCP), &hmac());
    for query in [
        format!("access_token={good}"),
        format!("a=b&access%5Ftoken={good}"),
        "access_token".to_owned(),
    ] {
        for header in [None, Some(good.as_str())] {
            let response = get(&server, &format!("/mcp?{query}"), header).await;
            assert_eq!(response.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(
                response.body.contains("token_in_query"),
                "{}",
                response.body
            );
            let challenge = response.headers["www-authenticate"].to_str().unwrap();
            assert!(
                challenge.contains("error=\"invalid_request\""),
                "{challenge}"
            );
        }
    }
}

#[tokio::test]
async fn the_metadata_is_public_cached_and_readable_by_scripts() {
    let server = of(MCP);
    let path = METADATA.strip_prefix("https://tts.example").unwrap();
    let response = get(&server, path, None).await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.headers["content-type"], "application/json");
    assert_eq!(response.headers["cache-control"], "public, max-age=3600");
    assert_eq!(response.headers["access-control-allow-origin"], "*");
    let document: Value = serde_json::from_str(&response.body).unwrap();
    let expected = json!({
        "resource": MCP,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["tts:speak", "tts:list"],
        "resource_name": "Speech",
    });
    assert_eq!(document, expected);

    let head = send(&server, request(Method::HEAD, path, None)).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(
        head.headers["content-length"],
        response.body.len().to_string()
    );
    let preflight = send(&server, request(Method::OPTIONS, path, None)).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers["access-control-allow-headers"], "*");
    let post = send(&server, request(Method::POST, path, None)).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nothing_near_the_metadata_is_public() {
    let server = of(MCP);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/mcp/../../mcp",
        "/.well-known/oauth-protected-resource/mcp%2f",
        "/.well-known/oauth-protected-resource/mcpx",
        "/mcp/.well-known/oauth-protected-resource",
        "//.well-known/oauth-protected-resource/mcp",
    ] {
        assert_eq!(get(&server, path, None).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn several_resources_of_a_host_accept_their_own_tokens_only() {
    let (mcp, admin) = (of(MCP), of("https://tts.example/mcp/admin"));
    let both = mcp
        .and(admin)
        .unwrap()
        .and(of("https://tts.example/v1"))
        .unwrap();
    let of_mcp = sign(&token(MCP), &hmac());
    let of_admin = sign(&token("https://tts.example/mcp/admin"), &hmac());
    for (path, token, expected) in [
        ("/mcp", &of_mcp, 200),
        ("/mcp/x", &of_mcp, 200),
        ("/mcp/admin", &of_mcp, 401),
        ("/mcp/admin/x", &of_mcp, 401),
        ("/mcp/adminx", &of_mcp, 200),
        ("/mcp/admin", &of_admin, 200),
        ("/mcp", &of_admin, 401),
        ("/v1", &of_mcp, 401),
        ("/other", &of_mcp, 401),
        ("/%6dcp", &of_mcp, 401),
    ] {
        let response = get(&both, path, Some(token)).await;
        assert_eq!(response.status, expected, "{path}");
    }
    let challenge = get(&both, "/v1", None).await.headers["www-authenticate"].clone();
    let url = "https://tts.example/.well-known/oauth-protected-resource/v1";
    assert!(challenge.to_str().unwrap().contains(url), "{challenge:?}");
    for path in ["/mcp", "/mcp/admin", "/v1"] {
        let metadata = format!("/.well-known/oauth-protected-resource{path}");
        let body = get(&both, &metadata, None).await.body;
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["resource"], format!("https://tts.example{path}"));
    }
}

#[tokio::test]
async fn a_resource_that_requires_proofs_refuses_bearer_tokens_beside_another_resource() {
    let admin = "https://tts.example/admin";
    let strict = || {
        ResourceServer::builder(admin)
            .authorization_server(Issuer::new(ISSUER, admin, hmac().verifying_key()))
            .dpop(|proofs| proofs.require_proofs())
            .clock(clock().shared())
            .build()
            .unwrap()
    };
    let (of_admin, of_mcp) = (sign(&token(admin), &hmac()), sign(&token(MCP), &hmac()));
    for joined in [of(MCP).and(strict()), strict().and(of(MCP))] {
        let joined = joined.unwrap();
        assert_eq!(get(&joined, "/mcp", Some(&of_mcp)).await.status, 200);
        for _ in 0..2 {
            let response = get(&joined, "/admin", Some(&of_admin)).await;
            assert_eq!(response.status, 401, "also from the cache");
            let challenge = response.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.starts_with("DPoP realm="), "{challenge}");
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        }
    }
}

#[test]
fn resources_of_two_hosts_or_twice_the_same_are_not_joined() {
    let other_host = of(MCP).and(of("https://other.example/mcp"));
    assert!(matches!(
        other_host,
        Err(ResourceServerBuildError::OtherHost { .. })
    ));
    let twice = of(MCP).and(of("HTTPS://TTS.example:443/mcp"));
    assert!(matches!(twice, Err(ResourceServerBuildError::Duplicate(_))));
}

#[tokio::test]
async fn a_whole_host_is_named_with_and_without_a_slash() {
    let server = of("https://tts.example/");
    for audience in ["https://tts.example", "https://tts.example/"] {
        let token = sign(&token(audience), &hmac());
        assert_eq!(get(&server, "/any", Some(&token)).await.status, 200);
    }
    assert!(server.identifiers().eq(["https://tts.example"]));
}

#[tokio::test]
async fn another_audience_needs_a_loud_name() {
    let builder = |issuer: Issuer| {
        ResourceServer::builder(MCP)
            .authorization_server(issuer)
            .clock(clock().shared())
    };
    let shared = || Issuer::new(ISSUER, "everything", hmac().verifying_key());
    let also = || Issuer::new(ISSUER, MCP, hmac().verifying_key()).or_audience("everything");
    let by_client = || {
        Issuer::new(ISSUER, MCP, hmac().verifying_key())
            .audience_claim("client_id")
            .require_value("token_use", ["access"])
    };
    for issuer in [shared(), also(), by_client()] {
        let refused = builder(issuer).build();
        assert!(matches!(
            refused,
            Err(ResourceServerBuildError::Audience { .. })
        ));
    }
    let server = builder(shared()).dangerously_accept_other_audiences();
    let server = server.build().unwrap();
    let token = sign(&token("everything"), &hmac());
    assert_eq!(get(&server, "/mcp", Some(&token)).await.status, 200);
}
