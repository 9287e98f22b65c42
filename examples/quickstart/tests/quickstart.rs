//! The quickstart as its user tries it: start the program, paste the line that it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

struct Program {
    child: Child,
    folder: TempDir,
    /// The line that it prints.
    line: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it; `None`, with a message, where curl is not installed.
    fn start(prepare: impl FnOnce(&mut Command)) -> Option<Self> {
        if Command::new("curl").arg("--version").output().is_err() {
            eprintln!("SKIPPED: curl is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
        command
            .arg("127.0.0.1:0")
            .arg(folder.path())
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let line = line.trim().to_owned();
        Some(Self {
            child,
            folder,
            line,
        })
    }

    /// Runs a line in a shell, with a limit of time for each request.
    fn run(line: &str) -> String {
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("{line} -s --max-time 20"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn without_key(&self) -> String {
        let (before, after) = self.line.split_once(" -H @").unwrap();
        format!("{before} {}", after.split_once(' ').unwrap().1)
    }

    /// Asks until much more was logged than a pipe holds.
    fn ask_often(&self) {
        let asks = format!("{}?a=[1-40]", self.without_key());
        let responses = Self::run(&asks);
        let count = responses.matches("\"unauthenticated\"").count();
        assert!(count >= 40, "{count} answers: {responses}");
        assert_eq!(Self::run(&self.line), "The notes of ann: buy bread.\n");
    }
}

/// Everything that the libraries can say, several kilobytes a request.
const LOUD: &str = "trace,h2=trace,hyper=trace,hyper_util=trace,rustls=trace,tokio_rustls=trace";

#[test]
fn the_line_that_it_prints_works_and_without_the_key_it_does_not() {
    let Some(program) = Program::start(|_| {}) else {
        return;
    };
    assert!(!program.line.contains("psk_"), "{}", program.line);
    assert_eq!(
        Program::run(&program.line),
        "The notes of ann: buy bread.\n"
    );
    assert!(Program::run(&program.without_key()).contains("\"unauthenticated\""));
    let file = program.folder.path().join("key.header");
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let audit = fs::read_to_string(program.folder.path().join("audit.jsonl")).unwrap_or_default();
    assert!(!audit.contains("psk_"), "the key is not in the trail");
}

#[test]
fn an_unread_log_stops_no_response_and_no_shutdown() {
    let stalled = |command: &mut Command| {
        command.env("RUST_LOG", LOUD).stderr(Stdio::piped());
    };
    let Some(mut program) = Program::start(stalled) else {
        return;
    };
    program.ask_often();
    // The pipe is full by now, and its other end is still open and not read.
    let id = program.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    assert!(program.child.wait().unwrap().success(), "it ends by itself");
}

#[test]
fn a_log_that_is_closed_ends_nothing() {
    let loud = |command: &mut Command| {
        command.env("RUST_LOG", LOUD).stderr(Stdio::piped());
    };
    let Some(mut program) = Program::start(loud) else {
        return;
    };
    drop(program.child.stderr.take());
    program.ask_often();
    assert!(program.child.try_wait().unwrap().is_none(), "it still runs");
}

#[test]
fn a_start_that_cannot_be_ends_also_where_the_log_is_closed() {
    let script = format!("exec '{}' nonsense 2>&-", env!("CARGO_BIN_EXE_quickstart"));
    let status = Command::new("sh").arg("-c").arg(script).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
