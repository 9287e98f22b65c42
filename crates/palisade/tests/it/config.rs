//! A configuration file: the whole of it works, and each mistake is said with line, key and remedy.

use std::fs;

use palisade::api_key::{FileKeyStore, Pepper};
use palisade::audit::AuditKey;
use palisade::config::{CertificateSource, Config};
use serde::Deserialize;

pub(crate) const WHOLE: &str = r#"
[server]
https = "127.0.0.1:8443"
http = "127.0.0.1:8080"
hosts = ["voice.example", "*.voice.example"]
certificate = "chain.pem"
key = "key.pem"
redirect_to = "voice.example"
redirect = ["/"]

[client]
proxies = ["10.0.0.0/8", "fd00::/8"]
header = "X-Forwarded-For"

[headers]
preset = "browser"
hsts_days = 730

[audit]
file = "audit.jsonl"
policy = "fail-closed"
seal_key = "seal"
rotate_mib = 16
before_handler = true

[keys]
file = "keys.toml"
pepper = "pepper"
environments = ["live"]

[[tokens]]
issuer = "https://id.example"
audience = "voice"
jwks_file = "jwks.json"

[[limits]]
name = "client"
rate = "60/minute"

[[limits]]
name = "tts"
rate = "200/day;10/minute"
by = "principal"
routes = "named"

[text]
max_graphemes = 300
max_body_kib = 16

[[routes]]
path = "/tts"
methods = ["GET", "post"]
access = ["tts:speak"]
limits = ["tts"]
text = ["text"]

[[routes]]
path = "/health"
access = "public"

[voice]
folder = "voices"
"#;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Voice {
    #[serde(default)]
    folder: String,
}

/// Writes a file and everything that `WHOLE` names.
pub(crate) fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("palisade.toml"), text).unwrap();
    FileKeyStore::create(at("keys.toml")).unwrap();
    Pepper::create_file(at("pepper")).unwrap();
    let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","alg":"EdDSA","use":"sig",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    fs::write(at("jwks.json"), jwks).unwrap();
    write_private(&at("seal"), AuditKey::generate().unwrap().expose());
    folder
}

fn write_private(path: &std::path::Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn read(
    folder: &tempfile::TempDir,
) -> Result<Config, palisade::config::ConfigFileError> {
    Config::read_with(folder.path().join("palisade.toml"), &["voice"])
}

#[test]
fn a_complete_file_makes_a_complete_stack() {
    let folder = folder(WHOLE);
    let config = read(&folder).unwrap();
    let assembled = config.assemble().unwrap();
    let shield = assembled.shield.build().unwrap();
    // The file sets a gate before the body is read.
    let mut order = crate::support::ORDER.to_vec();
    order.insert(12, "audit_gate");
    assert_eq!(shield.order(), order);
    assert!(shield.warnings().is_empty(), "{:?}", shield.warnings());
    let explained = shield.explain();
    assert!(
        explained.contains("/tts: scopes tts:speak; limits tts; text text"),
        "{explained}"
    );
    let server = config.server().unwrap();
    assert_eq!(server.https[0].to_string(), "127.0.0.1:8443");
    let chain = folder.path().join("chain.pem");
    let key = folder.path().join("key.pem");
    assert_eq!(server.certificate, CertificateSource::Files { chain, key });
    assert_eq!(config.section::<Voice>("voice").unwrap().folder, "voices");
    assert!(folder.path().join("audit.jsonl").exists());
}

#[test]
fn a_route_without_limits_and_wider_networks_are_taken_from_the_file() {
    let text = "[server]\nhosts = [\"a.example\"]\n[[limits]]\nname = \"wide\"\nrate = \"9/minute\"\n\
        ipv4_prefix = 24\nipv6_prefix = 48\n[[routes]]\npath = \"/health\"\naccess = \"public\"\nlimits = \"none\"\n";
    let assembled = Config::parse(text).unwrap().assemble().unwrap();
    let shield = assembled.shield.build().unwrap();
    assert!(shield.table().rules()[0].is_unlimited());
    let explained = shield.explain();
    assert!(explained.contains("IPv4 /24, IPv6 /48"), "{explained}");
    assert!(
        explained.contains("/health: public; no limits"),
        "{explained}"
    );
}

#[test]
fn a_route_names_its_kind_of_body_and_its_text_schema() {
    let parse = |line: &str| {
        let route = format!("[[routes]]\npath = \"/a\"\naccess = \"public\"\n{line}\n");
        Config::parse(&format!("[server]\nhosts = [\"api.example.com\"]\n{route}"))
            .and_then(|config| config.assemble())
            .map_err(|problem| problem.to_string())
            .and_then(|parts| {
                let shield = parts.shield.build();
                shield.map(|_| ()).map_err(|problem| problem.to_string())
            })
    };
    for body in ["json", "form", "json-or-form", "multipart"] {
        assert_eq!(parse(&format!("text = [\"t\"]\nbody = \"{body}\"")), Ok(()));
    }
    assert_eq!(
        parse("text_schemas = [\"openai_chat\", \"ollama\"]"),
        Ok(())
    );
    for (line, what) in [
        ("body = \"xml\"", "json-or-form"),
        ("text_schemas = [\"nobody\"]", "openai_chat"),
        ("text = [\"/a~2\"]", "/a~2"),
    ] {
        let problem = parse(line).unwrap_err();
        assert!(problem.contains(what), "{problem}");
    }
}

#[test]
fn requirements_of_keys_and_tokens_can_be_configured() {
    let keys = "environments = [\"live\"]\nmax_stale_minutes = 60";
    let tokens = "jwks_file = \"jwks.json\"
max_lifetime_minutes = 43200
max_stale_minutes = 60
empty_set_revokes = true
dangerously_ignore_confirmation = true
dangerously_accept_id_tokens = true
or_audiences = [\"voice-2\"]
audience_claim = \"azp\"
types = [\"at+jwt\"]
algorithms = [\"RS256\", \"ES256\"]
require = [\"sub\"]
require_value = { token_use = [\"access\"] }
scopes_from = [\"permissions\"]
roles_from = [\"/realm_access/roles\"]
null_is_absent = true
dangerously_accept_untyped_tokens = true
dangerously_ignore_embedded_keys = true";
    let text = WHOLE
        .replace("environments = [\"live\"]", keys)
        .replace("jwks_file = \"jwks.json\"", tokens);
    let folder = folder(&text);
    assert!(read(&folder).unwrap().assemble().is_ok());
}

#[test]
fn a_list_of_revoked_tokens_is_read_at_the_start() {
    let text = format!("{WHOLE}\n[revoked_tokens]\nfile = \"revoked.json\"\n");
    let folder = folder(&text);
    assert!(
        read(&folder).unwrap().assemble().is_err(),
        "no start without it"
    );
    let list = folder.path().join("revoked.json");
    palisade::jwt::revocation::RevokedTokensFile::create(list).unwrap();
    assert!(read(&folder).unwrap().assemble().is_ok());
    let issuer = "[[tokens]]\nissuer = \"https://id.example\"\naudience = \"voice\"\n\
                  jwks_file = \"jwks.json\"\n";
    fs::write(
        folder.path().join("palisade.toml"),
        text.replace(issuer, ""),
    )
    .unwrap();
    let problem = read(&folder).unwrap().assemble().unwrap_err();
    assert!(problem.to_string().contains("[[tokens]]"), "{problem}");
}

/// Sends one request with an identifier of its own to the stack of a file, through this peer.
async fn request_id(server: &str, client: &str, peer: &str) -> Option<String> {
    let text = format!(
        "[server]\nhosts = [\"service.test\"]\n{server}\n[client]\n{client}\n\
         [[routes]]\npath = \"/health\"\naccess = \"public\"\n"
    );
    let parts = Config::parse(&text).unwrap().assemble().unwrap();
    let shield = parts.shield.build().unwrap();
    let mut request = crate::support::request("GET", "/health", None);
    let peer = palisade::core::Peer::new(peer.parse().unwrap(), palisade::core::Scheme::Https);
    request.extensions_mut().insert(peer);
    for name in ["x-request-id", "x-trace"] {
        request.headers_mut().insert(name, "sent".parse().unwrap());
    }
    let router = axum::Router::new().route("/health", axum::routing::get(async || "ok"));
    let app = shield.protect(router);
    let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
    let headers = response.headers();
    let id = headers.get("x-request-id").or(headers.get("x-trace"))?;
    Some(id.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_file_names_the_header_of_the_request_identifier_and_whose_is_accepted() {
    let proxies = "proxies = [\"10.0.0.0/8\"]\nheader = \"X-Forwarded-For\"\n";
    let accepting = format!("{proxies}accept_request_id = true");
    let (proxy, stranger) = ("10.0.0.1:4711", "203.0.113.7:4711");
    for server in ["", "request_id = true", "request_id = \"X-Trace\""] {
        let id = async |client: &str, peer| request_id(server, client, peer).await.unwrap();
        assert_eq!(id("", stranger).await.len(), 32, "{server}");
        assert_eq!(id(proxies, proxy).await.len(), 32, "not accepted: {server}");
        assert_eq!(id(&accepting, stranger).await.len(), 32, "{server}");
        assert_eq!(id(&accepting, proxy).await, "sent", "{server}");
    }
    assert_eq!(request_id("request_id = false", "", stranger).await, None);
}

#[test]
fn an_invalid_header_of_the_request_identifier_is_an_error_with_its_line() {
    let error_of = |server: &str, client: &str| {
        let text =
            format!("[server]\nhosts = [\"a.test\"]\nrequest_id = {server}\n[client]\n{client}");
        let config = Config::parse(&text).and_then(|config| config.assemble());
        config.unwrap_err().to_string()
    };
    for (server, client, part) in [
        ("\"no header\"", "", "write the name of a header"),
        ("7", "", "expected the name of a header, or false"),
        ("false", "accept_request_id = true", "one is accepted"),
    ] {
        let error = error_of(server, client);
        assert!(error.starts_with("configuration:3: "), "{error}");
        assert!(error.contains(part), "{error}");
    }
}
