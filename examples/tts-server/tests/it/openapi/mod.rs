//! The description of the interface, held against what the server really responses.

mod responses;
mod document;

use http::StatusCode;
use serde_json::Value;

use crate::support::{TestRequest, TestResponse, TestServer};

/// Headers that a program acts on: whatever response carries one must be described with it.
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
    let response = server.client.send(TestRequest::get("/openapi.json")).await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    response.json()
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

/// Checks that a response is one that the description promises.
fn check(document: &Value, method: &str, path: &str, response: &TestResponse) {
    let status = response.status.as_u16();
    let place = format!("{method} {path} {status}");
    let promised = &document["paths"][path][method]["responses"][status.to_string()];
    let promised = resolve(document, promised);
    assert!(promised.is_object(), "{place} is not described");
    let headers = promised["headers"].as_object();
    for name in TELLING
        .iter()
        .filter(|name| response.headers.contains_key(**name))
    {
        let described = headers
            .is_some_and(|headers| headers.keys().any(|known| known.eq_ignore_ascii_case(name)));
        assert!(described, "{place} comes with `{name}`");
    }
    if response.body.is_empty() {
        return;
    }
    let kind = response.header("content-type").split(';').next().unwrap();
    let content = &promised["content"][kind];
    assert!(content.is_object(), "{place} comes as {kind}");
    if response.status.is_client_error() || response.status.is_server_error() {
        check_refusal(document, &place, content, &response.json());
    }
}

/// Checks the body of a refusal: its code is one of those that are promised, its members are known.
fn check_refusal(document: &Value, place: &str, content: &Value, body: &Value) {
    let own = &content["schema"]["allOf"][1];
    let (name, body, own) = match body["error"].is_object() {
        true => ("Refusal", &body["error"], &own["properties"]["error"]),
        false => ("Problem", body, own),
    };
    let codes = own["properties"]["code"]["enum"].as_array();
    let code = &body["code"];
    assert!(codes.unwrap().contains(code), "{place} has the code {code}");
    let members = document["components"]["schemas"][name]["properties"].as_object();
    for member in body.as_object().unwrap().keys() {
        assert!(members.unwrap().contains_key(member), "{place}: {member}");
    }
}
