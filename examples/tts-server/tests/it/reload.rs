//! What changes while the program runs: keys and the configuration file.

use std::fs;

use http::StatusCode;

use crate::support::{CONFIG, Started, TestRequest, program};

#[tokio::test(flavor = "multi_thread")]
async fn another_key_counts_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Started::ready(program(folder.path(), CONFIG)).await;
    let made = program(folder.path(), CONFIG)
        .arg("--new-key")
        .output()
        .await
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(made.status.success() && key.starts_with("psk_live_"));
    let client = server.client(folder.path());
    server.logged("the key file was read").await;
    let ask = TestRequest::get("/voices").header("x-api-key", &key);
    assert_eq!(client.send(ask).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_takes_a_new_file_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let config = |hosts: &str, rate: &str| {
        let limits = format!(
            "[[limits]]\nname = \"client\"\nrate = \"{rate}\"\n[[limits]]\nname = \"tts\"\nrate = \"10/minute\"\nby = \"principal\"\nroutes = \"named\"\n"
        );
        CONFIG.replace("[\"localhost:*\"]", hosts) + &limits
    };
    let write = |text: &str| fs::write(folder.path().join("server.toml"), text).unwrap();
    let first = config("[\"localhost:*\"]", "20/hour");
    let mut server = Started::ready(program(folder.path(), &first)).await;
    let client = server.client(folder.path());
    let health = async |host: &str| {
        client
            .send(TestRequest::get("/openapi.json").header("host", host))
            .await
            .status
    };
    assert_eq!(health("localhost").await, StatusCode::OK);
    assert_eq!(
        health("other.example").await,
        StatusCode::MISDIRECTED_REQUEST
    );

    // Nothing of a file with one mistake is taken.
    write(&config(
        "[\"localhost:*\", \"other.example:*\"]",
        "20 per fortnight",
    ));
    server.signal("-HUP");
    let refused = server.logged("not reloaded").await;
    assert!(
        refused.contains("limits.rate") && refused.contains("server.toml:"),
        "{refused}"
    );
    assert_eq!(
        health("other.example").await,
        StatusCode::MISDIRECTED_REQUEST
    );
    write(&first.replace("threads = 1", "threads = 2"));
    server.signal("-HUP");
    let refused = server.logged("not reloaded").await;
    assert!(refused.contains("restart the server"), "{refused}");

    // A good one is, without a full bucket for anyone.
    write(&config("[\"localhost:*\", \"other.example:*\"]", "5/hour"));
    server.signal("-HUP");
    let taken = server.logged("reloaded").await;
    assert!(taken.contains("limits[0].rate, server.hosts"), "{taken}");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(health("other.example").await);
    }
    assert!(
        statuses.contains(&StatusCode::TOO_MANY_REQUESTS),
        "{statuses:?}"
    );
    assert!(
        !statuses.contains(&StatusCode::MISDIRECTED_REQUEST),
        "{statuses:?}"
    );
}
