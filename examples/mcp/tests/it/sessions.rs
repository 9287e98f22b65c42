//! Sessions of older versions of the protocol belong to who opened them.

use axum::body::Body;
use http::StatusCode;
use palisade::testing;
use serde_json::json;

use crate::support::{RESOURCE, TestServer, call, initialize, post, with_body};

async fn open(server: &TestServer, bearer: &str) -> String {
    let request = post().header("authorization", bearer);
    let response = server.send(with_body(request, &initialize())).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let id = response.headers["mcp-session-id"].to_str().unwrap();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let request = post()
        .header("authorization", bearer)
        .header("mcp-session-id", id);
    let accepted = server.send(with_body(request, &ready)).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{accepted:?}");
    id.to_owned()
}

#[tokio::test]
async fn the_session_of_another_principal_is_none() {
    let server = TestServer::new();
    let bearer = |user| {
        format!(
            "Bearer {}",
            server.authority.token(RESOURCE, user, &["notes:read"])
        )
    };
    let (ann, bob) = (bearer("ann"), bearer("bob"));
    let session = open(&server, &ann).await;
    for (who, id, status) in [
        (&ann, session.as_str(), StatusCode::OK),
        (&bob, &session, StatusCode::NOT_FOUND),
        (&ann, "made-up", StatusCode::NOT_FOUND),
    ] {
        let request = post()
            .header("authorization", who)
            .header("mcp-session-id", id);
        let response = server.send(with_body(request, &call("list_notes"))).await;
        assert_eq!(response.status, status, "{id}");
    }
    let stream = testing::request(RESOURCE).header("authorization", &bob);
    let stream = stream
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let response = server.send(stream.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    let end = |who: &str| {
        let request = testing::request(RESOURCE)
            .method("DELETE")
            .header("authorization", who);
        request
            .header("mcp-session-id", &session)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(server.send(end(&bob)).await.status, StatusCode::NOT_FOUND);
    assert!(server.send(end(&ann)).await.status.is_success());
    assert_eq!(server.send(end(&ann)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_principal_has_a_bounded_number_of_sessions() {
    let server = TestServer::new();
    let bearer = |user| {
        format!(
            "Bearer {}",
            server.authority.token(RESOURCE, user, &["notes:read"])
        )
    };
    let (ann, bob) = (bearer("ann"), bearer("bob"));
    for _ in 0..16 {
        open(&server, &ann).await;
    }
    let request = post().header("authorization", &ann);
    let full = server.send(with_body(request, &initialize())).await;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
    open(&server, &bob).await;
}
