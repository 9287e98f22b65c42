//! `palisade gateway` in front of a service, with curl as its client.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
};

use crate::support::{Folder, Running, free_port, service};

/// Answers every request with `spoken`, and returns the address.
fn speaking_service() -> String {
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nspoken";
    service(|mut stream| {
        let _ = stream.write_all(response);
    })
}

/// Starts the gateway. Returns the address, `ca.pem` and the key file that it prints.
fn start(folder: &Folder) -> (Running, [String; 3]) {
    let line = format!(
        "gateway --upstream {} --listen 127.0.0.1:0 --data data",
        speaking_service()
    );
    let (running, lines) = Running::start(folder.command(&line));
    let mut found = [String::new(), String::new(), String::new()];
    for line in lines {
        let line = line.trim();
        for (slot, label) in found
            .iter_mut()
            .zip(["Address", "Authority", "API key    in"])
        {
            if let Some(value) = line.strip_prefix(label) {
                *slot = value.trim().to_owned();
            }
        }
        if line.starts_with("curl ") {
            break;
        }
    }
    (running, found)
}

fn curl(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--write-out", " %{http_code}"])
        .args(arguments);
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_service_is_protected_by_one_command_and_the_key_is_in_a_private_file() {
    let folder = Folder::new();
    let (_running, [address, authority, key_file]) = start(&folder);
    let key = std::fs::read_to_string(key_file).unwrap();
    let header = format!("X-API-Key: {}", key.trim());
    let Some(refused) = curl(&["--cacert", &authority, &address]) else {
        eprintln!("curl is not installed: skipped");
        return;
    };
    assert!(refused.ends_with(" 401"), "{refused}");
    let spoken = curl(&["--cacert", &authority, "-H", &header, &address]).unwrap();
    assert_eq!(spoken, "spoken 200");
    let trail = folder.text("data/audit/audit.jsonl");
    assert!(!trail.contains(key.trim()), "{trail}");
}

#[test]
fn what_cannot_work_is_refused_with_the_remedy() {
    let folder = Folder::new();
    let public = folder.run("gateway --upstream http://127.0.0.1:1 --listen 0.0.0.0:0 --data data");
    assert_eq!(public.code, Some(2));
    assert!(public.err.contains("--certificate"), "{}", public.err);
    let upstream = folder.run("gateway --upstream 127.0.0.1:5000 --data data");
    assert_eq!(upstream.code, Some(2));
    assert!(
        upstream.err.contains("http://HOST:PORT"),
        "{}",
        upstream.err
    );
    assert_eq!(folder.run("gateway").code, Some(2));
}

#[test]
fn explain_prints_the_stack_and_a_file_that_can_be_checked() {
    let folder = Folder::new();
    let line = "gateway explain --preset ollama --upstream http://127.0.0.1:11434 --data data";
    let explained = folder.run(line);
    assert_eq!(explained.code, Some(0), "{}", explained.err);
    for part in [
        "POST /api/chat",
        "http://127.0.0.1:11434",
        "host field: the upstream's own",
        "origin field: removed",
    ] {
        assert!(explained.out.contains(part), "{part}: {}", explained.out);
    }
    let (_, file) = explained.out.split_once("The same as a file:\n\n").unwrap();
    std::fs::write(folder.path("gateway.toml"), file).unwrap();
    let checked = folder.run("gateway --config gateway.toml --check");
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert_eq!(checked.out, "The settings can be used.\n");
    // Explaining is no first start: no key was made, and the trail was not opened.
    assert!(!folder.path("data/audit/audit.jsonl").exists());
}

#[test]
fn an_unknown_preset_is_refused_with_the_list() {
    let folder = Folder::new();
    let refused = folder.run("gateway --preset olama --upstream http://127.0.0.1:1 --data data");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("did you mean `ollama`?"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("flask-tts"), "{}", refused.err);
}

/// Starts a gateway from a file with an admin socket, and waits until it is ready.
fn start_with_admin_socket(folder: &Folder) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[admin]\nsocket = 'admin.sock'\n\
         [[limits]]\nname = 'client'\nrate = '9/minute'\nby = 'client'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\nurl = '{}'\n",
        speaking_service()
    );
    std::fs::write(folder.path("gateway.toml"), file).unwrap();
    let (running, mut lines) = Running::start(folder.command("gateway --config gateway.toml"));
    assert_eq!(lines.next().unwrap(), "The gateway is ready.");
    running
}

#[test]
fn a_running_gateway_is_asked_and_ended_by_its_socket() {
    let folder = Folder::new();
    let mut running = start_with_admin_socket(&folder);
    let table = folder.good("gateway status --config gateway.toml");
    assert!(
        table.contains("healthy") && table.contains("closed"),
        "{table}"
    );
    let status = folder.json("gateway status --socket admin.sock --json");
    assert_eq!(status["draining"], false, "{status}");
    let limits = folder.json("gateway limits show --socket admin.sock --client 127.0.0.1");
    assert_eq!(limits[0]["remaining"], 9, "{limits}");
    folder.good("gateway limits clear --socket admin.sock --client 127.0.0.1");
    let refused = folder.run("gateway limits clear --socket admin.sock --owner anna");
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    let file = folder.text("gateway.toml");
    std::fs::write(
        folder.path("gateway.toml"),
        file.replace("9/minute", "8/minute"),
    )
    .unwrap();
    let reloaded = folder.good("gateway reload --config gateway.toml");
    assert_eq!(reloaded, "Reloaded: limits[0].rate.");
    folder.good("gateway drain --socket admin.sock");
    assert!(running.0.wait().unwrap().success());
    let gone = folder.bad("gateway status --socket admin.sock");
    assert!(gone.contains("no gateway answers"), "{gone}");
}

#[test]
fn a_gateway_with_a_page_has_metrics_for_prometheus() {
    let folder = Folder::new();
    let page = free_port();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [admin]\npage = '127.0.0.1:{page}'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\nurl = '{}'\n",
        speaking_service()
    );
    std::fs::write(folder.path("gateway.toml"), file).unwrap();
    let (_running, mut lines) = Running::start(folder.command("gateway --config gateway.toml"));
    let address =
        lines.find_map(|line| Some(line.trim().strip_prefix("Address")?.trim().to_owned()));
    let Some(spoken) = curl(&["--insecure", &address.unwrap()]) else {
        eprintln!("curl is not installed: skipped");
        return;
    };
    assert!(
        spoken.ends_with(" 404") || spoken.ends_with(" 200"),
        "{spoken}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", page)).unwrap();
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{page}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(
        response.contains("\npalisade_requests_total{"),
        "{response}"
    );
}
