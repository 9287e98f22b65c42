//! Services as people have them, unchanged, behind the gateway, and the clients that people use: curl, the client of OpenAI,
//! a WebSocket of Python. Each test needs its programs, which `.ci/test` installs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use palisade_gateway::{Gateway, Preset, Settings};
use palisade_rate_limit::MemoryBudgets;
use serde_json::{Value, json};

use crate::{
    client::{Running, run, start, start_file},
    python_server::{PythonServer, find_program, python_of, read_lines, run_program, script},
};

/// The authority of a gateway that was started from a few values.
fn authority(gateway: &Running, data: &str) -> PathBuf {
    gateway.folder.path().join(data).join("tls/ca.pem")
}

/// Runs curl, and returns the status of its response, the content, and the header fields.
async fn curl(gateway: &Running, arguments: &[&str], path: &str) -> (u16, Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let head = folder.path().join("head");
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--cacert"])
        .arg(authority(gateway, "data"))
        .arg("--dump-header")
        .arg(&head)
        .args(arguments)
        .arg(format!(
            "https://localhost:{}{path}",
            gateway.address.port()
        ));
    let Output { stdout, stderr, .. } = run_program(command).await;
    let head = fs::read_to_string(head).unwrap_or_default();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&stderr)));
    (status, stdout, head.to_ascii_lowercase())
}

/// Runs a client of Python, and returns what it prints.
async fn python_client(python: &Path, file: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(python);
    command.arg(script(file)).args(arguments);
    let output = run_program(command).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    let problem = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed}{problem}"))
}

#[tokio::test]
async fn the_flask_recipe_is_safe_unchanged() {
    let (Some(server), Some(_)) = (PythonServer::flask("tts.py").await, find_program("curl"))
    else {
        return;
    };
    let preset = Preset::named("flask-tts").unwrap();
    let gateway = start(server.address, |start| start.preset(preset)).await;
    let key = format!("X-API-Key: {}", gateway.key);
    let (status, sound, head) = curl(&gateway, &["-H", &key], "/tts?text=hello%E2%80%8B").await;
    assert_eq!(status, 200, "{head}");
    assert!(sound.starts_with(b"RIFF"), "{head}");
    assert!(head.contains("x-spoken: 'hello'\r\n"), "cleaned: {head}");
    assert!(!head.contains("werkzeug"), "{head}");
    assert!(head.contains("strict-transport-security"), "{head}");
    let form = ["-H", &key, "--data-urlencode", "text=hello"];
    for (arguments, path, expected) in [
        (&[][..], "/tts?text=hello", 401),
        (&["-H", "X-API-Key: psk_wrong"], "/tts?text=hello", 401),
        (&["-H", &key], "/tts?text=%00", 422),
        (&["-H", &key], "/static/tts.py", 404),
        (&["-H", &key, "-X", "DELETE"], "/tts?text=hello", 405),
        (
            &["-H", &key, "-H", "Host: rebound.example"],
            "/tts?text=hello",
            421,
        ),
        // Flask takes no POST there, and says so.
        (&form, "/tts", 405),
    ] {
        let (status, body, _) = curl(&gateway, arguments, path).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, expected, "{arguments:?} {path}: {body}");
    }
    for _ in 0..10 {
        curl(&gateway, &["-H", &key], "/tts?text=hello").await;
    }
    let (status, ..) = curl(&gateway, &["-H", &key], "/tts?text=hello").await;
    assert_eq!(status, 429, "the limit of a key");
}

#[tokio::test]
async fn events_of_fastapi_reach_curl_one_by_one() {
    let (Some(server), Some(_)) = (
        PythonServer::uvicorn("events.py").await,
        find_program("curl"),
    ) else {
        return;
    };
    let gateway = start(server.address, |start| start).await;
    let key = format!("X-API-Key: {}", gateway.key);
    let url = format!("https://localhost:{}/events", gateway.address.port());
    let mut command = Command::new("curl");
    command.args(["--silent", "--no-buffer", "--cacert"]);
    command
        .arg(authority(&gateway, "data"))
        .args(["-H", &key, &url]);
    command.stdout(Stdio::piped());
    let mut reading = command.spawn().unwrap();
    let mut lines = read_lines(reading.stdout.take().unwrap());
    assert_eq!(lines.recv().await.as_deref(), Some("data: first"));
    let (status, ..) = curl(&gateway, &["-H", &key, "-X", "POST"], "/go-on").await;
    assert_eq!(status, 200);
    let mut rest = Vec::new();
    while let Some(line) = lines.recv().await {
        rest.push(line);
    }
    assert_eq!(rest, ["", ": a comment", "", "data: second", ""]);
    assert!(reading.wait().unwrap().success());
}

#[tokio::test]
async fn a_websocket_of_fastapi_works_with_a_client_of_python() {
    let Some(server) = PythonServer::uvicorn("events.py").await else {
        return;
    };
    let Some(python) = find_program("websockets").and_then(|_| python_of("websockets")) else {
        return;
    };
    let first = start(server.address, |start| start).await;
    let key = first.key.clone();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n\
         [[routes]]\npath = '/ws'\naccess = 'authenticated'\n\
         [[upstreams]]\nurl = 'http://{}'\nupgrade = ['websocket']\n",
        server.address
    );
    let gateway = start_file(first.stop().await, &file).await;
    let address = format!("wss://localhost:{}", gateway.address.port());
    let authority = gateway.folder.path().join("tls/ca.pem");
    let arguments = [&address, &key, authority.to_str().unwrap()];
    let seen = python_client(&python, "client_websocket.py", &arguments).await;
    let expected = json!({"protocol": "chat", "texts": [13, 13, 100_010], "no_key": 401});
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_client_of_openai_streams_from_a_server_like_llama_cpp_within_its_budget() {
    let Some(server) = PythonServer::uvicorn("llama.py").await else {
        return;
    };
    let Some(python) = python_of("uvicorn") else {
        return;
    };
    let preset = Preset::named("openai").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::quick_start(format!("http://{}", server.address))
        .listen(([127, 0, 0, 1], 0).into())
        .preset(preset)
        .data(folder.path().join("data"))
        .settings()
        .unwrap();
    // The trail of the first start may still be open.
    let own = settings.as_file().unwrap();
    let own = own.replace("audit.jsonl", "requests.jsonl");
    let file = format!(
        "{own}\n[[budgets]]\nname = 'tokens'\nunit = 'tokens'\namount = 100000\nwindow = 'month'\n\
         [[model_rules]]\nmax_tokens = 1000\n"
    );
    let first = Gateway::prepare(settings).await.unwrap();
    let key = first.first_key().unwrap().to_owned();
    drop(first);
    let path = folder.path().join("gateway.toml");
    fs::write(&path, &file).unwrap();
    let gateway = run(folder, Settings::read(path).unwrap(), "data/tls").await;
    let address = format!("https://localhost:{}", gateway.address.port());
    let authority = authority(&gateway, "data");
    let arguments = [&address, &key, authority.to_str().unwrap()];
    let seen = python_client(&python, "client_openai.py", &arguments).await;
    let expected = json!({
        "whole": "Hello, you.", "usage": 10,
        "stream": "Hello, you.", "hidden": true,
        "asked": 10,
        "refused": [400, "max_tokens_exceeded"],
        "no_key": 401,
    });
    assert_eq!(seen, expected);
    let folder = gateway.stop().await;
    let counters = MemoryBudgets::read_file(&folder.path().join("budgets.log")).unwrap();
    let charged: u64 = counters.iter().map(|(_, state)| state.charged()).sum();
    assert_eq!(charged, 3 * 10, "each of three responses tells ten tokens");
}
