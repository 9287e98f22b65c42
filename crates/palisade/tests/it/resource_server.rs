//! A resource server behind the whole stack: scopes of rules in challenges, metadata beside CORS,
//! limits and audit.

use axum::body::Body;
use http::{HeaderValue, Method, Request, header};
use palisade::core::{Guard, PublicDocument};
use palisade::jwt::mint::{DpopProof, SigningKey, Token};
use palisade::jwt::resource_server::ResourceServer;
use palisade::jwt::{Algorithm, Issuer};
use palisade::{ProtectedRouter, Routes, Rule, Rules, ShieldBuildError};
use tower_http::cors::CorsLayer;

use crate::support::{TestResponse, TestShield, request, send_to, test_shield};

const RESOURCE: &str = "https://service.test/mcp";
const ISSUER: &str = "https://login.example";
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

struct Service {
    app: ProtectedRouter,
    key: SigningKey,
    parts: TestShield,
}

fn routes() -> Routes {
    Routes::new()
        .get("/mcp", Rule::scope("tts:speak"), async || "spoken")
        .post(
            "/mcp",
            Rule::scopes(["tts:speak", "tts:write"]),
            async || "written",
        )
        .get("/mcp/any", Rule::authenticated(), async || "any")
        .get("/mcp/own", Rule::public(), async || {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"handler\"")];
            (http::StatusCode::UNAUTHORIZED, challenge)
        })
        .get("/open", Rule::public(), async || "open")
}

fn resource(key: &SigningKey, parts: &TestShield) -> ResourceServer {
    let issuer = Issuer::new(ISSUER, RESOURCE, key.verifying_key());
    ResourceServer::builder(RESOURCE)
        .authorization_server(issuer)
        .scopes(["tts:speak"])
        .scope_implies("tts:admin", ["tts:speak", "tts:write"])
        .initial_scopes(["basic"])
        .clock(parts.clock.shared())
        .build()
        .unwrap()
}

fn service() -> Service {
    let mut parts = test_shield();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let server = resource(&key, &parts);
    let builder = std::mem::take(&mut parts.builder).resource_server(server);
    let app = builder.protect(routes()).unwrap();
    Service { app, key, parts }
}

impl Service {
    async fn send(&self, method: &str, path: &str, scopes: Option<&[&str]>) -> TestResponse {
        let mut request = request(method, path, None);
        if let Some(scopes) = scopes {
            let token = Token::new(ISSUER, RESOURCE, "lin").scopes(scopes.iter().copied());
            let token = token.sign(&self.key, &self.parts.clock).unwrap();
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        send_to(&self.app, request).await
    }
}

/// Returns the challenge for tokens; the others are those of API keys.
fn challenge(seen: &TestResponse) -> &str {
    let mut all = seen.headers.get_all(header::WWW_AUTHENTICATE).iter();
    let bearer = all.find_map(|it| {
        it.to_str()
            .ok()
            .filter(|it| it.contains("resource_metadata"))
    });
    bearer.unwrap_or_else(|| panic!("{:?}", seen.headers))
}

#[tokio::test]
async fn a_refusal_names_the_metadata_and_the_scopes_of_the_route() {
    let service = service();
    let metadata = format!("resource_metadata=\"https://service.test{METADATA}\"");
    let seen = service.send("GET", "/mcp", None).await;
    assert_eq!(seen.status, 401);
    let expected = format!("Bearer realm=\"api\", {metadata}, scope=\"tts:speak\"");
    assert_eq!(challenge(&seen), expected);

    let seen = service.send("GET", "/mcp/any", None).await;
    let expected = format!("Bearer realm=\"api\", {metadata}, scope=\"basic\"");
    assert_eq!(challenge(&seen), expected, "where the rule names none");
}

#[tokio::test]
async fn a_narrow_token_is_told_which_scopes_to_ask_for() {
    let service = service();
    assert_eq!(
        service
            .send("GET", "/mcp", Some(&["tts:speak"]))
            .await
            .status,
        200
    );
    let seen = service.send("POST", "/mcp", Some(&["tts:speak"])).await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (403, "insufficient_scope")
    );
    let expected = format!(
        "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"tts:speak tts:write\", \
         resource_metadata=\"https://service.test{METADATA}\""
    );
    assert_eq!(challenge(&seen), expected);
    let wider = service
        .send("POST", "/mcp", Some(&["tts:speak", "tts:write"]))
        .await;
    assert_eq!(wider.status, 200);
}

#[tokio::test]
async fn a_broader_scope_opens_what_a_narrower_one_opens() {
    let service = service();
    assert_eq!(
        service
            .send("POST", "/mcp", Some(&["tts:admin"]))
            .await
            .status,
        200
    );
    for near in ["tts:Admin", "tts:admin:x", "admin", "tts:write"] {
        let seen = service.send("POST", "/mcp", Some(&[near])).await;
        assert_eq!(seen.status, 403, "{near}");
    }
    assert_eq!(service.send("GET", "/mcp", Some(&[])).await.status, 403);
}

#[tokio::test]
async fn a_bound_token_behind_a_shield_is_refused_in_its_own_scheme() {
    let mut parts = test_shield();
    let (key, client) = (
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let issuer = Issuer::new(ISSUER, RESOURCE, key.verifying_key());
    let server = ResourceServer::builder(RESOURCE)
        .authorization_server(issuer)
        .dpop(|proofs| proofs)
        .clock(parts.clock.shared())
        .build()
        .unwrap();
    let builder = std::mem::take(&mut parts.builder).resource_server(server);
    let app = builder.protect(routes()).unwrap();
    let clock = parts.clock.clone();
    // Until then a proof may be one of the process before.
    clock.advance(std::time::Duration::from_secs(10));
    let send = async |method: &str, path: &str| {
        let confirmation = serde_json::json!({ "jkt": client.thumbprint() });
        let token = Token::new(ISSUER, RESOURCE, "lin").scopes(["tts:speak"]);
        let token = token.claim("cnf", confirmation).sign(&key, &clock).unwrap();
        let url = format!("https://service.test{path}");
        let proof = DpopProof::new(method, &url).for_token(&token);
        let proof = proof.sign(&client, &clock).unwrap();
        let mut request = request(method, path, None);
        let authorization = format!("DPoP {token}").parse().unwrap();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        send_to(&app, request).await
    };
    assert_eq!(send("GET", "/mcp").await.status, 200);
    let seen = send("POST", "/mcp").await;
    assert_eq!(
        (seen.status, seen.code.as_str()),
        (403, "insufficient_scope")
    );
    let challenge = challenge(&seen);
    assert!(challenge.starts_with("DPoP realm="), "{challenge}");
    assert!(
        challenge.contains("scope=\"tts:speak tts:write\""),
        "{challenge}"
    );

    let none = send_to(&app, request("GET", "/mcp", None)).await;
    let with_metadata = none.headers.get_all(header::WWW_AUTHENTICATE).iter();
    let with_metadata = with_metadata.filter(|it| it.to_str().unwrap().contains(METADATA));
    assert_eq!(with_metadata.count(), 2, "{:?}", none.headers);
    let document = send_to(&app, request("GET", METADATA, None)).await.body;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["dpop_bound_access_tokens_required"], false);
    assert_eq!(document["dpop_signing_alg_values_supported"][0], "ES256");
}

#[tokio::test]
async fn a_token_on_a_path_of_no_resource_is_refused() {
    let service = service();
    assert_eq!(service.send("GET", "/open", None).await.status, 200);
    assert_eq!(
        service
            .send("GET", "/open", Some(&["tts:speak"]))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_response_of_the_handler_is_left_as_it_is() {
    let seen = service().send("GET", "/mcp/own", None).await;
    let challenges: Vec<_> = seen
        .headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .collect();
    assert_eq!(challenges, ["Bearer realm=\"handler\""]);
}

#[tokio::test]
async fn the_metadata_needs_no_rule_and_no_handler_and_is_recorded() {
    let service = service();
    let seen = service.send("GET", METADATA, None).await;
    assert_eq!(seen.status, 200);
    assert!(seen.body.contains(RESOURCE), "{}", seen.body);
    assert_eq!(seen.headers[header::CACHE_CONTROL], "public, max-age=3600");
    assert!(seen.headers.contains_key("x-request-id"));
    assert_eq!(service.send("OPTIONS", METADATA, None).await.status, 204);
    assert_eq!(service.send("POST", METADATA, None).await.status, 405);
    assert_eq!(
        service
            .send("GET", &format!("{METADATA}/"), None)
            .await
            .status,
        404
    );
    assert_eq!(service.parts.audit.requests().len(), 4);
    let warned = service
        .app
        .warnings()
        .iter()
        .any(|it| it.to_string().contains("well-known"));
    assert!(!warned, "{:?}", service.app.warnings());
}

#[tokio::test]
async fn the_metadata_counts_against_the_limit_of_the_client() {
    let service = service();
    for _ in 0..20 {
        assert_eq!(service.send("GET", METADATA, None).await.status, 200);
    }
    assert_eq!(service.send("GET", METADATA, None).await.status, 429);
}

#[tokio::test]
async fn scripts_of_every_origin_read_the_metadata_beside_a_narrow_cors_layer() {
    let mut parts = test_shield();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let origin = HeaderValue::from_static("https://app.example");
    let cors = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET]);
    let server = resource(&key, &parts);
    let builder = std::mem::take(&mut parts.builder).resource_server(server);
    let app = builder.cors(cors).protect(routes()).unwrap();
    let from = |method: &str, path: &str| -> Request<Body> {
        let mut request = request(method, path, None);
        let headers = request.headers_mut();
        headers.insert(
            header::ORIGIN,
            HeaderValue::from_static("https://tool.example"),
        );
        let asked = HeaderValue::from_static("GET");
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, asked);
        request
    };
    for method in ["GET", "OPTIONS"] {
        let seen = send_to(&app, from(method, METADATA)).await;
        assert_eq!(
            seen.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            "*",
            "{method}"
        );
    }
    let seen = send_to(&app, from("GET", "/open")).await;
    let allowed = &seen.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN];
    assert_eq!(allowed, "https://app.example", "only of that page");
}

#[test]
fn challenges_are_completed_outside_what_refuses() {
    let mut parts = test_shield();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let server = resource(&key, &parts);
    let name = server.challenges().name();
    let builder = std::mem::take(&mut parts.builder).resource_server(server);
    let shield = builder
        .rules(Rules::new().get("/mcp", Rule::public()))
        .build();
    let order = shield.unwrap().order();
    let place = |name: &str| order.iter().position(|guard| *guard == name).unwrap();
    assert!(place("route") < place(name) && place(name) < place("authenticate"));
}

#[test]
fn a_rule_for_the_path_of_a_document_is_an_error() {
    let scope = || Rule::scope("tts:speak");
    for rules in [
        Rules::new().get(METADATA, Rule::public()),
        Rules::new().post(METADATA, scope()),
        Rules::new().any(METADATA, scope()),
        Rules::new().below(METADATA, scope()),
    ] {
        let mut parts = test_shield();
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let server = resource(&key, &parts);
        let builder = std::mem::take(&mut parts.builder).resource_server(server);
        let built = builder.rules(rules).build();
        assert!(
            matches!(built, Err(ShieldBuildError::Rules(_))),
            "{built:?}"
        );
    }
}

/// A path with braces would be a rule that opens other paths.
#[test]
fn a_document_has_one_path() {
    for path in ["/{*path}", "/documents/{id}"] {
        let mut parts = test_shield();
        let document = PublicDocument::json(path, "{}");
        let builder = std::mem::take(&mut parts.builder).document(document);
        let built = builder
            .rules(Rules::new().get("/open", Rule::public()))
            .build();
        assert!(
            matches!(built, Err(ShieldBuildError::Rules(_))),
            "{built:?}"
        );
    }
}
