//! What a sink makes of the responses of a collector, and of connections that end.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use palisade_audit::{AuditEvent, LossPolicy, OtlpSink, OtlpSinkBuilder, Sink, event_id};
use palisade_core::ManualClock;
use serde_json::Value;

use crate::support::{NOW, is_whole_request};

/// What a collector does after it has read a request.
#[derive(Clone)]
enum Reply {
    /// Sends this, and closes the connection.
    Close(String),
    /// Sends this, and leaves the connection open.
    Hang(String),
    /// Sends this, and closes the connection when the next request comes on it.
    CloseAtNext(String),
}

/// Serves each connection once, with one reply after the other. Sends what arrived.
fn collector(replies: Vec<Reply>) -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (arrives, arrived) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for reply in replies {
            let mut stream = listener.accept().unwrap().0;
            let body = read(&mut stream);
            if arrives.send(body).is_err() {
                return;
            }
            match reply {
                Reply::Close(text) => {
                    // The other end may close first: what it has not read fails to be sent.
                    let _ = stream.write_all(text.as_bytes());
                    drop(stream);
                }
                Reply::Hang(text) => {
                    stream.write_all(text.as_bytes()).unwrap();
                    kept.push(stream);
                }
                Reply::CloseAtNext(text) => {
                    stream.write_all(text.as_bytes()).unwrap();
                    read(&mut stream);
                }
            }
        }
    });
    (address, arrived)
}

/// Reads a request and returns its body.
fn read(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    while !is_whole_request(&bytes) {
        let mut more = [0; 4096];
        match stream.read(&mut more) {
            Ok(length @ 1..) => bytes.extend_from_slice(&more[..length]),
            _ => return Value::Null,
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn ok(length: usize, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn builder(address: SocketAddr) -> OtlpSinkBuilder {
    let endpoint = format!("http://{address}/v1/logs").parse().unwrap();
    OtlpSink::builder(endpoint)
        .retry_pause(Duration::from_millis(1))
        .linger(Duration::from_secs(3600))
        .clock(ManualClock::new(NOW).shared())
}

fn event(sink: &impl Sink) {
    let event = AuditEvent::new(event_id::CONFIGURATION_RELOADED);
    sink.record_event(&Arc::new(event));
}

#[tokio::test]
async fn a_status_decides_whatever_becomes_of_the_body() {
    let long = "x".repeat(65 * 1024);
    for first in [
        Reply::Close(ok(long.len(), &long)),
        Reply::Close(ok(10, "{}")),
        Reply::Hang(ok(10, "{}")),
    ] {
        let next = Reply::Close(ok(2, "{}"));
        let (address, arrived) = collector(vec![first, next.clone(), next]);
        let sink = builder(address).build().unwrap();
        for _ in 0..2 {
            event(&sink);
            sink.flush().get().await.unwrap();
            arrived.recv().unwrap();
            assert!(arrived.try_recv().is_err(), "it was sent twice");
        }
        assert_eq!(sink.lost_records(), 0);
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_try() {
    // It is closed when the next request is on its way already.
    let first = Reply::CloseAtNext(ok(2, "{}"));
    let (address, arrived) = collector(vec![first, Reply::Close(ok(2, "{}"))]);
    let sink = builder(address).build().unwrap();
    event(&sink);
    sink.flush().get().await.unwrap();
    arrived.recv().unwrap();
    event(&sink);
    // The last batch has one try only.
    drop(sink);
    let last = arrived.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(last["resourceLogs"].is_array());
}

#[tokio::test]
async fn a_collector_that_rejects_some_records_is_not_taken_for_one_that_fails() {
    let some = r#"{"partialSuccess":{"rejectedLogRecords":"1"}}"#;
    let all = r#"{"partialSuccess":{"rejectedLogRecords":2}}"#;
    let replies = [some, all].map(|body| Reply::Close(ok(body.len(), body)));
    let (address, arrived) = collector(replies.to_vec());
    let sink = builder(address).policy(LossPolicy::FailClosed);
    let sink = sink.build().unwrap();
    // A place for each of many requests: the first one while a sink fails is always admitted.
    let reserved = |sink: &OtlpSink| (0..3).filter(|_| sink.reserve().is_ok()).count();
    for (lost, admitted) in [(1, 3), (3, 1)] {
        event(&sink);
        event(&sink);
        let flushed = sink.flush().get().await;
        assert!(flushed.is_err(), "it does not say which record it rejected");
        let batch = arrived.recv().unwrap();
        let records = &batch["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
        assert_eq!(records.as_array().unwrap().len(), 2);
        assert_eq!(sink.lost_records(), lost);
        assert_eq!(reserved(&sink), admitted);
    }
}

#[test]
fn a_deadline_or_a_pause_of_zero_is_refused() {
    let address = ([127, 0, 0, 1], 4318).into();
    for builder in [
        builder(address).deadline(Duration::ZERO),
        builder(address).retry_pause(Duration::ZERO),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("more than zero"), "{error}");
    }
}

#[test]
fn settings_do_not_show_the_path_of_the_address_or_a_header() {
    let uri = "https://logs.example/s3cret?key=s3cret".parse().unwrap();
    let token = http::HeaderValue::from_static("Bearer s3cret");
    let settings = OtlpSink::builder(uri).header(http::header::AUTHORIZATION, token);
    let shown = format!("{settings:?}");
    assert!(shown.contains("logs.example"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let shown = format!("{:?}", settings.build().unwrap());
    assert!(shown.contains("logs.example"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}
