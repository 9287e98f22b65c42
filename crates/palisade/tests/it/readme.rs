//! What the README shows compiles: each line of its Rust stands in this file too.

use std::{
    fs,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use palisade::ProtectedRouter;
use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore};
use palisade::audit::FileSinkBuilder;
use palisade::core::{
    Guard, ManualClock, Rejection, SecurityContext, SharedClock, SystemClock, Verdict,
};
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, Policy, RateLimitLayer, Routes, Rule, Rules, Shield,
};

use crate::support::{request, send_to};

/// Stands in for the real one, so that the trail lands in a folder of the test.
struct FileSink;

impl FileSink {
    fn builder(name: &str) -> FileSinkBuilder {
        static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
        // One file has one writer, and tests run at the same time.
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        palisade::FileSink::builder(FOLDER.path().join(format!("{number}-{name}")))
    }
}

#[rustfmt::skip] // The lines are those of the README.
fn first_screen() -> Result<(ProtectedRouter, String), Box<dyn std::error::Error>> {
    let scheme = KeyScheme::new(palisade::api_key::Pepper::generate()?);
    let keys = MemoryKeyStore::new();
    let grant = Grant::new(Environment::Live).scopes(["voice:speak"]);
    let minted = scheme.mint(grant, SystemClock::shared().unix_time())?;
    keys.insert(minted.record().clone())?;
    let speak = async || "spoken";

let routes = Routes::new()
    .get("/health", Rule::public(), async || "ok")
    .post("/speak", Rule::scope("voice:speak").limit("speak").text("text"), speak);

let client = Policy::named("client").rate("60/minute")?;
let speak = Policy::named("speak").rate("10/minute")?.on_named_routes();
let app = Shield::builder()
    .audit(AuditLayer::builder().sink(FileSink::builder("audit.jsonl").open()?).build()?)
    .authenticate(ApiKeyLayer::new(scheme, keys))
    .hosts(AllowedHosts::parse(["voice.example"])?)
    .limit_clients(RateLimitLayer::by_client().policy(client).build()?)
    .limit_principals(RateLimitLayer::by_principal().policy(speak).build()?)
    .protect(routes)?;

    Ok((app, minted.key().to_owned()))
}

#[rustfmt::skip] // The lines are those of the README.
fn existing_router(router: axum::Router) -> Result<ProtectedRouter, Box<dyn std::error::Error>> {
    use existing::{FileKeyStore, Pepper};

let rules = Rules::new()
    .get("/health", Rule::public())
    .below("/notes", Rule::scope("notes:read"))
    .fallback(Rule::public());
let scheme = KeyScheme::new(Pepper::read_file("data/pepper")?);
let app = Shield::builder()
    .authenticate(ApiKeyLayer::new(scheme, FileKeyStore::open("data/keys.toml")?))
    .hosts(AllowedHosts::parse(["localhost:8443"])?)
    .rules(rules)
    .protect(router)?;

    Ok(app)
}

/// Compiled only: it would take the port of a server that runs here.
#[allow(dead_code)]
#[rustfmt::skip] // The lines are those of the README.
async fn serve_existing_router(app: ProtectedRouter) -> Result<(), Box<dyn std::error::Error>> {
use palisade::server::{DevAuthority, Server};
let certificates = DevAuthority::open_or_create("data/tls")?.certificates()?;
let server = Server::builder().listen("127.0.0.1:8443".parse()?).tls(certificates).build()?;
server.serve(app.into_inner(), std::future::pending()).await?;
    Ok(())
}

/// Stand in for the real ones, so that the test needs no files of the command.
mod existing {
    use palisade::api_key::{KeyFileError, MemoryKeyStore};

    pub(super) struct Pepper;

    impl Pepper {
        pub(super) fn read_file(
            _: &str,
        ) -> Result<palisade::api_key::Pepper, Box<dyn std::error::Error>> {
            Ok(palisade::api_key::Pepper::generate()?)
        }
    }

    pub(super) struct FileKeyStore;

    impl FileKeyStore {
        pub(super) fn open(_: &str) -> Result<MemoryKeyStore, KeyFileError> {
            Ok(MemoryKeyStore::new())
        }
    }
}

#[rustfmt::skip] // The lines are those of the README.
#[allow(unreachable_pub)]
mod own_guard {
    use super::*;

#[derive(Clone, Debug)]
pub struct OfficeHours(pub SharedClock);

impl Guard for OfficeHours {
    type Pass = ();
    fn name(&self) -> &'static str { "office_hours" }
    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        match self.0.unix_time().as_secs() / 3600 % 24 {
            8..18 => Verdict::Admit(()),
            _ => Rejection::new(StatusCode::FORBIDDEN, "closed", "Come back at eight.").into(),
        }
    }
}
palisade::core::layer!(OfficeHours); // or Shield::builder().guard(OfficeHours(clock))
}

#[test]
fn the_first_screen_builds_a_stack() {
    let (app, _) = first_screen().unwrap();
    assert!(format!("{app:?}").contains("limit_principal"));
}

/// Cuts what depends on how fast the test ran: the seconds to wait, and what the client has left.
fn without_times(value: &str) -> String {
    const CLIENT: &str = "\"client\";r=";
    let value = match value.split_once(CLIENT) {
        Some((before, _)) => format!("{before}{CLIENT}"),
        None => value.to_owned(),
    };
    let members: Vec<_> = value.split(", ").map(without_seconds).collect();
    members.join(", ")
}

/// Cuts the seconds to wait.
fn without_seconds(value: &str) -> String {
    match value.rsplit_once(";t=") {
        Some((before, _)) => format!("{before};t="),
        None if value.parse::<u8>().is_ok() => String::new(),
        None => value.to_owned(),
    }
}

#[tokio::test]
async fn the_refusal_of_the_readme_is_the_one_that_is_sent() {
    let (app, key) = first_screen().unwrap();
    let send = || {
        let mut request = request("POST", "/speak", Some(&key));
        let headers = request.headers_mut();
        headers.insert("host", "voice.example".parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = r#"{"text":"hi"}"#.into();
        send_to(&app, request)
    };
    for _ in 0..10 {
        assert_eq!(send().await.status, 200);
    }
    let sent = send().await;

    let readme =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let block = readme
        .split("```http\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let (head, body) = block.unwrap().split_once("\n\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(
        lines.next(),
        Some(format!("HTTP/2 {}", sent.status).as_str())
    );
    for line in lines {
        let (name, shown) = line.split_once(": ").unwrap();
        let value = sent.headers[name].to_str().unwrap();
        assert_eq!(without_times(shown), without_times(value), "{name}");
    }
    let shown: String = body.lines().map(str::trim_start).collect();
    assert_eq!(shown, sent.body);
}

#[test]
fn the_rules_of_an_existing_router_build_a_stack() {
    let notes = axum::Router::new().route("/{id}", axum::routing::get(async || "note"));
    let router = axum::Router::new()
        .route("/health", axum::routing::get(async || "ok"))
        .nest("/notes", notes)
        .fallback(async || "nothing");
    let app = existing_router(router).unwrap();
    let handlers = app
        .warnings()
        .iter()
        .filter(|one| one.code.contains("handler"));
    assert_eq!(handlers.count(), 0, "{}", app.explain());
}

#[test]
fn the_guard_of_the_readme_keeps_office_hours() {
    let open_at = |hour: u64| {
        let clock = ManualClock::new(Duration::from_secs(hour * 3600));
        let guard = own_guard::OfficeHours(clock.shared());
        let (mut head, ()) = http::Request::new(()).into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        matches!(guard.admit(&cx, &mut head), Verdict::Admit(()))
    };
    assert!(open_at(9) && !open_at(7) && !open_at(20));
}

#[test]
fn every_line_of_rust_in_the_readme_stands_here() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let readme = fs::read_to_string(format!("{root}/README.md")).unwrap();
    let here = include_str!("readme.rs");
    let blocks = readme
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut lines = 0;
    for line in blocks.flat_map(str::lines).map(str::trim) {
        let found = here.lines().any(|one| one.trim() == line);
        assert!(
            line.starts_with("use ") || found,
            "not compiled here: {line}"
        );
        lines += 1;
    }
    assert!(lines > 25, "{lines} lines");
}
