//! An application that was written without Palisade, and the lines that protect it. The page
//! `how-to/existing.md` shows the same two programs.

#[allow(dead_code, clippy::unwrap_used)] // It is a program: `main` is not called.
#[rustfmt::skip] // The lines are those of the page.
#[path = "existing_app/after.rs"]
mod after;
#[allow(dead_code, clippy::unwrap_used)]
#[rustfmt::skip]
#[path = "existing_app/before.rs"]
mod before;

use std::{fs, path::Path, time::Duration};

use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
use palisade::core::ManualClock;
use palisade::{
    AllowedHosts, ApiKeyLayer, Policy, ProtectedRouter, RateLimitLayer, Rule, Rules, Shield,
};

use crate::support::{request, send_to};

const BEFORE: &str = include_str!("existing_app/before.rs");
const AFTER: &str = include_str!("existing_app/after.rs");

fn client_limit() -> RateLimitLayer {
    let client = Policy::named("client").rate("60/minute").unwrap();
    let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    let limit = RateLimitLayer::by_client().policy(client);
    limit.clock(clock.shared()).build().unwrap()
}

/// Returns the rules of the page around its router, and a key with a scope.
fn app(scope: &str) -> (ProtectedRouter, String) {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let keys = MemoryKeyStore::new();
    let grant = Grant::new(Environment::Live).scopes([scope]);
    let minted = scheme.mint(grant, Duration::ZERO).unwrap();
    keys.insert(minted.record().clone()).unwrap();
    let rules = Rules::new()
        .get("/health", Rule::public())
        .below("/notes", Rule::scope("notes"))
        .below("/admin", Rule::scope("admin"))
        .fallback(Rule::public());
    let app = Shield::builder()
        .authenticate(ApiKeyLayer::new(scheme, keys))
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .limit_clients(client_limit())
        .rules(rules)
        .protect(after::router())
        .unwrap();
    (app, minted.key().to_owned())
}

#[tokio::test]
async fn state_nested_routers_and_fallback_work_behind_their_rules() {
    let (app, key) = app("notes");
    let status = async |method, path, key| send_to(&app, request(method, path, key)).await.status;
    assert_eq!(status("GET", "/health", None).await, 200);
    assert_eq!(status("GET", "/notes", None).await, 401);
    assert_eq!(status("GET", "/notes", Some(&*key)).await, 200);
    assert_eq!(
        status("POST", "/notes", Some(&*key)).await,
        201,
        "the state is shared"
    );
    assert_eq!(status("GET", "/notes/0", Some(&*key)).await, 200);
    assert_eq!(status("DELETE", "/admin/notes", Some(&*key)).await, 403);
    let fallback = send_to(&app, request("GET", "/elsewhere", None)).await;
    assert_eq!(
        (fallback.status, fallback.body.as_str()),
        (404, "This page does not exist.")
    );
    let foreign = app
        .warnings()
        .iter()
        .any(|warning| warning.code.contains("handler"));
    assert!(!foreign, "{:?}", app.warnings());
}

#[tokio::test]
async fn an_address_that_guesses_keys_meets_the_limit() {
    let (app, _) = app("notes");
    let guess = async || send_to(&app, request("GET", "/notes", Some("psk_live_guess"))).await;
    for _ in 0..60 {
        assert_eq!(guess().await.status, 401);
    }
    assert_eq!(guess().await.status, 429);
}

#[test]
fn the_tests_use_the_rules_and_the_limit_of_the_page() {
    let tested = include_str!("existing_app.rs");
    let rules = AFTER.lines().map(str::trim);
    let rules = rules.skip_while(|line| !line.ends_with("Rules::new()"));
    let rules: Vec<_> = rules
        .take_while(|line| !line.starts_with("let app"))
        .collect();
    assert_eq!(rules.len(), 5);
    for line in rules {
        assert!(tested.contains(line), "not tested: {line}");
    }
    assert!(AFTER.contains("Policy::named(\"client\").rate(\"60/minute\")"));
}

#[tokio::test]
async fn everything_was_open_before() {
    use tower::ServiceExt as _;

    let response = before::router()
        .oneshot(request("DELETE", "/admin/notes", None))
        .await;
    assert_eq!(response.unwrap().status(), 200);
}

#[test]
fn the_page_shows_both_programs_and_twenty_changed_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/how-to");
    let page = fs::read_to_string(root.join("existing.md")).unwrap();
    let program = |text: &str| text.replace("pub(crate) fn", "fn");
    let (before, after) = (program(BEFORE), program(AFTER));
    assert!(page.contains(before.trim_end()), "the program before");
    let diff = page
        .split("```diff\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let lines = |sign: &str| -> Vec<&str> {
        let changed = diff.lines().filter_map(|line| line.strip_prefix(sign));
        changed.collect()
    };
    let (added, removed) = (lines("+"), lines("-"));
    for line in after.lines() {
        let is_old = before.lines().any(|old| old == line);
        assert!(is_old || added.contains(&line), "not on the page: {line}");
    }
    assert!(
        added
            .iter()
            .all(|line| after.lines().any(|new| new == *line))
    );
    assert!(
        removed
            .iter()
            .all(|line| before.lines().any(|old| old == *line))
    );
    assert_eq!((added.len(), removed.len()), (18, 2));
}
