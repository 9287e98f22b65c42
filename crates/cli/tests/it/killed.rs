//! A gateway that is killed, with the real program: what it had reserved is charged.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use crate::support::{Folder, Running, service};

/// A model server that begins to speak and never ends. Returns its address.
fn endless_model() -> String {
    service(|mut stream| {
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n";
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n",
            event.len()
        );
        stream
    })
}

/// Starts the gateway of the folder. Returns its address.
fn start(folder: &Folder) -> (Running, String) {
    let (running, mut lines) = Running::start(folder.command("gateway --config gateway.toml"));
    let address =
        lines.find_map(|line| Some(line.trim().strip_prefix("Address")?.trim().to_owned()));
    (running, address.unwrap())
}

/// A question to the model over curl, whose output is read here.
fn ask(folder: &Folder, address: &str) -> Option<Child> {
    let started = Command::new("curl")
        .args(["--silent", "--no-buffer", "--include", "--cacert"])
        .arg(folder.path("tls/ca.pem"))
        .args(["-H", "Content-Type: application/json", "--data"])
        .arg(r#"{"model":"m","stream":true,"messages":[]}"#)
        .arg(format!("{address}v1/chat/completions"))
        .stdout(Stdio::piped())
        .spawn();
    if started.is_err() {
        eprintln!("SKIPPED: curl is not installed");
    }
    started.ok()
}

/// Returns what is counted as used, and what is still reserved.
fn counted(folder: &Folder) -> (u64, u64) {
    let counters = folder.json("limits budgets --file budgets.log --json");
    let number = |name: &str| counters[0][name].as_u64().unwrap();
    (number("used"), number("reserved"))
}

#[test]
fn after_kill_9_the_reserve_of_a_stream_is_charged() {
    let folder = Folder::new();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = '{}'\n\
         [metering]\nmax_tokens = 60\n\
         [[budgets]]\nname = 'out'\nunit = 'tokens_out'\namount = 100\nwindow = 'month'\nby = 'everyone'\n",
        endless_model()
    );
    fs::write(folder.path("gateway.toml"), file).unwrap();
    let (mut running, address) = start(&folder);
    let Some(mut open) = ask(&folder, &address) else {
        return;
    };
    let mut lines = BufReader::new(open.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("hello")));
    // SIGKILL: nothing of the program runs any more.
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    open.wait().unwrap();
    assert_eq!(counted(&folder), (60, 0), "the reserve counts as used");

    let (_running, address) = start(&folder);
    let refused = ask(&folder, &address).unwrap().wait_with_output().unwrap();
    let refused = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(refused.contains(" 402"), "{refused}");
    assert!(
        refused.contains("\"used\":\"60\"") || refused.contains("\"used\":60"),
        "{refused}"
    );
}
