//! What opens no tool: another token, another place, another origin, another reading of the message.

use std::io::{Error, ErrorKind};

use axum::body::{Body, Bytes};
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use palisade::jwt::mint::Token;
use palisade::testing;
use serde_json::json;

use crate::support::{Authority, ISSUER, RESOURCE, TestServer, call, initialize, post, with_body};

const READ_WRITE: &[&str] = &["notes:read", "notes:write"];

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn without_a_token_a_client_learns_where_to_get_one() {
    let server = TestServer::new();
    let response = server.send(with_body(post(), &call("list_notes"))).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.challenge(),
        "Bearer realm=\"api\", resource_metadata=\"https://notes.example/.well-known/oauth-protected-resource/mcp\", scope=\"notes:read\""
    );
    let metadata = "https://notes.example/.well-known/oauth-protected-resource/mcp";
    let metadata = testing::request(metadata).body(Body::empty()).unwrap();
    let metadata = server.send(metadata).await;
    let document: serde_json::Value = serde_json::from_str(&metadata.body).unwrap();
    assert_eq!(document["resource"], RESOURCE);
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
}

#[tokio::test]
async fn tokens_that_are_not_for_this_server_open_nothing() {
    let server = TestServer::new();
    let authority = &server.authority;
    let of_another_issuer = Authority::new("https://other.example");
    let foreign_key = Authority::new(ISSUER);
    let id_token = Token::new(ISSUER, RESOURCE, "ann").client("test-client");
    let id_token = id_token
        .kind("JWT")
        .claim("nonce", "n")
        .claim("at_hash", "h");
    let id_token = id_token.scopes(READ_WRITE.iter().copied());
    for (name, token) in [
        (
            "another resource",
            authority.token("https://other.example/mcp", "ann", READ_WRITE),
        ),
        (
            "the host without the path",
            authority.token("https://notes.example", "ann", READ_WRITE),
        ),
        (
            "another issuer",
            of_another_issuer.token(RESOURCE, "ann", READ_WRITE),
        ),
        (
            "another key",
            foreign_key.token(RESOURCE, "ann", READ_WRITE),
        ),
        (
            "an ID token",
            id_token.sign(&authority.key, &authority.clock).unwrap(),
        ),
        ("no token", "abc".to_owned()),
    ] {
        let request = post().header("authorization", bearer(&token));
        let response = server.send(with_body(request, &call("list_notes"))).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(
            response.challenge().contains("resource_metadata="),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_refused() {
    let server = TestServer::new();
    let token = server.authority.token(RESOURCE, "ann", READ_WRITE);
    let uri = format!("{RESOURCE}?access_token={token}");
    let request = testing::request(&uri)
        .method("POST")
        .header("content-type", "application/json");
    let response = server.send(with_body(request, &call("list_notes"))).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert!(
        response.body.contains("token_in_query"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn a_call_without_the_scope_of_its_tool_is_refused_before_the_tool_runs() {
    let server = TestServer::new();
    let narrow = server.authority.token(RESOURCE, "ann", &["notes:read"]);
    let mut add = call("add_note");
    add["params"]["arguments"] = json!({ "text": "buy bread" });
    let request = post().header("authorization", bearer(&narrow));
    let refused = server.send(with_body(request, &add)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let challenge = refused.challenge();
    // What the client has is in the list, or it would lose it.
    for part in [
        "error=\"insufficient_scope\"",
        "resource_metadata=",
        "notes:read",
        "notes:write",
    ] {
        assert!(challenge.contains(part), "{challenge}");
    }
    let request = post().header("authorization", bearer(&narrow));
    let list = server.send(with_body(request, &call("list_notes"))).await;
    assert!(!list.body.contains("buy bread"), "{}", list.body);
    let record = server.records("\"add_note\"");
    assert!(record[0].contains("403"), "{record:?}");
}

#[tokio::test]
async fn a_message_that_hides_its_tool_reaches_none() {
    let server = TestServer::new();
    let narrow = server.authority.token(RESOURCE, "ann", &["notes:read"]);
    for body in [
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}]"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"add_note"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","name":"add_note"}}"#,
    ] {
        let request = post().header("authorization", bearer(&narrow));
        let response = server.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let request = post().header("authorization", bearer(&narrow));
    let long = Body::from(vec![b' '; 65 * 1024]);
    let response = server.send(request.body(long).unwrap()).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_is_not_listed_is_refused_before_the_protocol_sees_it() {
    let server = TestServer::new();
    let token = server.authority.token(RESOURCE, "ann", READ_WRITE);
    let send = async |message: serde_json::Value| {
        let request = post().header("authorization", bearer(&token));
        server.send(with_body(request, &message)).await
    };
    for tool in ["unknown", "", "ADD_NOTE", "add_note "] {
        let refused = send(call(tool)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{tool}");
        assert!(refused.body.contains("tool_unknown"), "{}", refused.body);
    }
    for method in [
        "resources/list",
        "resources/read",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "tasks/get",
        "subscriptions/listen",
        "made/up",
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
        let refused = send(message).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method}");
        assert!(refused.body.contains("method_not_offered"), "{method}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_called_too_large() {
    let server = TestServer::new();
    let token = server.authority.token(RESOURCE, "ann", READ_WRITE);
    let start = Full::new(Bytes::from_static(b"{")).map_err(|never| match never {});
    let start = start.with_trailers(async { Some(Err(Error::from(ErrorKind::ConnectionReset))) });
    let request = post().header("authorization", bearer(&token));
    let response = server.send(request.body(Body::new(start)).unwrap()).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert!(
        response.body.contains("body_unreadable"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn a_token_without_its_client_opens_nothing() {
    let server = TestServer::new();
    let token = Token::new(ISSUER, RESOURCE, "ann").claim("client_id", serde_json::Value::Null);
    let token = token.scopes(READ_WRITE.iter().copied());
    let token = token
        .sign(&server.authority.key, &server.authority.clock)
        .unwrap();
    let request = post().header("authorization", bearer(&token));
    let response = server.send(with_body(request, &initialize())).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_another_origin_calls_no_tool_and_reads_no_stream() {
    let server = TestServer::new();
    let token = server.authority.token(RESOURCE, "ann", READ_WRITE);
    for origin in [
        "https://evil.example",
        "null",
        "http://notes.example",
        "https://notes.example:8443",
    ] {
        let request = post()
            .header("authorization", bearer(&token))
            .header("origin", origin);
        let response = server.send(with_body(request, &initialize())).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{origin}");
        let read = testing::request(RESOURCE).header("authorization", bearer(&token));
        let read = read
            .header("accept", "text/event-stream")
            .header("origin", origin);
        let response = server.send(read.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let own = post()
        .header("authorization", bearer(&token))
        .header("origin", "https://notes.example");
    assert_eq!(
        server.send(with_body(own, &initialize())).await.status,
        StatusCode::OK
    );
    let server = TestServer::at("notes.example:8443", Authority::new(ISSUER));
    let token = server
        .authority
        .token("https://notes.example:8443/mcp", "ann", READ_WRITE);
    let own = testing::request("https://notes.example:8443/mcp")
        .method("POST")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", bearer(&token))
        .header("origin", "https://notes.example:8443");
    assert_eq!(
        server.send(with_body(own, &initialize())).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn calls_have_a_limit_for_each_principal() {
    let server = TestServer::new();
    let token = |user| server.authority.token(RESOURCE, user, &["notes:read"]);
    let (ann, bob) = (token("ann"), token("bob"));
    let call = async |token: &str| {
        let request = post().header("authorization", bearer(token));
        server
            .send(with_body(request, &call("unknown")))
            .await
            .status
    };
    for _ in 0..120 {
        assert_ne!(call(&ann).await, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(call(&ann).await, StatusCode::TOO_MANY_REQUESTS);
    assert_ne!(call(&bob).await, StatusCode::TOO_MANY_REQUESTS);
    // The trail has names of the table alone.
    assert!(server.records("\"unknown\"").len() >= 120);
}
