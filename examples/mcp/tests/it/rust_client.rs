//! rmcp's own client, over HTTP on a Unix socket: 401, metadata, token, call, 403, wider token, call.

use axum::{Extension, Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use palisade::core::{Peer, Scheme};
use palisade::testing;
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, ProgressNotificationParam},
    service::{NotificationContext, RunningService, ServiceError},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{RESOURCE, TestServer};

/// A client that keeps what was sent as progress.
#[derive(Clone, Debug, Default)]
struct Client {
    progress: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl ClientHandler for Client {
    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let message = progress.message.unwrap_or_default();
        self.progress.lock().unwrap().push(message);
    }
}

/// Serves the application on a socket in a folder, as a proxy that ends TLS would reach it.
fn serve(server: &TestServer, folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("mcp.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let peer = Peer::new("203.0.113.7:50000".parse().unwrap(), Scheme::Https);
    let router = Router::new()
        .fallback_service(server.app.clone())
        .layer(Extension(peer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    path.to_str().unwrap().to_owned()
}

async fn connect(
    socket: &str,
    token: Option<&str>,
    client: Client,
) -> Result<RunningService<RoleClient, Client>, String> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(RESOURCE);
    config.auth_header = token.map(ToOwned::to_owned);
    let transport = StreamableHttpClientTransport::from_unix_socket_with_config(socket, config);
    client
        .serve(transport)
        .await
        .map_err(|error| format!("{error:?}"))
}

/// What a client does with a challenge: the metadata, the authorization server, a token.
async fn token_for(server: &TestServer, challenge: &str) -> String {
    let parameter = |name: &str| {
        let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let request = testing::request(&parameter("resource_metadata"));
    let metadata = server.send(request.body(Body::empty()).unwrap()).await;
    let metadata: Value = serde_json::from_str(&metadata.body).unwrap();
    let issuer = metadata["authorization_servers"][0].as_str().unwrap();
    assert_eq!(issuer, server.authority.issuer);
    let form = format!(
        "grant_type=client_credentials&resource={}&scope={}",
        metadata["resource"].as_str().unwrap(),
        parameter("scope").replace(' ', "+"),
    );
    let request =
        Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Body::from(form)).unwrap();
    let response = server.authority.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Finds the challenge in the text of an error.
fn challenge_in(error: &str) -> String {
    let (_, rest) = error
        .split_once("www_authenticate_header: \"")
        .unwrap_or_else(|| panic!("{error}"));
    let end = rest
        .find("\", required_scope")
        .or_else(|| rest.find("\" }"))
        .unwrap();
    rest[..end].replace("\\\"", "\"")
}

fn add(text: &str) -> CallToolRequestParams {
    let arguments = json!({ "text": text }).as_object().cloned().unwrap();
    CallToolRequestParams::new("add_note").with_arguments(arguments)
}

#[tokio::test]
async fn the_client_of_rmcp_gets_from_401_to_a_tool_and_from_403_to_another_one() {
    let server = TestServer::new();
    let folder = tempfile::tempdir().unwrap();
    let socket = serve(&server, &folder);

    let error = connect(&socket, None, Client::default()).await.unwrap_err();
    let narrow = token_for(&server, &challenge_in(&error)).await;
    let client = connect(&socket, Some(&narrow), Client::default())
        .await
        .unwrap();
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.len(), 3);
    let list = client
        .call_tool(CallToolRequestParams::new("list_notes"))
        .await;
    assert!(list.is_ok(), "{list:?}");

    let refused: ServiceError = client.call_tool(add("buy bread")).await.unwrap_err();
    let wide = token_for(&server, &challenge_in(&format!("{refused:?}"))).await;
    let heard = Client::default();
    let client = connect(&socket, Some(&wide), heard.clone()).await.unwrap();
    for note in ["buy bread", "sell the boat"] {
        client.call_tool(add(note)).await.unwrap();
    }

    // A stream: each note as progress, then the result.
    let read = client
        .call_tool(CallToolRequestParams::new("read_aloud"))
        .await
        .unwrap();
    assert!(format!("{read:?}").contains("2 notes"), "{read:?}");
    assert_eq!(
        *heard.progress.lock().unwrap(),
        ["buy bread", "sell the boat"]
    );
    for tool in ["add_note", "read_aloud"] {
        assert!(!server.records(&format!("\"{tool}\"")).is_empty(), "{tool}");
    }
    assert!(server.records("buy bread").is_empty());
}
