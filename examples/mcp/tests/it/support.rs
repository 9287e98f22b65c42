//! A server, and an authorization server that gives every client what it asks for.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, body::Body, extract::Query, routing};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use mcp::{ServerParts, protect};
use palisade::audit::MemorySink;
use palisade::core::ManualClock;
use palisade::jwt::mint::{SigningKey, Token};
use palisade::jwt::{Algorithm, Issuer, resource_server::ResourceServer};
use palisade::{AuditLayer, ProtectedRouter, testing};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const HOST: &str = "notes.example";
pub(crate) const RESOURCE: &str = "https://notes.example/mcp";
pub(crate) const ISSUER: &str = "https://login.example";

/// Signs the tokens of one issuer.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) issuer: String,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) clock: ManualClock,
}

impl Authority {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            key: Arc::new(SigningKey::generate(Algorithm::Es256).unwrap()),
            clock: ManualClock::new(Duration::from_secs(1_700_000_000)),
        }
    }

    pub(crate) fn token(&self, resource: &str, user: &str, scopes: &[&str]) -> String {
        self.token_for(resource, user, "test-client", scopes)
    }

    pub(crate) fn token_for(
        &self,
        resource: &str,
        user: &str,
        client: &str,
        scopes: &[&str],
    ) -> String {
        let token = Token::new(&self.issuer, resource, user).client(client);
        let token = token.scopes(scopes.iter().copied());
        token.sign(&self.key, &self.clock).unwrap()
    }

    /// The documents and the token endpoint (RFC 8414, RFC 6749, RFC 8707).
    pub(crate) fn router(&self) -> Router {
        let (documents, tokens) = (self.clone(), self.clone());
        let metadata = move || std::future::ready(Json(documents.metadata()));
        let token = move |form: String| {
            let uri = format!("/?{form}").parse().unwrap();
            let Query(form) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
            std::future::ready(tokens.answer(&form))
        };
        Router::new()
            .route(
                "/.well-known/oauth-authorization-server",
                routing::get(metadata),
            )
            .route("/token", routing::post(token))
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    fn answer(&self, form: &[(String, String)]) -> (StatusCode, Json<Value>) {
        let find = |name: &str| {
            form.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| &**value)
        };
        let (Some("client_credentials"), Some(resource)) = (find("grant_type"), find("resource"))
        else {
            let error = json!({ "error": "invalid_request" });
            return (StatusCode::BAD_REQUEST, Json(error));
        };
        let scope = find("scope").unwrap_or_default();
        let scopes: Vec<&str> = scope.split(' ').filter(|one| !one.is_empty()).collect();
        let token = self.token(resource, "ann", &scopes);
        let answer = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": scope,
        });
        (StatusCode::OK, Json(answer))
    }
}

/// A server whose requests come by TLS from one address.
#[derive(Clone)]
pub(crate) struct TestServer {
    pub(crate) app: ProtectedRouter,
    pub(crate) authority: Authority,
    pub(crate) trail: MemorySink,
}

/// A response of it.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestResponse {
    pub(crate) fn challenge(&self) -> &str {
        self.headers[header::WWW_AUTHENTICATE].to_str().unwrap()
    }
}

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::at(HOST, Authority::new(ISSUER))
    }

    pub(crate) fn at(host: &str, authority: Authority) -> Self {
        let resource = format!("https://{host}/mcp");
        let issuer = Issuer::new(
            authority.issuer.as_str(),
            resource.as_str(),
            authority.key.verifying_key(),
        );
        let resource = ResourceServer::builder(resource)
            .authorization_server(issuer)
            .scopes(["notes:read", "notes:write"])
            .initial_scopes(["notes:read"])
            .clock(authority.clock.shared());
        let trail = MemorySink::new();
        let audit = AuditLayer::builder().sink(trail.clone()).build().unwrap();
        let app = protect(ServerParts {
            resource,
            host: host.to_owned(),
            audit,
            clock: authority.clock.shared(),
        });
        Self {
            app: app.unwrap(),
            authority,
            trail,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> TestResponse {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        TestResponse {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// The lines of the trail that have a text.
    pub(crate) fn records(&self, text: &str) -> Vec<String> {
        let lines = self.trail.lines().into_iter();
        lines.filter(|line| line.contains(text)).collect()
    }
}

/// A message to the server, as clients of version 2025-06-18 send it.
pub(crate) fn post() -> http::request::Builder {
    testing::request(RESOURCE)
        .method("POST")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

pub(crate) fn with_body(request: http::request::Builder, message: &Value) -> Request<Body> {
    request.body(Body::from(message.to_string())).unwrap()
}

pub(crate) fn call(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

pub(crate) fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    })
}
