//! `[introspection]`.

use axum::{Router, routing};
use http::header;
use serde_json::json;

use super::{BASE, RESOURCE, RESOURCES, Setup, with_token, without_issuer};
use crate::support::send_to;

#[tokio::test]
async fn a_resource_server_asks_about_opaque_tokens_with_the_resource_as_their_audience() {
    let url = issuer("Bearer 0123456789abcdef0123456789abcdef".into()).await;
    let introspection = format!(
        "[introspection]\nurl = \"{url}\"\nbearer = {{ file = \"secret\" }}\n\
         dangerously_allow_loopback_http = true\n"
    );
    let second = "[[resource_servers]]\nresource = \"https://service.test/v1\"\n";
    let setup = Setup::new(&format!("{BASE}{RESOURCES}{second}{introspection}"));
    let app = setup.app();
    let signed = setup.token(RESOURCE, &[]);
    for (method, path, token, status) in [
        ("POST", "/mcp", "good", 200),
        ("POST", "/mcp", "bad", 401),
        // The issuer names the other resource.
        ("GET", "/v1", "good", 401),
        ("GET", "/mcp", &*signed, 200),
        ("GET", "/v1", &*signed, 401),
    ] {
        let seen = send_to(&app, with_token(method, path, token)).await;
        assert_eq!(seen.status, status, "{method} {path} {token}");
    }
}

#[tokio::test]
async fn the_issuer_is_asked_with_a_secret_of_a_file_or_of_the_environment() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    // A variable that is set for every test.
    let variable = env!("CARGO_MANIFEST_DIR");
    let pair = STANDARD.encode(format!("tts:{}", "0123456789abcdef".repeat(2)));
    for (credential, sent) in [
        (
            "client = \"tts\"\nsecret = { file = \"secret\" }",
            format!("Basic {pair}"),
        ),
        (
            "bearer = { environment = \"CARGO_MANIFEST_DIR\" }",
            format!("Bearer {variable}"),
        ),
    ] {
        let url = issuer(sent).await;
        let text = format!(
            "{}[introspection]\nurl = \"{url}\"\n{credential}\naudience = \"{RESOURCE}\"\n\
             or_audiences = [\"other\"]\nsubject_claim = \"sub\"\ntenant_claim = \"org\"\n\
             lifetime_seconds = 0\noutage_lifetime_seconds = 0\nnegative_lifetime_seconds = 0\n\
             remembered_responses = 16\ntimeout_seconds = 5\ndangerously_allow_loopback_http = true\n",
            without_issuer()
        );
        let app = Setup::new(&text).app();
        for (token, status) in [("good", 200), ("bad", 401)] {
            let seen = send_to(&app, with_token("POST", "/mcp", token)).await;
            assert_eq!(seen.status, status, "{credential} {token}");
        }
    }
}

/// Starts an issuer on a loopback address that confirms the token `good`, and returns its address.
async fn issuer(authorization: String) -> String {
    let answer = async move |headers: http::HeaderMap, body: String| {
        let known = headers[header::AUTHORIZATION] == authorization.as_str();
        let good = known && body.starts_with("token=good&");
        axum::Json(json!({
            "active": good, "sub": "lin", "aud": RESOURCE, "scope": "tts:speak", "org": "acme"
        }))
    };
    let router = Router::new().route("/introspect", routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/introspect")
}
