//! Firewall rules in front of an upstream: those of the presets, and those of a folder.

use std::fs;

use palisade_gateway::{Preset, Settings};

use crate::{
    client::{Running, start, start_file, status},
    upstream::{OK, answering},
};

/// A chat request whose model is a command of a shell.
const ATTACK: &str = r#"{"model":"m;$(id)","messages":[{"role":"user","content":"hello"}]}"#;

/// Posts JSON with the first key.
async fn post(gateway: &Running, body: &str) -> u16 {
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    status(&gateway.send(&request).await)
}

#[tokio::test]
async fn a_preset_records_what_the_shipped_rules_would_refuse() {
    let upstream = answering(OK).await;
    let preset = Preset::named("openai").unwrap();
    let gateway = start(upstream.address, |start| start.preset(preset)).await;
    assert_eq!(post(&gateway, ATTACK).await, 200);
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("data/audit/audit.jsonl")).unwrap();
    let line = trail
        .lines()
        .find(|line| line.contains("inspect_rules"))
        .unwrap();
    for part in ["10003", "inspect_severity", "inspected"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("$(id)"), "{line}");
}

#[test]
fn every_preset_has_the_rules_in_observation() {
    for preset in Preset::all() {
        let folder = tempfile::tempdir().unwrap();
        let start = Settings::quick_start("http://127.0.0.1:5000").preset(*preset);
        let settings = start.data(folder.path().join("data")).settings().unwrap();
        let text = palisade_gateway::explain(&settings).unwrap();
        assert!(
            text.contains("13 rules that are shipped; only recorded"),
            "{preset:?}: {text}"
        );
    }
}

#[tokio::test]
async fn a_file_refuses_by_rules_and_reads_them_again() {
    let mut upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("crs/rules");
    fs::create_dir_all(&rules).unwrap();
    let rule =
        |word: &str| format!("SecRule REQUEST_URI \"@contains {word}\" \"id:7,phase:1,deny\"");
    fs::write(rules.join("a.conf"), rule("first")).unwrap();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[inspect]\nrules = 'crs'\nshadow = false\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let gateway = start_file(folder, &file).await;
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHOST\r\n");
        status(&gateway.send(&request).await)
    };
    assert_eq!(get("/first").await, 403);
    assert_eq!(get("/second").await, 200);
    assert!(upstream.request().await.starts_with("GET /second"));
    fs::write(rules.join("a.conf"), rule("second")).unwrap();
    gateway.reloader.reload().await.unwrap();
    assert_eq!(get("/second").await, 403);
    fs::write(rules.join("a.conf"), "SecRule ARGS \"@rx (?=x)\" \"id:7\"").unwrap();
    let problem = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(
        problem.contains("inspect.rules") && problem.contains("look-ahead"),
        "{problem}"
    );
    assert_eq!(get("/second").await, 403);
}
