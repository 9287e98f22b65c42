//! Services that people run: the recipe in Flask as it is and behind the gateway, and nginx as it comes.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
};

use super::Checked;
use crate::support::{Folder, Running};

/// The recipe: a speech service in Flask behind an open port.
const RECIPE: &str = r#"
from flask import Flask, Response, request

app = Flask(__name__)


@app.route("/tts")
def tts():
    text = request.args.get("text", "")
    return Response(b"RIFF" + text.encode(), mimetype="audio/wav")
"#;

/// Returns the path of a program. `None`: it is not installed, and the test is skipped.
fn find_program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut programs = env::split_paths(&folders).map(|folder| folder.join(name));
    let found = programs.find(|program| program.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: {name} is not on the path");
    }
    found
}

/// Starts the recipe, and returns its address.
fn start_recipe(folder: &Folder) -> Option<(Running, String)> {
    let flask = find_program("flask")?;
    fs::write(folder.path("recipe.py"), RECIPE).unwrap();
    let mut command = Command::new(flask);
    command.arg("--app").arg(folder.path("recipe.py"));
    command
        .args(["run", "--port", "0"])
        .env("PYTHONUNBUFFERED", "1");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Running(command.spawn().unwrap());
    let lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let address = lines
        .find_map(|line| {
            line.split_once("Running on ")
                .map(|(_, url)| url.trim().to_owned())
        })
        .unwrap();
    // What it writes later must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Some((process, address))
}

#[test]
fn the_flask_recipe_has_at_least_twelve_findings() {
    let folder = Folder::new();
    let Some((_recipe, address)) = start_recipe(&folder) else {
        return;
    };
    let checked = Checked::url(&format!("{address}/tts?text=hello"), "--probe-limits 20");
    let findings = checked.list("findings");
    assert!(findings.len() >= 12, "{findings:?}");
    for code in [
        "any-host",
        "control-characters-accepted",
        "csp-missing",
        "development-server",
        "framing-allowed",
        "indexable",
        "keyless-access",
        "no-length-limit",
        "no-limit",
        "no-tls",
        "nosniff-missing",
        "version-banner",
    ] {
        checked.assert_found(code);
    }
    assert_eq!(checked.0["grade"]["letter"], "F");
}

#[test]
fn the_same_recipe_behind_the_gateway_has_none() {
    let folder = Folder::new();
    let Some((_recipe, upstream)) = start_recipe(&folder) else {
        return;
    };
    let line = format!(
        "gateway --upstream {upstream} --preset flask-tts --listen 127.0.0.1:0 --data data"
    );
    let (_gateway, mut lines) = Running::start(folder.command(&line));
    let curl = lines
        .find(|line| line.trim_start().starts_with("curl "))
        .unwrap();
    assert!(
        curl.contains("--output hello.wav 'https://localhost:"),
        "{curl}"
    );
    let address = curl.rsplit('\'').nth(1).unwrap();
    // Both without a key, as an unknown client, and with the key that was made.
    for key in ["", "--key data/first-key"] {
        let folder_line =
            format!("check {address} --json --ca data/tls/ca.pem {key} --fail-on low");
        let ran = folder.run(&folder_line);
        assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["findings"], serde_json::json!([]), "{report:#}");
    }
}

#[test]
fn a_newcomer_gets_sound_with_the_line_that_the_gateway_prints() {
    let folder = Folder::new();
    let Some((_recipe, upstream)) = start_recipe(&folder) else {
        return;
    };
    let (Some(_), Some(shell)) = (find_program("curl"), find_program("sh")) else {
        return;
    };
    let line = format!(
        "gateway --upstream {upstream} --preset flask-tts --listen 127.0.0.1:0 --data data"
    );
    let (_gateway, mut lines) = Running::start(folder.command(&line));
    let curl = lines
        .find(|line| line.trim_start().starts_with("curl "))
        .unwrap();
    let mut pasted = Command::new(shell);
    pasted
        .arg("-c")
        .arg(format!("{curl} --silent --show-error"));
    let pasted = pasted.current_dir(folder.path("")).output().unwrap();
    assert!(
        pasted.status.success(),
        "{curl}: {}",
        String::from_utf8_lossy(&pasted.stderr)
    );
    assert_eq!(folder.text("hello.wav"), "RIFFhello");
}

#[test]
fn nginx_as_it_comes_has_findings_of_a_public_page() {
    let folder = Folder::new();
    // The program of Debian is not on the path of every user.
    let nginx = find_program("nginx").or_else(|| {
        let program = PathBuf::from("/usr/sbin/nginx");
        program.is_file().then_some(program)
    });
    let Some(nginx) = nginx else {
        return;
    };
    let port = crate::support::free_port();
    let place = folder.path("");
    let place = place.display();
    fs::write(folder.path("index.html"), "<h1>Welcome to nginx!</h1>").unwrap();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/{name};"))
        .concat();
    let file = format!(
        "daemon off; master_process off; pid {place}/nginx.pid; error_log stderr crit; events {{}} \
         http {{ access_log off; {paths} types {{ text/html html; }} \
         server {{ listen 127.0.0.1:{port}; root {place}; index index.html; }} }}"
    );
    fs::write(folder.path("nginx.conf"), file).unwrap();
    let mut command = Command::new(nginx);
    command.arg("-c").arg(folder.path("nginx.conf"));
    command.stderr(Stdio::null());
    let mut nginx = Running(command.spawn().unwrap());
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(nginx.0.try_wait().unwrap().is_none(), "nginx ended");
        std::thread::yield_now();
    }
    let checked = Checked::url(&format!("http://127.0.0.1:{port}/"), "");
    for code in [
        "no-tls",
        "version-banner",
        "nosniff-missing",
        "csp-missing",
        "framing-allowed",
    ] {
        checked.assert_found(code);
    }
    assert!(!checked.found("directory-listing"), "{:#}", checked.0);
}
