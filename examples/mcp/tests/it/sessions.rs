//! Sessions of older versions of the protocol belong to who opened them.

use axum::body::Body;
use http::StatusCode;
use palisade::testing;
use serde_json::json;
use tower::ServiceExt as _;

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

/// Opens the stream of a session, and closes it.
async fn stream(server: &TestServer, bearer: &str, session: &str) -> StatusCode {
    let request = testing::request(RESOURCE)
        .header("authorization", bearer)
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session);
    let request = request.body(Body::empty()).unwrap();
    let response = server.app.clone().oneshot(request).await.unwrap();
    response.status()
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
    let status = stream(&server, &bob, &session).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
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
async fn the_session_of_another_client_of_the_same_user_is_none() {
    let server = TestServer::new();
    let bearer = |client| {
        let authority = &server.authority;
        let token = authority.token_for(RESOURCE, "ann", client, &["notes:read"]);
        format!("Bearer {token}")
    };
    let (desk, phone) = (bearer("desk"), bearer("phone"));
    let session = open(&server, &desk).await;
    for (client, status) in [(&phone, StatusCode::NOT_FOUND), (&desk, StatusCode::OK)] {
        let request = post()
            .header("authorization", client)
            .header("mcp-session-id", &session);
        let response = server.send(with_body(request, &call("list_notes"))).await;
        assert_eq!(response.status, status);
    }
    let status = stream(&server, &phone, &session).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_stream_of_a_session_needs_the_scopes_that_were_used_in_it() {
    let server = TestServer::new();
    let bearer = |scopes| {
        let token = server.authority.token(RESOURCE, "ann", scopes);
        format!("Bearer {token}")
    };
    let narrow = bearer(&["notes:read"]);
    let wide = bearer(&["notes:read", "notes:write"]);
    let session = open(&server, &wide).await;
    assert_eq!(stream(&server, &narrow, &session).await, StatusCode::OK);
    let mut add = call("add_note");
    add["params"]["arguments"] = json!({ "text": "buy bread" });
    // A call that is refused uses nothing.
    for (who, status, after) in [
        (&narrow, StatusCode::FORBIDDEN, StatusCode::OK),
        (&wide, StatusCode::OK, StatusCode::FORBIDDEN),
    ] {
        let request = post()
            .header("authorization", who)
            .header("mcp-session-id", &session);
        assert_eq!(server.send(with_body(request, &add)).await.status, status);
        assert_eq!(stream(&server, &narrow, &session).await, after);
    }
    assert_eq!(stream(&server, &wide, &session).await, StatusCode::OK);
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
    let full = async || {
        let request = post().header("authorization", &ann);
        server.send(with_body(request, &initialize())).await.status
    };
    let first = open(&server, &ann).await;
    for _ in 1..16 {
        open(&server, &ann).await;
    }
    assert_eq!(full().await, StatusCode::SERVICE_UNAVAILABLE);
    // Ended, it gives its place back.
    let end = testing::request(RESOURCE)
        .method("DELETE")
        .header("authorization", &ann)
        .header("mcp-session-id", &first);
    let ended = server.send(end.body(Body::empty()).unwrap()).await;
    assert!(ended.status.is_success(), "{ended:?}");
    assert_eq!(full().await, StatusCode::OK);
    open(&server, &bob).await;
}

#[tokio::test]
async fn sessions_that_are_opened_at_the_same_time_are_no_more() {
    let server = TestServer::new();
    let token = server.authority.token(RESOURCE, "ann", &["notes:read"]);
    let opened = (0..40).map(|_| {
        let request = post().header("authorization", format!("Bearer {token}"));
        let request = with_body(request, &initialize());
        let server = server.clone();
        tokio::spawn(async move { server.send(request).await.status })
    });
    let opened: Vec<_> = opened.collect();
    let mut accepted = 0;
    for one in opened {
        accepted += usize::from(one.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(accepted, 16);
}
