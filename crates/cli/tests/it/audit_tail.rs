//! `palisade audit tail`, beside a writer that rotates.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use palisade_audit::{AuditEvent, AuditLayer, FileSink, read_trail};

use crate::support::Folder;

/// A command that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn layer(folder: &Folder) -> AuditLayer {
    let sink = FileSink::builder(folder.path("audit.jsonl")).rotate_at(4096);
    AuditLayer::builder()
        .sink(sink.open().unwrap())
        .build()
        .unwrap()
}

#[test]
fn tail_prints_every_record_once_and_sleeps_in_between() {
    let folder = Folder::new();
    let audit = layer(&folder);
    audit.record(AuditEvent::new("app.first"));
    let mut tail = folder.command("audit tail audit.jsonl --type event --json");
    let mut tail = Running(tail.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    // It follows now.
    let mut printed = vec![lines.next().unwrap().unwrap()];
    for round in 0..200 {
        audit.record(AuditEvent::new("app.exported").number("round", round));
    }
    audit.record(AuditEvent::new("app.last"));
    for line in lines.by_ref() {
        printed.push(line.unwrap());
        if printed.last().unwrap().contains("app.last") {
            break;
        }
    }
    if cfg!(target_os = "linux") {
        let waits = format!("/proc/{}/fd", tail.0.id());
        let opened = fs::read_dir(waits)
            .unwrap()
            .filter_map(|it| fs::read_link(it.ok()?.path()).ok());
        let names: Vec<String> = opened.map(|it| it.to_string_lossy().into_owned()).collect();
        assert!(names.iter().any(|it| it.contains("inotify")), "{names:?}");
    }
    audit.handle().close_blocking().unwrap();
    let all = read_trail(folder.path("audit.jsonl")).unwrap();
    let all = all.map(|it| it.unwrap()).filter(|it| it.kind() == "event");
    let all: Vec<String> = all.map(|it| it.line().to_owned()).collect();
    assert_eq!(all, printed);
    assert_eq!(all.len(), 202);
    assert!(printed.iter().all(|it| !it.contains('\u{1b}')));
}

#[test]
fn colors_are_for_terminals_and_never_in_json() {
    let folder = Folder::new();
    let audit = layer(&folder);
    audit.record(AuditEvent::new("app.first"));
    audit.record(AuditEvent::new("app.second"));
    audit.handle().close_blocking().unwrap();
    let first_lines = |arguments: &str, count: usize| {
        let mut tail = folder.command(&format!("audit tail audit.jsonl {arguments}"));
        let mut tail = Running(tail.stdout(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
        lines.take(count).map(Result::unwrap).collect::<Vec<_>>()
    };
    let plain = first_lines("--type event", 2);
    assert!(
        plain[0].contains("app.first") && plain[1].contains("app.second"),
        "{plain:?}"
    );
    assert!(
        plain.iter().all(|it| !it.contains('\u{1b}')),
        "a pipe is no terminal: {plain:?}"
    );
    let colored = first_lines("--type event --color always", 2);
    assert!(
        colored
            .iter()
            .all(|it| it.starts_with("\u{1b}[36m") && it.ends_with("\u{1b}[0m")),
        "{colored:?}"
    );
    let json = first_lines("--last 1 --type event --color always --json", 1);
    assert!(
        json[0].starts_with('{') && json[0].contains("app.second"),
        "{json:?}"
    );
    let error = folder.bad("audit tail nowhere.jsonl");
    assert!(
        error.starts_with("error: cannot read nowhere.jsonl"),
        "{error}"
    );
}

#[test]
fn a_witness_follows_a_file() {
    let folder = Folder::new();
    let audit = layer(&folder);
    audit.handle().close_blocking().unwrap();
    let witness = "audit witness witness.checkpoints --follow audit.jsonl.checkpoints";
    let mut witness = folder.command(witness);
    let mut witness = Running(
        witness
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(witness.0.stdout.take().unwrap()).lines();
    assert!(
        lines
            .next()
            .unwrap()
            .unwrap()
            .starts_with("accepted: record ")
    );
    let audit = layer(&folder);
    audit.record(AuditEvent::new("app.first"));
    audit.handle().close_blocking().unwrap();
    let line = lines.find(|line| line.as_ref().unwrap().contains(", proven since record "));
    assert!(line.is_some());
}
