//! The official client for TypeScript, over TLS.
//!
//! It needs node and the package of `tests/typescript/package.json`: `npm install --prefix FOLDER` with that file, and
//! `MCP_TYPESCRIPT_CLIENT=FOLDER`. Without the variable the test says so and skips.

use std::{path::Path, time::Duration};

use palisade::server::{DevAuthority, Server};
use serde_json::{Value, json};

use crate::support::{Authority, TestServer};

/// A TLS server on a free port of this machine. It is bound, and serves later.
fn bind(authority: &DevAuthority) -> (Server, String) {
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = server
        .tls(authority.certificates().unwrap())
        .build()
        .unwrap();
    let host = format!("localhost:{}", server.local_addr().port());
    (server, host)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_for_typescript_gets_from_401_to_a_tool_and_from_403_to_another_one() {
    let Some(packages) = std::env::var_os("MCP_TYPESCRIPT_CLIENT") else {
        println!("Skipped: MCP_TYPESCRIPT_CLIENT names no folder with the client for TypeScript.");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let certificates = DevAuthority::open_or_create(folder.path()).unwrap();
    let (login, login_host) = bind(&certificates);
    let (server, host) = bind(&certificates);
    let issuer = format!("https://{login_host}");
    let authority = Authority::new(&issuer);
    let login_service = authority.router();
    let test_server = TestServer::at(&host, authority);
    tokio::spawn(login.serve(login_service, std::future::pending()));
    tokio::spawn(server.serve(test_server.app.clone().into_inner(), std::future::pending()));

    // Modules are found beside the script.
    let script = Path::new(&packages).join("client.mjs");
    std::fs::copy("tests/typescript/client.mjs", &script).unwrap();
    let run = tokio::process::Command::new("node")
        .arg(&script)
        .args([format!("https://{host}/mcp"), issuer])
        .env("NODE_EXTRA_CA_CERTS", certificates.certificate_path())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(Duration::from_secs(60), run).await;
    let run = run.expect("the client ends within a minute").unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    let seen: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        seen["tools"],
        json!(["list_notes", "read_aloud", "add_note"])
    );
    assert_eq!(
        seen["scopes"],
        json!(["notes:read", "notes:read notes:write"])
    );
    assert_eq!(
        (&seen["before"], &seen["added"]),
        (&json!(""), &json!("added"))
    );
    assert_eq!(
        (&seen["progress"], &seen["read"]),
        (&json!(["buy bread"]), &json!("1 notes"))
    );
    let calls = test_server.records("\"add_note\"");
    assert!(calls.iter().any(|line| line.contains("403")), "{calls:?}");
}
