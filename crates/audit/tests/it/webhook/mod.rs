//! Batches that arrive at a receiver, whatever happens to it and to the process.

mod killed;
mod refusals;
mod spool;

use std::{
    collections::HashMap,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header::AUTHORIZATION};
use palisade_audit::{
    AuditBuildError, AuditEvent, AuditKey, AuditLayer, Sink, WebhookSink, WebhookSinkBuilder,
};
use palisade_core::{Clock, ManualClock};
use tower::service_fn;

use crate::support::{NOW, get, hello, send};

const KEY: [u8; 32] = *b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8";

/// A request that arrived.
#[derive(Debug)]
struct Arrived {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

impl Arrived {
    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The identifiers of the events in it.
    fn events(&self) -> Vec<String> {
        let lines = self.body.lines();
        let records = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        records
            .map(|record| record["event_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// How a receiver answers one request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It reads the request and closes the connection.
    Breaks,
    /// It reads the request and says nothing.
    Hangs,
    /// With this status and these further headers.
    Status(u16, &'static str),
}

/// Serves one request for each answer, and then no more: the port is free again.
fn receiver(listener: TcpListener, answers: Vec<Answer>) -> Receiver<Arrived> {
    let (arrives, arrived) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for answer in answers {
            let mut stream = listener.accept().unwrap().0;
            let request = read(&mut stream);
            arrives.send(request).unwrap();
            match answer {
                Answer::Breaks => drop(stream),
                Answer::Hangs => kept.push(stream),
                Answer::Status(status, headers) => {
                    let response = format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n"
                    );
                    stream.write_all(response.as_bytes()).unwrap();
                }
            }
        }
    });
    arrived
}

fn read(stream: &mut TcpStream) -> Arrived {
    try_read(stream).expect("the request broke off")
}

/// Reads a request. `None`: the connection ended before the request did.
fn try_read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let line = lines.next().unwrap().to_owned();
            let headers: HashMap<_, _> = lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            if body.len() >= headers["content-length"].parse().unwrap() {
                let body = body.to_owned();
                return Some(Arrived {
                    line,
                    headers,
                    body,
                });
            }
        }
        let mut more = [0; 4096];
        let length = stream.read(&mut more).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&more[..length]);
    }
}

fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Binds an address as soon as the receiver before has ended.
fn bind_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => thread::yield_now(),
            bound => return bound.unwrap(),
        }
    }
}

fn builder(address: SocketAddr, spool: &Path) -> WebhookSinkBuilder {
    let endpoint = format!("http://{address}/in?tenant=a").parse().unwrap();
    WebhookSink::builder(endpoint, spool)
        .signing_key(AuditKey::from_bytes(KEY).unwrap())
        .linger(Duration::ZERO)
        .retry_pause(Duration::from_millis(1))
}

fn event(sink: &impl Sink, id: &'static str) {
    sink.record_event(&Arc::new(AuditEvent::new(id)));
}

async fn flush(sink: &impl Sink) {
    sink.flush().get().await.unwrap();
}

/// The files of batches that wait.
fn batches(spool: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(spool)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_batch = |path: &PathBuf| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        matches!(kind, Some("batch" | "sending"))
    };
    let mut batches: Vec<_> = entries.filter(is_batch).collect();
    batches.sort();
    batches
}

/// How many batches wait.
fn waiting(spool: &Path) -> usize {
    batches(spool).len()
}

/// How many records wait.
fn stored_records(spool: &Path) -> usize {
    let lines =
        |path: &PathBuf| fs::read_to_string(path).map_or(0, |text| text.lines().count() - 1);
    batches(spool).iter().map(lines).sum()
}

/// Waits until the threads of a dropped sink have ended: until then one of them may be merging files of the spool.
fn threads_ended(spool: &Path) {
    fs::File::open(spool).unwrap().lock().unwrap();
}

/// Opens the sink as soon as the threads of the one before have ended.
fn open_again(open: impl Fn() -> Result<WebhookSink, AuditBuildError>) -> WebhookSink {
    loop {
        match open() {
            Err(AuditBuildError::Locked { .. }) => thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

fn eventually(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

#[tokio::test]
async fn a_batch_is_signed_and_removed_when_the_receiver_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let arrived = receiver(listener, vec![Answer::Status(204, "")]);
    let clock = ManualClock::new(NOW);
    let token = HeaderValue::from_static("of-the-receiver");
    let sink = builder(address, &spool).clock(clock.shared());
    let sink = sink.header(http::HeaderName::from_static("x-api-key"), token);
    let shown = format!("{sink:?}");
    assert!(
        !shown.contains("of-the-receiver") && !shown.contains("tenant") && !shown.contains("/in")
    );
    let sink = Arc::new(sink.open().unwrap());
    assert!(!format!("{sink:?}").contains("/in"), "{sink:?}");
    let layer = AuditLayer::builder()
        .sink(Arc::clone(&sink))
        .clock(clock.shared());
    let layer = layer.build().unwrap();
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    flush(&*sink).await;
    let request = arrived.recv().unwrap();
    assert_eq!(request.line, "POST /in?tenant=a HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/x-ndjson");
    assert_eq!(request.headers["x-api-key"], "of-the-receiver");
    assert_eq!(request.headers["webhook-timestamp"], "1700000000");
    let signed = format!("{}.1700000000.{}", request.id(), request.body);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &KEY);
    let expected = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(expected));
    assert_eq!(request.headers["webhook-signature"], expected);
    let record: serde_json::Value = serde_json::from_str(request.body.trim_end()).unwrap();
    assert_eq!(
        (&record["type"], &record["status"]),
        (&"request".into(), &200.into())
    );
    eventually(|| sink.spooled_bytes() == 0);
    assert_eq!(waiting(&spool), 0);
    assert_eq!((sink.spooled_bytes(), sink.lost_records()), (0, 0));
}

#[tokio::test]
async fn a_receiver_that_fails_hangs_and_redirects_gets_the_same_batch_again() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let (other, elsewhere) = bind();
    other.set_nonblocking(true).unwrap();
    let redirect = format!("Location: http://{elsewhere}/\r\n").leak();
    let arrived = receiver(
        listener,
        vec![
            Answer::Breaks,
            Answer::Status(500, ""),
            Answer::Hangs,
            Answer::Status(401, ""),
            Answer::Status(307, redirect),
            Answer::Status(200, ""),
        ],
    );
    let sink = builder(address, &spool)
        .deadline(Duration::from_millis(50))
        .open()
        .unwrap();
    event(&sink, "app.one");
    flush(&sink).await;
    let requests: Vec<Arrived> = (0..6).map(|_| arrived.recv().unwrap()).collect();
    assert!(
        requests.iter().all(|it| it.id() == requests[0].id()),
        "{requests:#?}"
    );
    assert!(requests.iter().all(|it| it.body == requests[0].body));
    eventually(|| sink.spooled_bytes() == 0);
    assert_eq!(waiting(&spool), 0);
    assert_eq!(sink.lost_records(), 0);
    assert!(other.accept().is_err(), "the redirect was followed");
}

/// A clock that counts how often it is read.
#[derive(Debug)]
struct Counting(ManualClock, AtomicUsize);

impl Clock for Counting {
    fn unix_time(&self) -> Duration {
        self.0.unix_time()
    }

    fn monotonic(&self) -> Duration {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.monotonic()
    }
}

#[tokio::test]
async fn a_busy_receiver_is_left_alone_for_as_long_as_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (listener, address) = bind();
    let asks = Answer::Status(429, "Retry-After: 120\r\n");
    let arrived = receiver(listener, vec![asks, Answer::Status(200, "")]);
    let time = ManualClock::new(NOW);
    let clock = Arc::new(Counting(time.clone(), AtomicUsize::new(0)));
    let sink = builder(address, &spool).clock(Arc::clone(&clock) as _);
    let sink = sink.open().unwrap();
    event(&sink, "app.one");
    flush(&sink).await;
    let first = arrived.recv().unwrap();
    // The clock is read again and again while the sender waits. Before the first of these reads it knows the answer.
    let reads = || clock.1.load(Ordering::Relaxed);
    let waits_for = |more: usize| {
        let before = reads();
        eventually(|| reads() >= before + more);
    };
    waits_for(4);
    time.advance(Duration::from_secs(119));
    waits_for(3);
    assert!(arrived.try_recv().is_err(), "it came too early");
    time.advance(Duration::from_secs(2));
    let second = arrived.recv().unwrap();
    assert_eq!(first.id(), second.id());
    assert_ne!(
        first.headers["webhook-timestamp"], second.headers["webhook-timestamp"],
        "a receiver refuses old timestamps"
    );
    assert_ne!(
        first.headers["webhook-signature"],
        second.headers["webhook-signature"]
    );
}

#[test]
fn a_webhook_that_cannot_be_trusted_is_refused_at_build() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let key = || AuditKey::from_bytes(KEY).unwrap();
    let to = |uri: &str| WebhookSink::builder(uri.parse().unwrap(), &spool).signing_key(key());
    for uri in [
        "http://192.0.2.1/",
        "http://siem.example/",
        "ftp://127.0.0.1/",
        "https://u:p@a/",
    ] {
        assert!(to(uri).open().is_err(), "{uri}");
    }
    assert!(
        !spool.exists(),
        "nothing is made for settings that cannot work"
    );
    assert!(to("http://127.0.0.1/").spool_bytes(1000).open().is_err());
    for zero in [
        to("http://127.0.0.1/").deadline(Duration::ZERO),
        to("http://127.0.0.1/").retry_pause(Duration::ZERO),
    ] {
        let error = zero.open().unwrap_err().to_string();
        assert!(error.contains("use more than zero"), "{error}");
    }
    assert!(
        to("http://192.0.2.1/")
            .dangerously_allow_http()
            .open()
            .is_ok()
    );
    let unsigned = || {
        WebhookSink::builder(
            "http://127.0.0.1/".parse().unwrap(),
            folder.path().join("b"),
        )
    };
    assert!(unsigned().open().is_err());
    assert!(unsigned().dangerously_send_unsigned().open().is_ok());
}

#[test]
fn settings_do_not_show_the_path_of_the_address_or_a_header() {
    let uri = "https://siem.example/s3cret?key=s3cret".parse().unwrap();
    let token = HeaderValue::from_static("Bearer s3cret");
    let settings = WebhookSink::builder(uri, "spool").header(AUTHORIZATION, token);
    let shown = format!("{settings:?}");
    assert!(shown.contains("siem.example"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let uri = "http://127.0.0.1/s3cret?key=s3cret".parse().unwrap();
    let sink = WebhookSink::builder(uri, folder.path().join("spool"));
    let sink = sink.signing_key(AuditKey::from_bytes(KEY).unwrap());
    let shown = format!("{:?}", sink.open().unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}
