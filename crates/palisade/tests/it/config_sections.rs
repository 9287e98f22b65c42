//! The keys of `[audit]`, `[cors]`, `[keys]` and `[[tokens]]` that change what a part does.

use std::fs;

use http::{Request, header};
use palisade::api_key::{Environment, FileKeyStore, Grant, KeyScheme, Pepper};
use palisade::config::Config;
use palisade::core::{Peer, Scheme, SystemClock};

use crate::support::{TestResponse, request, send_to};

const HOSTS: &str = "[server]\nhosts = [\"service.test\"]\n";
const OPEN: &str = "[[routes]]\npath = \"/health\"\naccess = \"public\"\n";

/// Reads a file of a new folder, assembles it, and returns the error.
fn refusal(text: &str) -> String {
    let folder = crate::config::folder(&format!("{HOSTS}{text}"));
    let config = Config::read(folder.path().join("palisade.toml"));
    let assembled = config.and_then(|config| config.assemble());
    assembled.map(|_| ()).expect_err(text).to_string()
}

#[test]
fn a_number_out_of_range_is_an_error_with_its_key() {
    for (text, key) in [
        ("[audit]\nfile = \"a\"\nkeep_days = 0\n", "audit.keep_days"),
        ("[audit]\nfile = \"a\"\nkeep_mib = 0\n", "audit.keep_mib"),
        (
            "[audit]\nfile = \"a\"\nfold_seconds = 3601\n",
            "audit.fold_seconds",
        ),
        (
            "[audit]\nfile = \"a\"\nrefusal_kib_per_second = 0\n",
            "audit.refusal_kib_per_second",
        ),
        (
            "[audit]\nfile = \"a\"\ncheckpoint_seconds = 0\n",
            "audit.checkpoint_seconds",
        ),
        (
            "[audit]\nfile = \"a\"\ncheckpoint_records = 0\n",
            "audit.checkpoint_records",
        ),
        (
            "[cors]\norigins = [\"https://a.example\"]\nmax_age_seconds = 86401\n",
            "cors.max_age_seconds",
        ),
    ] {
        let error = refusal(text);
        assert!(error.contains(&format!(": {key}: ")), "{error}");
        assert!(error.contains("out of range"), "{error}");
    }
    let space = "[audit]\nfile = \"a\"\nlow_space = { warn_mib = 2000000000 }\n";
    assert!(refusal(space).contains("audit.low_space.warn_mib"));
    let misspelt = "[audit]\nfile = \"a\"\nlow_space = { warn = 1 }\n";
    assert!(
        refusal(misspelt).contains("audit.low_space.warn"),
        "{}",
        refusal(misspelt)
    );
}

#[tokio::test]
async fn checkpoints_are_written_where_the_file_says() {
    let exists = async |line: &str, name: &str| {
        let text = format!("{HOSTS}[audit]\nfile = \"trail\"\n{line}\n{OPEN}");
        let folder = crate::config::folder(&text);
        let config = Config::read(folder.path().join("palisade.toml")).unwrap();
        let audit = config.assemble().unwrap().audit.unwrap();
        audit.handle().close().await.unwrap();
        folder.path().join(name).exists()
    };
    assert!(exists("", "trail.checkpoints").await, "the default");
    assert!(
        exists(
            "checkpoints = \"elsewhere\"\ncheckpoint_seconds = 5",
            "elsewhere"
        )
        .await
    );
    assert!(!exists("checkpoints = \"elsewhere\"", "trail.checkpoints").await);
    assert!(!exists("checkpoints = false", "trail.checkpoints").await);
    assert!(refusal("[audit]\nfile = \"a\"\ncheckpoints = 7\n").contains("audit.checkpoints"));
    let key = refusal("[audit]\nfile = \"a\"\ncheckpoint_key = \"none\"\n");
    assert!(
        key.contains("audit.checkpoint_key") && key.contains("palisade audit key"),
        "{key}"
    );
}

#[test]
fn retention_and_low_space_are_accepted() {
    let text = format!(
        "{HOSTS}[audit]\nfile = \"trail\"\nkeep_days = 90\nkeep_mib = 1024\nfold_seconds = 30\n\
         refusal_kib_per_second = 64\ncheckpoint_records = 5\n\
         low_space = {{ warn_mib = 1024, count_refusals_mib = 0, retire_oldest_mib = 64, refuse_requests_mib = 16 }}\n{OPEN}"
    );
    let folder = crate::config::folder(&text);
    let config = Config::read(folder.path().join("palisade.toml")).unwrap();
    assert!(config.assemble().unwrap().audit.is_some());
}

/// Sends a preflight to the stack of a file.
async fn preflight(cors: &str, origin: &'static str) -> TestResponse {
    let text = format!("{HOSTS}[cors]\n{cors}\n{OPEN}");
    let parts = Config::parse(&text).unwrap().assemble().unwrap();
    let router = axum::Router::new().route("/health", axum::routing::get(async || "ok"));
    let app = parts.shield.protect(router).unwrap();
    let mut request = request("OPTIONS", "/health", None);
    let headers = request.headers_mut();
    headers.insert(header::ORIGIN, origin.parse().unwrap());
    headers.insert(
        header::ACCESS_CONTROL_REQUEST_METHOD,
        "GET".parse().unwrap(),
    );
    headers.insert(
        header::ACCESS_CONTROL_REQUEST_HEADERS,
        "x-one".parse().unwrap(),
    );
    send_to(&app, request).await
}

#[tokio::test]
async fn the_section_cors_allows_scripts_of_its_origins() {
    let origin = "https://app.example";
    let one = "origins = [\"https://app.example\"]";
    let seen = preflight(one, origin).await;
    assert_eq!(seen.status, 204);
    assert_eq!(seen.headers["access-control-allow-origin"], origin);
    assert_eq!(
        seen.headers["access-control-allow-methods"],
        "GET,HEAD,POST"
    );
    assert_eq!(seen.headers["access-control-allow-headers"], "x-one");
    assert_eq!(seen.headers["access-control-max-age"], "7200");
    let foreign = preflight(one, "https://evil.example").await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let more = "origins = [\"https://app.example\"]\nmethods = [\"put\"]\nheaders = [\"x-two\"]\n\
        expose = [\"x-three\"]\ncredentials = true\nmax_age_seconds = 0";
    let seen = preflight(more, origin).await;
    assert_eq!(seen.headers["access-control-allow-methods"], "PUT");
    assert_eq!(seen.headers["access-control-allow-headers"], "x-two");
    assert_eq!(seen.headers["access-control-allow-credentials"], "true");
    assert_eq!(seen.headers["access-control-max-age"], "0");
    let every = preflight("origins = [\"*\"]", "https://any.example").await;
    assert_eq!(every.headers["access-control-allow-origin"], "*");
    let none = preflight("origins = []", origin).await;
    assert_eq!(none.status, 405);
}

#[test]
fn an_origin_that_never_matches_is_an_error() {
    for (text, part) in [
        (
            "[cors]\norigins = [\"https://App.example\"]\n",
            "not an origin",
        ),
        (
            "[cors]\norigins = [\"*\"]\ncredentials = true\n",
            "every origin",
        ),
        (
            "[cors]\norigins = [\"https://a.example\"]\nheaders = [\"a b\"]\n",
            "name of a header",
        ),
        (
            "[cors]\norigins = [\"https://a.example\"]\nmethods = [\"a b\"]\n",
            "\"GET\"",
        ),
        ("[cors]\norigin = []\n", "did you mean `origins`"),
    ] {
        assert!(refusal(text).contains(part), "{}", refusal(text));
    }
}

#[tokio::test]
async fn a_key_sent_without_tls_is_revoked_if_configured() {
    for (line, revoked) in [("on_exposed = \"revoke\"", true), ("", false)] {
        let text = format!(
            "{HOSTS}[keys]\nfile = \"keys.toml\"\npepper = \"pepper\"\n{line}\n\
             [[routes]]\npath = \"/health\"\naccess = \"authenticated\"\n"
        );
        let folder = crate::config::folder(&text);
        let at = |name: &str| folder.path().join(name);
        let scheme = KeyScheme::new(Pepper::read_file(at("pepper")).unwrap());
        let grant = Grant::new(Environment::Live);
        let minted = scheme
            .mint(grant, SystemClock::shared().unix_time())
            .unwrap();
        let record = minted.record().clone();
        let store = FileKeyStore::builder(at("keys.toml"))
            .on_report(|_| ())
            .unwatched()
            .open()
            .unwrap();
        store.update(|table| table.insert(record)).unwrap();
        let parts = Config::read(at("palisade.toml"))
            .unwrap()
            .assemble()
            .unwrap();
        let router = axum::Router::new().route("/health", axum::routing::get(async || "ok"));
        let app = parts.shield.protect(router).unwrap();
        let mut clear: Request<_> = request("GET", "/health", Some(minted.key()));
        let peer = Peer::new("203.0.113.7:5000".parse().unwrap(), Scheme::Http);
        clear.extensions_mut().insert(peer);
        assert_eq!(send_to(&app, clear).await.status, 403);
        assert_eq!(is_revoked(&at("keys.toml"), revoked), revoked, "{line}");
    }
}

/// Reads the file until it says that a key is revoked. Where none is expected, it reads once.
fn is_revoked(file: &std::path::Path, expected: bool) -> bool {
    let attempts = if expected { 1_000_000 } else { 1 };
    (0..attempts).any(|_| {
        std::thread::yield_now();
        fs::read_to_string(file).unwrap().contains("revoked = ")
    })
}

#[test]
fn all_issuers_share_one_clock_step() {
    let issuer = |name: &str, more: &str| {
        format!(
            "[[tokens]]\nissuer = \"https://{name}.example\"\naudience = \"voice\"\nlabel = \"{name}\"\n\
             jwks_file = \"jwks.json\"\n{more}\n"
        )
    };
    let both = |one: &str, other: &str| format!("{}{}", issuer("a", one), issuer("b", other));
    let error = refusal(&both(
        "max_clock_step_minutes = 5",
        "max_clock_step_minutes = 6",
    ));
    assert!(
        error.contains("tokens.max_clock_step_minutes") && error.contains("write it once"),
        "{error}"
    );
    let error = refusal(&issuer("a", "jwks_lifetime_minutes = 5"));
    assert!(error.contains("tokens.jwks_lifetime_minutes"), "{error}");
    let good = format!("{HOSTS}{}{OPEN}", both("max_clock_step_minutes = 5", ""));
    let folder = crate::config::folder(&good);
    let config = Config::read(folder.path().join("palisade.toml")).unwrap();
    assert!(config.assemble().unwrap().shield.build().is_ok());
}

#[tokio::test]
async fn responses_are_cleaned_as_the_section_of_text_says() {
    let text = format!(
        "{HOSTS}[text]\nplaceholders = [\"phone\"]\nmask_responses = [\"all\"]\n\
         [[routes]]\npath = \"/say\"\nmethods = [\"POST\"]\naccess = \"public\"\ntext = [\"text\"]\n"
    );
    let parts = Config::parse(&text).unwrap().assemble().unwrap();
    let handler = async |body: String| {
        assert_eq!(body, r#"{"text":"tel ‹PHONE_1›"}"#);
        "yours: ‹PHONE_1›, theirs: li\u{202e}@example.com"
    };
    let router = axum::Router::new().route("/say", axum::routing::post(handler));
    let app = parts.shield.protect(router).unwrap();
    let mut request = request("POST", "/say", None);
    let json = "application/json".parse().unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    *request.body_mut() = r#"{"text":"tel 13800138000"}"#.into();
    let response = send_to(&app, request).await;
    assert_eq!(response.body, "yours: 13800138000, theirs: **************");
}

#[tokio::test]
async fn heads_and_limits_of_bodies_are_as_the_section_of_text_says() {
    let text = format!(
        "{HOSTS}[text]\nheaders = [\"x-title\"]\npath_parameters = [\"name\"]\nmax_depth = 2\n\
         max_exponent = 5\nmax_keys = 4\nmax_number_digits = 6\nmax_string_kib = 1\n\
         stale_headers = \"drop-all\"\nraw_body = true\n\
         [[routes]]\npath = \"/say/{{name}}\"\nmethods = [\"POST\"]\naccess = \"public\"\ntext = [\"text\"]\n"
    );
    let parts = Config::parse(&text).unwrap().assemble().unwrap();
    let handler = |request: http::Request<axum::body::Body>| async move {
        let raw = request.extensions().get::<palisade::sanitize::RawBody>();
        assert_eq!(raw.unwrap().as_bytes().first(), Some(&b'{'));
        let title = request.headers()["x-title"].as_bytes().to_vec();
        String::from_utf8(title).unwrap()
    };
    let app = axum::Router::new().route("/say/{name}", axum::routing::post(handler));
    let app = parts.shield.protect(app).unwrap();
    let ask = async |path: &str, body: &str| {
        let mut request = request("POST", path, None);
        let title = http::HeaderValue::from_bytes("a\u{200b}b".as_bytes()).unwrap();
        request.headers_mut().insert("x-title", title);
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", json);
        *request.body_mut() = axum::body::Body::from(body.to_owned());
        let response = send_to(&app, request).await;
        (response.status, response.body)
    };
    let passed = ask("/say/li", r#"{"text":"hi","n":1e5,"l":[1]}"#).await;
    assert_eq!(passed, (200, "ab".to_owned()));
    let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(1025));
    for (path, body, status, code) in [
        (
            "/say/l%E2%80%AEi",
            r#"{"text":"hi"}"#,
            422,
            "field_not_clean",
        ),
        (
            "/say/li",
            r#"{"text":"hi","l":[[1]]}"#,
            400,
            "json_malformed",
        ),
        ("/say/li", r#"{"text":"hi","n":1e6}"#, 400, "json_malformed"),
        (
            "/say/li",
            r#"{"text":"hi","n":1234567}"#,
            400,
            "json_malformed",
        ),
        (
            "/say/li",
            r#"{"text":"hi","l":[1,2,3]}"#,
            400,
            "json_malformed",
        ),
        ("/say/li", long.as_str(), 400, "json_malformed"),
    ] {
        let (seen, problem) = ask(path, body).await;
        assert_eq!(seen, status, "{body}: {problem}");
        assert!(problem.contains(code), "{body}: {problem}");
    }
}

#[test]
fn wrong_headers_and_choices_of_the_section_of_text_are_told_with_their_place() {
    for (line, part) in [
        ("headers = [\"x title\"]", "is not the name of a header"),
        ("headers = [\"authorization\"]", "proves who sent it"),
        ("stale_headers = \"drop\"", "drop-all, drop-digests or keep"),
        ("max_depth = 129", "at most 128"),
    ] {
        let error = refusal(&format!("[text]\n{line}\n{OPEN}"));
        assert!(error.contains(part), "{error}");
    }
}
