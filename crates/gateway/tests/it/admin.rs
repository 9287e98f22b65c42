//! The admin socket of a running gateway.

use std::path::{Path, PathBuf};

use palisade_gateway::ask_admin;
use serde_json::Value;

use crate::{
    client::{Running, start_file, status},
    upstream::{OK, answering},
};

/// A gateway with an admin socket and a limit of two requests a minute for an address.
async fn gateway(upstream: &str) -> (Running, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[admin]\nsocket = 'admin.sock'\n\
         [audit]\nfile = 'audit.jsonl'\n[[limits]]\nname = 'client'\nrate = '2/minute'\nby = 'client'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{upstream}'\n"
    );
    (start_file(folder, &file).await, socket)
}

/// Asks without blocking the gateway, which runs on the same thread.
async fn ask(socket: &Path, command: &str) -> Value {
    let (socket, command) = (socket.to_owned(), command.to_owned());
    let asked = tokio::task::spawn_blocking(move || ask_admin(socket, &command));
    serde_json::from_str(&asked.await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn the_state_of_each_server_is_told() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let (gateway, socket) = gateway(&format!(
        "{address}'\nretries = 0\n[upstreams.breaker]\nfailures = 1\n#'"
    ))
    .await;
    let before = ask(&socket, "status").await;
    assert_eq!(
        before["upstreams"][0]["servers"][0]["breaker"], "closed",
        "{before}"
    );
    assert_eq!(before["websockets"], 0, "{before}");
    let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 502, "{response}");
    let after = ask(&socket, "status").await;
    let server = &after["upstreams"][0]["servers"][0];
    assert_eq!(server["breaker"], "open", "{after}");
    assert_eq!(server["address"], format!("http://{address}"), "{after}");
    assert_eq!(after["draining"], false, "{after}");
}

#[tokio::test]
async fn a_limit_that_is_cleared_is_full_and_decides_so() {
    let upstream = answering(OK).await;
    let (gateway, socket) = gateway(&upstream.address.to_string()).await;
    let send = || gateway.send("GET /a HTTP/1.1\r\nHOST\r\n");
    assert_eq!(status(&send().await), 200);
    let shown = ask(&socket, "limits show client 127.0.0.1").await;
    assert_eq!(shown["limits"][0]["remaining"], 1, "{shown}");
    assert_eq!(status(&send().await), 200);
    assert_eq!(status(&send().await), 429);
    let cleared = ask(&socket, "limits clear client 127.0.0.1").await;
    assert_eq!(cleared["cleared"], true, "{cleared}");
    assert_eq!(status(&send().await), 200);
    let none = ask(&socket, "limits show principal api_key:anna").await;
    assert!(
        none["error"].as_str().unwrap().contains("principal"),
        "{none}"
    );
}

#[tokio::test]
async fn an_override_through_the_admin_socket_decides_and_is_in_the_trail() {
    let upstream = answering(OK).await;
    let (gateway, socket) = gateway(&upstream.address.to_string()).await;
    let send = || gateway.send("GET /a HTTP/1.1\r\nHOST\r\n");
    let set = ask(
        &socket,
        "limits override client 127.0.0.1 client 4 4000000000",
    )
    .await;
    assert_eq!(set["overridden"], true, "{set}");
    let shown = ask(&socket, "limits show client 127.0.0.1").await;
    let expected = serde_json::json!({ "amount": 4, "until": 4_000_000_000_u64 });
    assert_eq!(shown["limits"][0]["override"], expected, "{shown}");
    for _ in 0..4 {
        assert_eq!(status(&send().await), 200);
    }
    assert_eq!(status(&send().await), 429);
    let top = ask(&socket, "limits top 5").await;
    let refused = &top["refused"][0];
    assert_eq!(refused["subject"], "client 127.0.0.1/32", "{top}");
    assert_eq!(refused["refused"], 1, "{top}");
    let removed = ask(&socket, "limits override client 127.0.0.1 client none").await;
    assert_eq!(removed["overridden"], true, "{removed}");
    let unknown = ask(&socket, "limits override client 127.0.0.1 klient 4").await;
    assert!(
        unknown["error"].as_str().unwrap().contains("klient"),
        "{unknown}"
    );
    assert_eq!(
        ask(&socket, "limits clear client 127.0.0.1").await["cleared"],
        true
    );
    assert_eq!(ask(&socket, "drain").await["draining"], true);
    let folder = gateway.ended().await;
    let trail = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let records: Vec<Value> = trail
        .lines()
        .filter(|line| line.contains("limits."))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text: Vec<String> = records.iter().map(Value::to_string).collect();
    assert_eq!(text.len(), 4, "{text:?}");
    for (line, expected) in text.iter().zip([
        ["limits.overridden", "\"amount\":4", "done"],
        [
            "limits.override_removed",
            "\"subject\":\"127.0.0.1\"",
            "done",
        ],
        ["limits.overridden", "klient", "there is no limit"],
        ["limits.cleared", "\"subject\":\"127.0.0.1\"", "done"],
    ]) {
        assert!(
            expected.iter().all(|part| line.contains(part)),
            "{line}: {expected:?}"
        );
    }
}

#[tokio::test]
async fn a_reload_tells_what_changed_or_why_nothing_did() {
    let upstream = answering(OK).await;
    let (gateway, socket) = gateway(&upstream.address.to_string()).await;
    let path = gateway.folder.path().join("gateway.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, file.replace("2/minute", "3/minute")).unwrap();
    let changed = ask(&socket, "reload").await;
    assert_eq!(changed["changed"][0], "limits[0].rate", "{changed}");
    let shown = ask(&socket, "limits show client 127.0.0.1").await;
    assert_eq!(shown["limits"][0]["rate"], "3/minute", "{shown}");
    for wrong in [
        file.replace("public", "pubic"),
        file.replace("admin.sock", "other.sock"),
    ] {
        std::fs::write(&path, wrong).unwrap();
        let refused = ask(&socket, "reload").await;
        assert!(
            refused["error"].as_str().unwrap().contains("gateway.toml:"),
            "{refused}"
        );
    }
    assert!(ask(&socket, "halt").await["error"].is_string());
}

/// Its begin is a command of its own.
#[tokio::test]
async fn a_command_with_more_than_2_kib_is_refused_and_the_gateway_serves_on() {
    let upstream = answering(OK).await;
    let (gateway, socket) = gateway(&upstream.address.to_string()).await;
    let refused = ask(&socket, &format!("drain{:3000}not", "")).await;
    assert!(
        refused["error"].as_str().unwrap().contains("2048"),
        "{refused}"
    );
    assert_eq!(ask(&socket, "status").await["draining"], false);
    let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 200, "{response}");
}

#[tokio::test]
async fn a_drain_ends_the_gateway_as_a_signal_does() {
    let upstream = answering(OK).await;
    let (gateway, socket) = gateway(&upstream.address.to_string()).await;
    assert_eq!(ask(&socket, "drain").await["draining"], true);
    let folder = gateway.ended().await;
    let trail = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!trail.is_empty());
    let gone = tokio::task::spawn_blocking(move || ask_admin(socket, "status"));
    let error = gone.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("no gateway answers"), "{error}");
}
