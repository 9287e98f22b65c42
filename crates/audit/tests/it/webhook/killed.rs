//! Processes that are killed while they store and send batches, with a child that is this very binary.
//!
//! The receiver of this process lives through all of them. It takes some batches and closes the connection without an
//! answer, so that they are sent again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Mutex,
};

use palisade_audit::LossPolicy;

use super::*;

const SPOOL: &str = "PALISADE_AUDIT_TEST_SPOOL";
const RECEIVER: &str = "PALISADE_AUDIT_TEST_RECEIVER";
/// How often a process is killed.
const ROUNDS: usize = 20;
/// One of so many requests to the receiver is not answered.
const UNANSWERED: usize = 7;

/// Not a test by itself: what the child processes run. It serves requests until it is killed, and prints the
/// identifier of each one that was answered with 200.
#[allow(clippy::disallowed_methods)] // The environment of a child process names its part.
#[test]
fn child() {
    let (Ok(spool), Ok(receiver)) = (std::env::var(SPOOL), std::env::var(RECEIVER)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    let sink = open(receiver.parse().unwrap(), Path::new(&spool));
    runtime.unwrap().block_on(serve(sink));
}

/// A sink without whose file no request is answered.
fn open(receiver: SocketAddr, spool: &Path) -> WebhookSink {
    let sink = builder(receiver, spool).policy(LossPolicy::FailClosed);
    sink.commit_deadline(Duration::from_secs(30))
        .open()
        .unwrap()
}

async fn serve(sink: WebhookSink) {
    let layer = AuditLayer::builder().sink(sink);
    let layer = layer.deadline(Duration::from_secs(40)).build().unwrap();
    let clients: Vec<_> = (0..4)
        .map(|_| tokio::spawn(client(layer.clone())))
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn client(layer: AuditLayer) {
    loop {
        let (status, id) = send(
            layer.clone(),
            service_fn(crate::killed::named),
            get("/work"),
        )
        .await;
        assert_eq!(status, 200);
        let id = String::from_utf8(id.to_vec()).unwrap();
        if writeln!(std::io::stdout().lock(), "\nanswered {id}").is_err() {
            return;
        }
    }
}

/// Runs a child until it has answered so many requests, and kills it. Returns what it answered.
fn answered_before_kill(receiver: SocketAddr, spool: &Path, until: usize) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command
        .args(["--exact", "webhook::killed::child", "--nocapture"])
        .env(SPOOL, spool)
        .env(RECEIVER, receiver.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut answered = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(id) = line.unwrap().strip_prefix("answered ") {
            answered.push(id.to_owned());
        }
        if answered.len() == until {
            child.kill().unwrap(); // SIGKILL; what it still wrote into the pipe is read to the end.
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= until, "the child ended by itself");
    answered
}

/// What a receiver got: the body of each batch, by the identifier of the batch.
type Received = Arc<Mutex<HashMap<String, String>>>;

/// Takes batches for ever. Each one must be the same whenever it comes.
fn receive(listener: TcpListener) -> Received {
    let received = Received::default();
    let kept = Arc::clone(&received);
    thread::spawn(move || {
        for count in 1.. {
            let mut stream = listener.accept().unwrap().0;
            let Some(request) = try_read(&mut stream) else {
                continue; // The process was killed while it sent.
            };
            let id = request.id().to_owned();
            let known = kept.lock().unwrap().insert(id, request.body.clone());
            assert!(known.is_none_or(|known| known == request.body));
            if count % UNANSWERED > 0 {
                let response = b"HTTP/1.1 200 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(response);
            }
        }
    });
    received
}

#[test]
fn killed_while_it_stores_and_sends_every_answered_request_arrives_in_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let received = receive(listener);
    let mut answered = Vec::new();
    for round in 0..ROUNDS {
        answered.extend(answered_before_kill(address, &spool, 10 + 7 * round));
    }
    let sink = open(address, &spool);
    eventually(|| sink.spooled_bytes() == 0);
    assert_eq!((sink.lost_records(), sink.refused_records()), (0, 0));
    let received = received.lock().unwrap();
    let mut numbers = BTreeMap::new();
    let mut heads = HashSet::new();
    for (id, body) in &*received {
        let mut parts = id.split('-').map(|part| part.parse::<u64>());
        let (first, last) = (
            parts.next().unwrap().unwrap(),
            parts.next().unwrap().unwrap(),
        );
        assert_eq!(body.lines().count() as u64, last - first + 1);
        numbers.insert(first, last);
        for line in body.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            if record["type"] == "head" {
                let id = record["id"].as_str().unwrap().to_owned();
                assert!(heads.insert(id), "in two batches: {line}");
            }
        }
    }
    // No number is in two batches, and none is left out: nothing was lost.
    let mut next = 1;
    for (first, last) in numbers {
        assert_eq!(first, next);
        next = last + 1;
    }
    assert!(answered.len() >= 10 * ROUNDS);
    for id in &answered {
        assert!(heads.contains(id), "{id} did not arrive");
    }
}
