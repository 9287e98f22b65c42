//! Processes that are killed, and disks with a quota: with a child that is this very binary.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use http::{Request, Response};
use palisade_audit::{AuditLayer, FileSink, VerifyOptions, verify_file};
use palisade_core::SecurityContext;
use tempfile::tempdir;
use tower::service_fn;

use crate::support::{Body, get, records, send};

const TRAIL: &str = "PALISADE_AUDIT_TEST_TRAIL";
/// How often a process is killed under load, and how often while it rotates.
const ROUNDS: usize = 40;
const ROTATING_ROUNDS: usize = 20;

/// Not a test by itself: what the child processes run. It serves requests until it is killed, and prints
/// of every response with 200, after that answer has been given.
#[allow(clippy::disallowed_methods)] // The environment of a child process names its part.
#[test]
fn child() {
    let Ok(path) = std::env::var(TRAIL) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    runtime.unwrap().block_on(serve(path.into()));
}

async fn serve(path: PathBuf) {
    let sink = FileSink::builder(&path)
        .fail_closed()
        .rotate_at(part_length(&path));
    let sink = sink.open().unwrap();
    let layer = AuditLayer::builder().sink(sink).build().unwrap();
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(tokio::spawn(client(layer.clone())));
    }
    for client in clients {
        client.await.unwrap();
    }
}

/// The name of the trail says whether its parts are short.
fn part_length(path: &Path) -> u64 {
    match path.file_stem().is_some_and(|name| name == "short") {
        true => 4096,
        false => 64 * 1024 * 1024,
    }
}

async fn client(layer: AuditLayer) {
    loop {
        let (status, id) = send(layer.clone(), service_fn(named), get("/work")).await;
        let id = String::from_utf8(id.to_vec()).unwrap();
        let outcome = if status == 200 {
            id
        } else {
            status.to_string()
        };
        if writeln!(std::io::stdout().lock(), "\nanswered {outcome}").is_err() {
            return;
        }
    }
}

pub(crate) async fn named(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let cx = SecurityContext::of(request.extensions()).unwrap();
    Ok(Response::new(Body::from(cx.request_id().to_string())))
}

fn command(program: &str, path: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env(TRAIL, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn this() -> String {
    std::env::current_exe()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

const ARGUMENTS: [&str; 3] = ["--exact", "killed::child", "--nocapture"];

/// Runs a child, calls a function with the completed requests after each one, and kills it when
/// that function says so. Returns all completed requests.
fn completed_before_kill(
    mut command: Command,
    mut enough: impl FnMut(u32, &[String]) -> bool,
) -> Vec<String> {
    let mut child = command.spawn().unwrap();
    let mut answered = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(outcome) = line.strip_prefix("answered ") else {
            continue;
        };
        answered.push(outcome.to_owned());
        if !killed && enough(child.id(), &answered) {
            killed = true;
            child.kill().unwrap(); // SIGKILL; what it still wrote into the pipe is read to the end.
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself");
    answered
}

/// How often each request is recorded, over all parts of a trail.
fn times(path: &Path) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let parts = files.filter(|file| file.extension() == path.extension());
    for record in parts.flat_map(|part| records(&part)) {
        if record["type"] == "head" || record["type"] == "request" {
            *times
                .entry(record["id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    times
}

#[test]
fn killed_forty_times_under_load_every_completed_request_is_recorded_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut answered = Vec::new();
    for round in 0..ROUNDS {
        let mut command = command(&this(), &path);
        command.args(ARGUMENTS);
        let until = 20 + 3 * round;
        answered.extend(completed_before_kill(command, |_, answered| {
            answered.len() >= until
        }));
    }
    drop(FileSink::builder(&path).open().unwrap());
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(report.is_intact(), "{report:#?}");
    let times = times(&path);
    assert!(answered.len() >= 20 * ROUNDS);
    for id in &answered {
        assert_eq!(times.get(id), Some(&1), "{id} of {report:?}");
    }
    assert!(times.values().all(|times| *times == 1));
}

#[test]
fn killed_while_it_rotates_every_completed_request_is_recorded_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("short.jsonl");
    let mut answered = Vec::new();
    for round in 0..ROTATING_ROUNDS {
        let mut command = command(&this(), &path);
        command.args(ARGUMENTS);
        // A part has some ten records: every response is near a rotation.
        let until = 40 + 7 * round;
        answered.extend(completed_before_kill(command, |_, answered| {
            answered.len() >= until
        }));
    }
    drop(FileSink::builder(&path).open().unwrap());
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(report.is_intact() && report.files > 20, "{report:#?}");
    let times = times(&path);
    for id in &answered {
        assert_eq!(times.get(id), Some(&1), "{id} of {report:?}");
    }
    assert!(times.values().all(|times| *times == 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_quota_ends_in_503_and_the_trail_goes_on_when_it_is_lifted() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    // Files of at most 8 KiB: the write that reaches it is cut short by the kernel, the next one fails.
    let mut command = command("bash", &path);
    let script = r#"ulimit -S -f 8; trap '' XFSZ; exec "$0" "$@""#;
    command.args(["-c", script, &this()]).args(ARGUMENTS);
    let mut full = None;
    let answered = completed_before_kill(command, |child, answered| {
        let refused = answered.last().is_some_and(|outcome| outcome == "503");
        if refused && full.is_none() {
            full = Some(std::fs::metadata(&path).unwrap().len());
            lift_quota(child);
        }
        full.is_some() && !refused
    });
    assert!(full.unwrap() <= 8192);
    drop(FileSink::builder(&path).open().unwrap());
    let report = verify_file(&path, &VerifyOptions::new()).unwrap();
    assert!(
        report.recoveries <= 1,
        "at most the line that the kill tore: {report:?}"
    );
    let times = times(&path);
    for id in answered.iter().filter(|outcome| *outcome != "503") {
        assert_eq!(times.get(id), Some(&1), "{id}");
    }
}

#[cfg(target_os = "linux")]
fn lift_quota(child: u32) {
    let pid = child.to_string();
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited:", "--pid", &pid])
        .status();
    assert!(lifted.unwrap().success());
}
