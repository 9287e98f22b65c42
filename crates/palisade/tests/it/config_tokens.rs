//! `[[resource_servers]]`, `[dpop]` and `[introspection]`: what each key does, and what is refused.

use std::fs;

use axum::{Router, routing};
use http::{Request, header};
use palisade::ProtectedRouter;
use palisade::config::Config;
use palisade::core::SystemClock;
use palisade::jwt::Algorithm;
use palisade::jwt::mint::{DpopProof, SigningKey, Token};
use serde_json::{Value, json};

use crate::support::{TestResponse, request, send_to};

const ISSUER: &str = "https://id.example";
const RESOURCE: &str = "https://service.test/mcp";
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
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
        let parts = self.config().unwrap().assemble().unwrap();
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

#[tokio::test]
async fn a_resource_server_of_a_file_does_what_one_of_a_program_does() {
    let resources = format!(
        "{RESOURCES}scopes = [\"tts:list\"]\ninitial_scopes = [\"basic\"]\n\
         scope_implies = {{ \"tts:admin\" = [\"tts:speak\"] }}\nname = \"Speech\"\n\
         documentation = \"https://service.test/docs\"\n"
    );
    let setup = Setup::new(&format!("{BASE}{resources}"));
    let app = setup.app();
    let metadata = format!("resource_metadata=\"https://service.test{METADATA}\"");
    let seen = send_to(&app, request("GET", "/mcp", None)).await;
    assert_eq!(seen.status, 401);
    let expected = format!("Bearer realm=\"api\", {metadata}, scope=\"basic\"");
    assert_eq!(challenges(&seen), [expected]);

    let document = send_to(&app, request("GET", METADATA, None)).await;
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["tts:list"],
        "resource_name": "Speech",
        "resource_documentation": "https://service.test/docs",
    });
    assert_eq!(document, expected);

    let status = async |method: &str, audience: &str, scopes: &[&str]| {
        let token = setup.token(audience, scopes);
        send_to(&app, with_token(method, "/mcp", &token)).await
    };
    assert_eq!(status("GET", RESOURCE, &[]).await.status, 200);
    assert_eq!(status("POST", RESOURCE, &["tts:admin"]).await.status, 200);
    let narrow = status("POST", RESOURCE, &[]).await;
    assert_eq!(narrow.status, 403);
    assert!(challenges(&narrow)[0].contains("error=\"insufficient_scope\", scope=\"tts:speak\""));
    for other in ["https://service.test", "https://service.test/v1", "voice"] {
        assert_eq!(status("GET", other, &[]).await.status, 401, "{other}");
    }
}

#[tokio::test]
async fn several_resources_share_the_keys_and_accept_their_own_tokens_only() {
    let text =
        format!("{BASE}{RESOURCES}[[resource_servers]]\nresource = \"https://service.test/v1\"\n");
    let setup = Setup::new(&text);
    let config = setup.config().unwrap();
    assert!(config.resources().eq([RESOURCE, "https://service.test/v1"]));
    let app = setup.app();
    let (mcp, v1) = (
        setup.token(RESOURCE, &[]),
        setup.token("https://service.test/v1", &[]),
    );
    for (path, token, status) in [
        ("/mcp", &mcp, 200),
        ("/v1", &v1, 200),
        ("/mcp", &v1, 401),
        ("/v1", &mcp, 401),
    ] {
        let seen = send_to(&app, with_token("GET", path, token)).await;
        assert_eq!(seen.status, status, "{path}");
    }
}

#[tokio::test]
async fn another_audience_needs_its_loud_key() {
    let own = BASE.replace("jwks_file", "audience = \"everything\"\njwks_file");
    let setup = Setup::new(&format!("{own}{RESOURCES}"));
    let error = setup.error();
    assert!(error.contains(": resource_servers.resource: "), "{error}");
    assert!(error.contains("another audience"), "{error}");
    let loud = format!("{own}{RESOURCES}dangerously_accept_other_audiences = true\n");
    let setup = Setup::new(&loud);
    let token = setup.token("everything", &[]);
    let seen = send_to(&setup.app(), with_token("GET", "/mcp", &token)).await;
    assert_eq!(seen.status, 200);
}

/// Sends a bound token with a proof that is made a moment after the start.
async fn with_proof(setup: &Setup, nonce: Option<&str>) -> TestResponse {
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
    send_to(&setup.app(), request).await
}

#[tokio::test]
async fn proofs_of_a_file_are_checked_for_a_resource_and_for_a_plain_service() {
    assert_eq!(
        with_proof(&Setup::new(&format!("{BASE}{RESOURCES}")), None)
            .await
            .status,
        401
    );
    let resource = Setup::new(&format!("{BASE}{RESOURCES}[dpop]\n"));
    assert_eq!(with_proof(&resource, None).await.status, 200);

    let own = BASE.replace(
        "jwks_file",
        &format!("audience = \"{RESOURCE}\"\njwks_file"),
    );
    let plain = |keys: &str| {
        let origin = "origin = \"https://service.test\"";
        Setup::new(&format!("{own}[dpop]\n{origin}\n{keys}\n"))
    };
    assert_eq!(with_proof(&plain(""), None).await.status, 200);
    let all = plain(
        "algorithms = [\"ES256\"]\nmax_age_seconds = 30\nleeway_seconds = 5\nremembered_proofs = 64\n\
         require_proofs = true",
    );
    assert_eq!(with_proof(&all, None).await.status, 200);
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
        // Another process: only the nonce of all replicas is accepted there.
        let expected = if nonces.contains("shared") { 200 } else { 401 };
        let again = with_proof(&setup, Some(nonce)).await;
        assert_eq!(again.status, expected, "{nonces}");
    }
}

/// Starts an issuer on a loopback address that vouches for the token `good`, and returns its address.
async fn issuer(authorization: String) -> String {
    let answer = async move |headers: http::HeaderMap, body: String| {
        let known = headers[header::AUTHORIZATION] == authorization.as_str();
        let good = known && body.starts_with("token=good&");
        axum::Json(json!({
            "active": good, "sub": "lin", "aud": RESOURCE, "scope": "tts:speak", "org": "acme"
        }))
    };
    let router = Router::new().route("/introspect", routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/introspect")
}

fn without_issuer() -> String {
    let issuer = "[[tokens]]\nissuer = \"https://id.example\"\njwks_file = \"issuer.jwks\"\n";
    assert!(BASE.contains(issuer));
    BASE.replace(issuer, "")
}

#[tokio::test]
async fn the_issuer_is_asked_with_a_secret_of_a_file_or_of_the_environment() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    // A variable that is set for every test.
    let variable = env!("CARGO_MANIFEST_DIR");
    let pair = STANDARD.encode(format!("tts:{}", "0123456789abcdef".repeat(2)));
    for (credential, sent) in [
        (
            "client = \"tts\"\nsecret = { file = \"secret\" }",
            format!("Basic {pair}"),
        ),
        (
            "bearer = { environment = \"CARGO_MANIFEST_DIR\" }",
            format!("Bearer {variable}"),
        ),
    ] {
        let url = issuer(sent).await;
        let text = format!(
            "{}[introspection]\nurl = \"{url}\"\n{credential}\naudience = \"{RESOURCE}\"\n\
             or_audiences = [\"other\"]\nsubject_claim = \"sub\"\ntenant_claim = \"org\"\n\
             lifetime_seconds = 0\noutage_lifetime_seconds = 0\nnegative_lifetime_seconds = 0\n\
             remembered_responses = 16\ntimeout_seconds = 5\ndangerously_allow_loopback_http = true\n",
            without_issuer()
        );
        let app = Setup::new(&text).app();
        for (token, status) in [("good", 200), ("bad", 401)] {
            let seen = send_to(&app, with_token("POST", "/mcp", token)).await;
            assert_eq!(seen.status, status, "{credential} {token}");
        }
    }
}

#[test]
fn a_mistake_in_a_section_about_tokens_is_named_with_key_and_remedy() {
    let no_issuer = without_issuer();
    let introspection = |keys: &str| {
        format!("{no_issuer}[introspection]\nurl = \"https://id.example/introspect\"\n{keys}\n")
    };
    let resources = |keys: &str| format!("{BASE}{RESOURCES}{keys}\n");
    let elsewhere = "a secret is not written here";
    let nonces = |written: &str| resources(&format!("[dpop]\nshared_nonces = {written}"));
    let bearer = "bearer = { file = \"secret\" }";
    for (text, key, said) in [
        (BASE.to_owned(), "tokens.issuer", "[[resource_servers]]"),
        (
            format!("{no_issuer}{RESOURCES}"),
            "resource_servers.resource",
            "[[tokens]]",
        ),
        (format!("{no_issuer}[dpop]\n"), "dpop.origin", "[[tokens]]"),
        (
            resources("scope = []"),
            "resource_servers.scope",
            "did you mean `scopes`?",
        ),
        (
            resources("scopes = [\"a b\"]"),
            "resource_servers.resource",
            "is no scope",
        ),
        (
            resources("[dpop]\norigin = \"https://service.test\""),
            "dpop.origin",
            "that of the resource",
        ),
        (
            resources("[dpop]\nmax_age_second = 5"),
            "dpop.max_age_second",
            "did you mean `max_age_seconds`?",
        ),
        (
            resources("[dpop]\nmax_age_seconds = 601"),
            "dpop.max_age_seconds",
            "from 1 to 600",
        ),
        (
            resources("[dpop]\nremembered_proofs = 15"),
            "dpop.remembered_proofs",
            "from 16",
        ),
        (
            resources("[dpop]\nalgorithms = [\"HS256\"]"),
            "dpop.algorithms",
            "asymmetric",
        ),
        (
            resources("[dpop]\nalgorithms = []"),
            "dpop.algorithms",
            "asymmetric",
        ),
        (
            resources("[dpop]\nrequire_nonces = true\nshared_nonces = { file = \"secret\" }"),
            "dpop.shared_nonces",
            "require_nonces",
        ),
        (
            resources("[dpop]\nshared_nonces = { file = \"none\" }"),
            "dpop.shared_nonces.file",
            "environment",
        ),
        (
            resources("[dpop]\nshared_nonces = { file = \"palisade.toml\", environment = \"X\" }"),
            "dpop.shared_nonces",
            "one place",
        ),
        (
            resources("[dpop]\nshared_nonces = { environment = \"PALISADE_NOT_SET\" }"),
            "dpop.shared_nonces.environment",
            "the variable is not set",
        ),
        (
            resources("[dpop]\nshared_nonces = { environment = \"0123456789abcdef\" }"),
            "dpop.shared_nonces.environment",
            "the variable is not set",
        ),
        (
            nonces("\"0123456789abcdef\""),
            "dpop.shared_nonces",
            elsewhere,
        ),
        (nonces("87654321"), "dpop.shared_nonces", elsewhere),
        (nonces("87654321.5"), "dpop.shared_nonces", elsewhere),
        (nonces("true"), "dpop.shared_nonces", elsewhere),
        (
            nonces("[\"0123456789abcdef\"]"),
            "dpop.shared_nonces",
            elsewhere,
        ),
        (
            resources("[dpop]\nshared_nonces = { fil = \"secret\" }"),
            "dpop.shared_nonces.fil",
            "did you mean `file`?",
        ),
        (introspection(""), "introspection.url", "client and secret"),
        (
            introspection("client = \"a\""),
            "introspection.url",
            "client and secret",
        ),
        (introspection(bearer), "introspection.url", "audience"),
        (
            introspection("audiences = []"),
            "introspection.audiences",
            "did you mean `audience`?",
        ),
        (
            introspection(&format!(
                "{bearer}\naudience = \"a\"\nlifetime_seconds = 601"
            )),
            "introspection.lifetime_seconds",
            "from 0 to 600",
        ),
        (
            introspection(&format!(
                "{bearer}\naudience = \"a\"\ntrust_anchors = \"none\""
            )),
            "introspection.trust_anchors",
            "PEM",
        ),
        (
            introspection(&format!("{bearer}\naudience = \"a\""))
                .replace("https://id", "http://id"),
            "introspection.url",
            "https",
        ),
        (
            resources(&format!(
                "[introspection]\nurl = \"https://id.example/i\"\n{bearer}"
            )),
            "introspection.url",
            "[[resource_servers]]",
        ),
        (
            resources("").replace("service.test/mcp", "other.test/mcp"),
            "resource_servers.resource",
            "`hosts`",
        ),
        (
            resources("").replace("https://service.test/mcp", "http://service.test/mcp"),
            "resource_servers.resource",
            "https",
        ),
        (
            resources(RESOURCES),
            "resource_servers.resource",
            "is there twice",
        ),
    ] {
        let error = Setup::new(&text).error();
        assert!(error.contains(&format!(": {key}: ")), "{key} in {error}");
        assert!(error.contains(said), "{said} in {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("0123456789abcdef"), "{error}");
        assert!(!error.contains("87654321"), "{error}");
    }
}
