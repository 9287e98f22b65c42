//! Firewall rules in a shield, and the section `[inspect]`.

use std::fs;

use axum::body::Body;
use http::{Request, StatusCode};
use palisade::config::Config;
use palisade::core::{Peer, Scheme, SecurityContext};
use palisade::{Rule, Rules, Shield};
use tower::{ServiceExt as _, service_fn};

const START: &str = "server.hosts = ['a.example']\n";

/// A shield of a configuration with a public route.
fn shield(section: &str) -> Shield {
    let config = Config::parse(&format!("server.hosts = ['a.example']\n{section}"));
    let parts = config.unwrap().assemble().unwrap();
    let rules = Rules::new().any("/{*path}", Rule::public());
    let https = palisade::HttpsLayer::builder()
        .dangerously_accept_plain_http()
        .build();
    parts
        .shield
        .https(https.unwrap())
        .rules(rules)
        .build()
        .unwrap()
}

/// Sends a request through a shield. Returns the status and what the rules found.
async fn send(shield: &Shield, request: http::request::Builder) -> (StatusCode, String) {
    let service = shield.wrap(service_fn(async |request: Request<_>| {
        let _: &palisade::core::RequestBody<Body> = request.body();
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from("ok")))
    }));
    let peer = Peer::new(([192, 0, 2, 7], 40_000).into(), Scheme::Http);
    let request = request.header("host", "a.example").extension(peer);
    let (mut head, body) = request.body(Body::empty()).unwrap().into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let response = service.oneshot(Request::from_parts(head, body)).await;
    let facts = format!("{:?}", cx.facts());
    (response.unwrap().status(), facts)
}

#[tokio::test]
async fn responses_are_inspected_where_the_section_says_so() {
    let trace = "Traceback (most recent call last):";
    for (section, expected) in [
        ("[inspect]\nshadow = false", 500),
        ("[inspect]\nresponse = true", 500),
        (
            "[inspect]\nshadow = false\nresponse = true\nmax_response_kib = 1",
            502,
        ),
    ] {
        let service = shield(section).wrap(service_fn(async |request: Request<_>| {
            let _: &palisade::core::RequestBody<Body> = request.body();
            let response = http::Response::builder()
                .status(500)
                .header("content-type", "application/json");
            response.body(Body::from(format!("{{\"error\":\"{trace}\"}}")))
        }));
        let peer = Peer::new(([192, 0, 2, 7], 40_000).into(), Scheme::Http);
        let request = Request::get("/x").header("host", "a.example");
        let request = request.extension(peer).body(Body::empty()).unwrap();
        let status = service.oneshot(request).await.unwrap().status();
        assert_eq!(status.as_u16(), expected, "{section}");
    }
    let text = shield("[inspect]\nresponse = true").explain();
    assert!(text.contains("responses up to 64 KiB"), "{text}");
}

#[tokio::test]
async fn a_coding_and_a_range_reach_the_handler_only_where_the_section_says_so() {
    for (more, expected) in [
        ("", [Some("identity"), None]),
        (
            "dangerously_pass_accept_encoding_and_range = false",
            [Some("identity"), None],
        ),
        (
            "dangerously_pass_accept_encoding_and_range = true",
            [Some("gzip"), Some("bytes=0-1")],
        ),
    ] {
        let shield = shield(&format!("[inspect]\nresponse = true\n{more}"));
        let service = shield.wrap(service_fn(async |request: Request<_>| {
            let _: &palisade::core::RequestBody<Body> = request.body();
            let header = |name: &str| request.headers().get(name).cloned();
            let mut response = http::Response::new(Body::empty());
            for (to, from) in [("x-coding", "accept-encoding"), ("x-range", "range")] {
                if let Some(value) = header(from) {
                    response.headers_mut().insert(to, value);
                }
            }
            Ok::<_, std::convert::Infallible>(response)
        }));
        let peer = Peer::new(([192, 0, 2, 7], 40_000).into(), Scheme::Http);
        let request = Request::get("/x")
            .header("host", "a.example")
            .header("accept-encoding", "gzip")
            .header("range", "bytes=0-1")
            .extension(peer);
        let response = service.oneshot(request.body(Body::empty()).unwrap()).await;
        let headers = response.unwrap().into_parts().0.headers;
        let seen = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let expected = expected.map(|value| value.map(str::to_owned));
        assert_eq!([seen("x-coding"), seen("x-range")], expected, "{more}");
    }
}

/// Asserts that the section is refused with this line.
fn refused(section: &str, expected: &str) {
    let config = Config::parse(&format!("server.hosts = ['a.example']\n{section}"));
    let error = config
        .and_then(|config| config.assemble())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn rules_only_record_until_shadow_is_off() {
    let attack = || Request::get("/x?file=..%2f..%2fetc%2fpasswd");
    let (status, facts) = send(&shield("[inspect]"), attack()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        facts.contains("inspect_rules") && facts.contains("10001"),
        "{facts}"
    );
    let enforcing = shield("[inspect]\nshadow = false");
    assert_eq!(send(&enforcing, attack()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        send(&enforcing, Request::get("/x?file=a.txt")).await.0,
        StatusCode::OK
    );
    assert_eq!(send(&shield(""), attack()).await.1, "[]");
}

#[test]
fn the_rules_are_innermost_and_explained() {
    let with = shield("[inspect]\nshadow = false");
    assert_eq!(with.order().last(), Some(&"inspect"));
    let text = with.explain();
    assert!(
        text.contains("13 rules that are shipped; refused; bodies up to 64 KiB"),
        "{text}"
    );
    assert!(!shield("").explain().contains("inspect"));
}

#[tokio::test]
async fn rules_of_a_folder_with_a_threshold_and_exceptions() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rules = "SecRule ARGS \"@contains attack\" \"id:942100,phase:2,pass,tag:'attack-sqli',severity:CRITICAL,\
        setvar:tx.blocking_inbound_anomaly_score=+5\"\n\
        SecRule TX:blocking_inbound_anomaly_score \"@ge %{tx.inbound_anomaly_score_threshold}\" \"id:949110,phase:2,deny\"";
    fs::write(folder.path().join("rules/a.conf"), rules).unwrap();
    let section = |more: &str| {
        format!(
            "[inspect]\nshadow = false\nrules = {:?}\n{more}",
            folder.path()
        )
    };
    let attack = || Request::get("/search?q=attack");
    let status = async |more: &str| send(&shield(&section(more)), attack()).await.0;
    assert_eq!(status("threshold = 5").await, StatusCode::FORBIDDEN);
    assert_eq!(status("threshold = 6").await, StatusCode::OK);
    for exclude in [
        "rules = 942100",
        "rules = '942000-942999'",
        "tag = 'attack-sqli'\npath = '/search'",
        "tag = 'attack-sqli'\nfield = 'ARGS:q'",
    ] {
        let section = format!("threshold = 5\n[[inspect.exclude]]\n{exclude}");
        assert_eq!(status(&section).await, StatusCode::OK, "{exclude}");
    }
    let other = "threshold = 5\n[[inspect.exclude]]\nrules = 942100\npath = '/other'";
    assert_eq!(status(other).await, StatusCode::FORBIDDEN);
    assert_eq!(
        status("threshold = 5\nskip_paths = ['/search']").await,
        StatusCode::OK
    );
}

#[test]
fn values_that_mean_nothing_are_named() {
    for (section, expected) in [
        (
            "inspect.paranoia = 2",
            "configuration:2: inspect.paranoia: ",
        ),
        (
            "inspect.threshold = 5",
            "configuration:2: inspect.threshold: the rules that are shipped keep no score",
        ),
        (
            "inspect.dangerously_pass_accept_encoding_and_range = true",
            "configuration:2: inspect.dangerously_pass_accept_encoding_and_range: responses are not inspected",
        ),
        (
            "inspect.rules = '/nonexistent'",
            "configuration:2: inspect.rules: ",
        ),
        (
            "inspect.person_text = ['/a', '']",
            "configuration:2: inspect.person_text: ",
        ),
        (
            "[[inspect.exclude]]\npath = '/'",
            "configuration:2: inspect.exclude: an exception needs",
        ),
        (
            "[[inspect.exclude]]\nrules = 'x'",
            "configuration:3: inspect.exclude.rules: these are no ids",
        ),
        (
            "inspect.max_response_kib = 8",
            "configuration:2: inspect.max_response_kib: responses are not inspected",
        ),
        (
            "inspect.matched_text_key = '/nonexistent'",
            "configuration:2: inspect.matched_text_key: the key for matched texts",
        ),
        (
            "inspect.matched_text_key_env = 'PALISADE_NO_SUCH_VARIABLE'",
            "configuration:2: inspect.matched_text_key_env: the variable is not set",
        ),
        ("inspect.paranoid = 2", "configuration:2: inspect.paranoid"),
    ] {
        refused(section, expected);
    }
}

#[test]
fn an_application_in_shadow_refuses_nothing_by_rules() {
    let text = format!("{START}[inspect]\nshadow = false");
    let config = Config::parse(&text).unwrap();
    let parts = config.dangerously_only_shadow().assemble().unwrap();
    let layer = parts.inspect.unwrap();
    assert!(
        layer.explain().contains("only recorded"),
        "{}",
        layer.explain()
    );
}

#[tokio::test]
async fn rules_see_the_text_that_the_handler_gets() {
    // A hidden character splits the word; the stack removes it before the rules and the handler.
    let directives = "SecRule ARGS \"@contains attack\" \"id:7,phase:2,deny\"";
    let section = format!("[inspect]\nshadow = false\ndirectives = '''{directives}'''");
    let config = Config::parse(&format!("server.hosts = ['a.example']\n{section}")).unwrap();
    let rule = Rule::public().text("q");
    let https = palisade::HttpsLayer::builder().dangerously_accept_plain_http();
    let shield = config
        .assemble()
        .unwrap()
        .shield
        .https(https.build().unwrap());
    let shield = shield
        .rules(Rules::new().get("/search", rule))
        .build()
        .unwrap();
    let request = || Request::get("/search?q=att%E2%80%8Back");
    assert_eq!(send(&shield, request()).await.0, StatusCode::FORBIDDEN);
}
