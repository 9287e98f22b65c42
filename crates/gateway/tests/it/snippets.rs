//! The functions of the book that verify an identity, run by their own interpreters.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    client::status,
    transport::before,
    upstream::{OK, answering},
};

const PAGE: &str = include_str!("../../../../docs/src/how-to/gateway-identity.md");
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Reads a request from standard input as JSON, prints kind and principal, or `None`.
const PYTHON: &str = r#"
import json, sys
sent = json.load(sys.stdin)
environ = {"REQUEST_METHOD": sent["method"], "RAW_URI": sent["target"]}
environ.update({"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent["headers"].items()})
print(repr(client(environ, sent["key"].encode())))
"#;
const NODE: &str = r#"
const sent = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const req = { method: sent.method, url: sent.target, headers: sent.headers };
const found = client(req, Buffer.from(sent.key));
console.log(found === null ? "None" : `('${found.kind}', '${found.principal}')`);
"#;

/// The first code block of a language.
fn snippet(language: &str) -> &'static str {
    let begin = format!("```{language}\n");
    let (_, rest) = PAGE.split_once(&begin).unwrap();
    rest.split_once("```").unwrap().0
}

/// Runs a program with a request on its standard input. `None`: it is not installed.
fn run(program: &str, script: &str, request: &serde_json::Value) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.cjs");
    fs::write(&file, script).unwrap();
    fs::write(folder.path().join("request"), request.to_string()).unwrap();
    let output = Command::new(program)
        .arg(&file)
        .stdin(fs::File::open(folder.path().join("request")).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn every_snippet_has_ten_lines_at_most() {
    for language in ["python", "javascript", "go", "java"] {
        let lines = snippet(language).lines().count();
        assert!(lines <= 10, "{language}: {lines}");
    }
}

#[tokio::test]
async fn the_functions_of_the_book_accept_the_gateway_and_no_one_else() {
    let mut upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("identity"), KEY).unwrap();
    let keys = format!(
        "url = 'http://{}'\n[upstreams.identity]\nfile = 'identity'",
        upstream.address
    );
    let gateway = before(folder, &keys).await;
    let response = gateway
        .send("GET /a/b?c=%E4%BD%A0&d HTTP/1.1\r\nHOST\r\n")
        .await;
    assert_eq!(status(&response), 200, "{response}");
    let got = upstream.request().await;
    let target = got.split(' ').nth(1).unwrap();
    let fields = got
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let headers: serde_json::Map<_, _> = fields
        .map(|(name, value)| (name.to_lowercase(), json!(value)))
        .collect();
    let request = json!({"method": "GET", "target": target, "headers": headers, "key": KEY});
    let mut ran = 0;
    for (program, script) in [
        ("python3", format!("{}{PYTHON}", snippet("python"))),
        ("node", format!("{}{NODE}", snippet("javascript"))),
    ] {
        let Some(found) = run(program, &script, &request) else {
            eprintln!("{program} is not installed: skipped");
            continue;
        };
        ran += 1;
        assert_eq!(found, "('', '')", "{program}: a guest");
        for (pointer, value) in [
            ("/headers/x-palisade-kind", "api_key"),
            ("/headers/x-palisade-principal", "admin"),
            ("/headers/x-palisade-time", "1700000000"),
            ("/headers/x-palisade-signature", "00"),
            ("/headers/x-request-id", "other"),
            ("/method", "POST"),
            ("/target", "/a/b"),
            ("/key", "another key of the same length!!"),
        ] {
            let mut forged = request.clone();
            *forged.pointer_mut(pointer).unwrap() = json!(value);
            let found = run(program, &script, &forged).unwrap();
            assert_eq!(found, "None", "{program}: {pointer}");
        }
    }
    assert!(ran > 0 || Command::new("python3").arg("--version").output().is_err());
}
