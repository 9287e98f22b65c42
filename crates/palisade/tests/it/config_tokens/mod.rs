//! `[[resource_servers]]`, `[dpop]` and `[introspection]`: what each key does, and what is refused.

mod claims;
mod introspection;
mod mistakes;
mod proofs;
mod resource_servers;

use std::fs;

use axum::{Router, routing};
use http::{Request, header};
use palisade::ProtectedRouter;
use palisade::config::{Config, Running};
use palisade::core::SystemClock;
use palisade::jwt::Algorithm;
use palisade::jwt::mint::{SigningKey, Token};
use serde_json::json;

use crate::support::{TestResponse, request};

const ISSUER: &str = "https://id.example";
const RESOURCE: &str = "https://service.test/mcp";
/// One issuer without an audience of its own, and two routes.
const BASE: &str = r#"
[server]
hosts = ["service.test"]

[[tokens]]
issuer = "https://id.example"
jwks_file = "issuer.jwks"

[[routes]]
path = "/mcp"
methods = ["GET"]
access = "authenticated"

[[routes]]
path = "/mcp"
methods = ["POST"]
access = ["tts:speak"]

[[routes]]
path = "/v1"
access = "authenticated"
"#;
const RESOURCES: &str = "[[resource_servers]]\nresource = \"https://service.test/mcp\"\n";

/// A folder with a configuration, and the key of its issuer.
struct Setup {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Setup {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let jwks = json!({ "keys": [key.public_jwk().unwrap()] }).to_string();
        fs::write(folder.path().join("issuer.jwks"), jwks).unwrap();
        fs::write(folder.path().join("palisade.toml"), text).unwrap();
        fs::write(folder.path().join("secret"), "0123456789abcdef".repeat(2)).unwrap();
        Self { folder, key }
    }

    fn config(&self) -> Result<Config, palisade::config::ConfigFileError> {
        Config::read(self.folder.path().join("palisade.toml"))
    }

    fn app(&self) -> ProtectedRouter {
        self.app_with(Running::new())
    }

    fn app_with(&self, running: Running) -> ProtectedRouter {
        let parts = self.config().unwrap().assemble_with(running).unwrap();
        let router = Router::new()
            .route(
                "/mcp",
                routing::get(async || "read").post(async || "written"),
            )
            .route("/v1", routing::any(async || "v1"));
        parts.shield.protect(router).unwrap()
    }

    fn error(&self) -> String {
        let assembled = self.config().and_then(|config| config.assemble());
        assembled.map(|_| ()).unwrap_err().to_string()
    }

    fn sign(&self, token: &Token) -> String {
        token.sign(&self.key, &*SystemClock::shared()).unwrap()
    }

    fn token(&self, audience: &str, scopes: &[&str]) -> String {
        self.sign(&Token::new(ISSUER, audience, "lin").scopes(scopes.iter().copied()))
    }
}

fn with_token(method: &str, path: &str, token: &str) -> Request<axum::body::Body> {
    with_authorization(method, path, &format!("Bearer {token}"))
}

fn with_authorization(method: &str, path: &str, value: &str) -> Request<axum::body::Body> {
    let mut request = request(method, path, None);
    let value = value.parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

fn challenges(seen: &TestResponse) -> Vec<&str> {
    let all = seen.headers.get_all(header::WWW_AUTHENTICATE).iter();
    all.map(|it| it.to_str().unwrap()).collect()
}

fn without_issuer() -> String {
    let issuer = "[[tokens]]\nissuer = \"https://id.example\"\njwks_file = \"issuer.jwks\"\n";
    assert!(BASE.contains(issuer));
    BASE.replace(issuer, "")
}
