//! The description of the interface, held against what the server really answers.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Ask, CONFIG, TestServer};

/// Headers that a program acts on: whatever answer carries one must be described with it.
const TELLING: [&str; 8] = [
    "accept",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "set-cookie",
    "www-authenticate",
    "x-audio-seconds",
];

async fn description(server: &TestServer) -> Value {
    let answer = server.client.send(Ask::get("/openapi.json")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    answer.json()
}

/// Follows a reference, if it is one.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(place) => document
            .pointer(place.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{place} leads nowhere")),
        None => value,
    }
}

/// Checks that an answer is one that the description promises.
fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    let place = format!("{method} {path} {status}");
    let promised = &document["paths"][path][method]["responses"][status.to_string()];
    let promised = resolve(document, promised);
    assert!(promised.is_object(), "{place} is not described");
    let headers = promised["headers"].as_object();
    for name in TELLING
        .iter()
        .filter(|name| answer.headers.contains_key(**name))
    {
        let described = headers
            .is_some_and(|headers| headers.keys().any(|known| known.eq_ignore_ascii_case(name)));
        assert!(described, "{place} comes with `{name}`");
    }
    if answer.body.is_empty() {
        return;
    }
    let kind = answer.header("content-type").split(';').next().unwrap();
    let content = &promised["content"][kind];
    assert!(content.is_object(), "{place} comes as {kind}");
    if kind == "application/problem+json" {
        let codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array();
        let code = Value::from(answer.code());
        assert!(
            codes.unwrap().contains(&code),
            "{place} has the code {code}"
        );
        let members = document["components"]["schemas"]["Problem"]["properties"].as_object();
        for member in answer.json().as_object().unwrap().keys() {
            assert!(members.unwrap().contains_key(member), "{place}: {member}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_public_and_names_the_limits_and_voices_of_this_server() {
    let config = format!("{CONFIG}\n[text]\nmax_graphemes = 77\n");
    let server = TestServer::start_as(&config).await;
    let document = description(&server).await;
    assert_eq!(document["openapi"], "3.1.0");
    let fields = &document["components"]["schemas"]["Ask"]["properties"];
    assert_eq!(fields["text"]["x-max-graphemes"], 77);
    assert_eq!(fields["emotion"]["enum"], json!(["happy", "neutral", null]));
    assert_eq!(
        (&fields["speed"]["minimum"], &fields["speed"]["maximum"]),
        (&json!(0.5), &json!(2.0))
    );
    let page = server.client.send(Ask::get("/")).await;
    assert!(String::from_utf8_lossy(&page.body).contains("href=\"/openapi.json\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_nothing_is_left_empty() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let mut rest = vec![&document];
    let mut seen = 0;
    while let Some(value) = rest.pop() {
        seen += usize::from(value["$ref"].is_string());
        assert!(!resolve(&document, value).is_null());
        match value {
            Value::Array(values) => rest.extend(values),
            Value::Object(members) => {
                for (name, member) in members {
                    assert!(!member.is_null(), "{name} is null");
                    // A choice may well hold nothing.
                    rest.extend((name != "enum").then_some(member));
                }
            }
            _ => {}
        }
    }
    assert!(seen > 50, "{seen} references");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_answers_is_what_it_describes() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let key = server.key.clone();
    let with_key = |ask: Ask| ask.header("x-api-key", &key);
    let text = |body: &str| with_key(Ask::json("/tts", body.to_owned()));
    for (method, path, ask) in [
        ("get", "/", Ask::get("/")),
        ("head", "/", Ask::new(Method::HEAD, "/")),
        ("get", "/health", Ask::get("/health")),
        ("get", "/robots.txt", Ask::get("/robots.txt")),
        ("get", "/openapi.json", Ask::get("/openapi.json")),
        (
            "get",
            "/assets/{version}/{file}",
            Ask::get("/assets/0/main.js"),
        ),
        ("get", "/voices", with_key(Ask::get("/voices"))),
        ("get", "/voices", Ask::get("/voices")),
        (
            "get",
            "/health",
            Ask::get("/health").header("x-api-key", "wrong"),
        ),
        (
            "get",
            "/health",
            Ask::get("/health").header("host", "elsewhere.example"),
        ),
        ("get", "/tts", with_key(Ask::speak("好"))),
        ("get", "/tts", with_key(Ask::get("/tts"))),
        ("get", "/tts", with_key(Ask::get("/tts?text=%ff"))),
        (
            "get",
            "/tts",
            with_key(Ask::get("/tts?text=%E5%A5%BD&speed=x")),
        ),
        ("post", "/tts", text(r#"{"text":"好"}"#)),
        ("post", "/tts", text("{")),
        ("post", "/tts", text(r#"{"text":"好","emotion":"grumpy"}"#)),
        ("post", "/tts", text(r#"{"text":"好","speed":9}"#)),
        (
            "post",
            "/tts",
            text(&format!(r#"{{"text":"{}"}}"#, "好".repeat(501))),
        ),
    ] {
        let answer = server.client.send(ask).await;
        check(&document, method, path, &answer);
    }
    // The limit of a key is not far now.
    for _ in 0..10 {
        let answer = server.client.send(text(r#"{"text":"好"}"#)).await;
        check(&document, "post", "/tts", &answer);
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return;
        }
    }
    panic!("there is no limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_what_is_sent_and_who_sends_it_are_described() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let opened = server.with_key(Ask::new(Method::POST, "/session")).await;
    check(&document, "post", "/session", &opened);
    let cookie = opened.cookie();
    let key = server.key.clone();
    let with_key = |ask: Ask| ask.header("x-api-key", &key);
    let post = || with_key(Ask::new(Method::POST, "/tts"));
    for (method, path, ask) in [
        ("get", "/session", Ask::get("/session")),
        (
            "get",
            "/session",
            Ask::get("/session").header("cookie", &cookie),
        ),
        ("post", "/session", Ask::new(Method::POST, "/session")),
        // Nothing says that the server's own page asks.
        (
            "delete",
            "/session",
            Ask::new(Method::DELETE, "/session").header("cookie", &cookie),
        ),
        (
            "post",
            "/tts",
            Ask::json("/tts", r#"{"text":"好"}"#).header("cookie", &cookie),
        ),
        (
            "post",
            "/tts",
            post().header("content-type", "text/plain").body("好"),
        ),
        (
            "post",
            "/tts",
            with_key(Ask::json("/tts", r#"{"text":"好"}"#)).header("content-encoding", "gzip"),
        ),
        (
            "post",
            "/tts",
            with_key(Ask::json("/tts", vec![b' '; 100_000])),
        ),
        (
            "post",
            "/tts",
            with_key(Ask::json("/tts", r#"{"text":["好"]}"#)),
        ),
        (
            "post",
            "/tts",
            with_key(Ask::json("/tts", r#"{"text":"坏"}"#)),
        ),
        (
            "post",
            "/tts",
            with_key(Ask::json("/tts", r#"{"text":"好"}"#))
                .header("authorization", &format!("Bearer {key}")),
        ),
        (
            "delete",
            "/session",
            with_key(Ask::new(Method::DELETE, "/session")),
        ),
    ] {
        let answer = server.client.send(ask).await;
        check(&document, method, path, &answer);
    }
    for (method, path, ask) in [
        ("get", "/", Ask::get("/")),
        ("get", "/tts", Ask::get("/tts?text=a")),
        ("get", "/voices", Ask::get("/voices")),
        ("post", "/tts", Ask::json("/tts", "{}")),
    ] {
        let answer = crate::support::send_plain(server.http, ask).await;
        check(&document, method, path, &answer);
    }
}
