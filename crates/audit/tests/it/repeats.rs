//! Refusals that are counted instead of sent: the counts arrive, whatever happens next.

#[cfg(feature = "otlp")]
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
};
use std::{net::UdpSocket, sync::Arc, time::Duration};

use http::StatusCode;
use palisade_audit::{AuditEvent, AuditLayer, Sink, SyslogAddress, SyslogSink, event_id};
use palisade_core::{GuardLayer, ManualClock, Rejection, SecurityContext, Verdict};
use serde_json::Value;
use tower::service_fn;

use crate::support::{Does, NOW, get, hello, known, send};

/// Sends refused requests of one client.
async fn refused(layer: &AuditLayer, requests: usize) {
    let refuse = Does(|cx: &SecurityContext, _: &mut http::request::Parts| {
        known(cx);
        Verdict::<()>::from(Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No."))
    });
    let stack = GuardLayer((layer.clone(), refuse));
    for _ in 0..requests {
        let (status, _) = send(stack.clone(), service_fn(hello), get("/hello")).await;
        assert_eq!(status, 403);
    }
}

fn layer(sink: impl Sink) -> AuditLayer {
    let layer = AuditLayer::builder().sink(sink);
    layer.clock(ManualClock::new(NOW).shared()).build().unwrap()
}

fn server() -> (UdpSocket, SyslogAddress) {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let patience = Some(Duration::from_secs(30));
    server.set_read_timeout(patience).unwrap();
    let address = SyslogAddress::Udp(server.local_addr().unwrap());
    (server, address)
}

/// The record in the next message.
fn next(server: &UdpSocket) -> Value {
    let mut buffer = vec![0; 65_536];
    let length = server.recv(&mut buffer).unwrap();
    record(std::str::from_utf8(&buffer[..length]).unwrap())
}

fn record(message: &str) -> Value {
    serde_json::from_str(message.split_once("] ").unwrap().1).unwrap()
}

fn assert_held_back(record: &Value, count: u64) {
    assert_eq!(record["type"], "held_back");
    assert_eq!(record["count"], count);
    assert_eq!(record["client"], "203.0.113.7");
    assert_eq!(record["principal"]["id"], "team-voice");
    assert_eq!(record["guard"], "does");
    assert_eq!(record["code"], "forbidden");
    assert_eq!(record["first"], "2023-11-14T22:13:20.000000Z");
}

#[tokio::test]
async fn a_flush_and_the_end_of_a_sink_send_the_counts() {
    let (server, address) = server();
    let sink = Arc::new(SyslogSink::builder(address).build().unwrap());
    let layer = layer(Arc::clone(&sink));
    refused(&layer, 5).await;
    sink.flush().get().await.unwrap();
    assert_eq!(next(&server)["type"], "request");
    assert_held_back(&next(&server), 4);
    refused(&layer, 3).await;
    drop((layer, sink));
    assert_eq!(next(&server)["type"], "request");
    assert_held_back(&next(&server), 2);
}

#[tokio::test]
async fn a_count_is_sent_when_its_time_is_over_without_a_further_record() {
    let (server, address) = server();
    let clock = ManualClock::new(NOW);
    let sink = SyslogSink::builder(address).clock(clock.shared());
    let layer = layer(sink.build().unwrap());
    refused(&layer, 3).await;
    assert_eq!(next(&server)["type"], "request");
    // When this one has arrived, the thread knows that a millisecond is left.
    clock.advance(Duration::from_millis(59_999));
    layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED));
    assert_eq!(next(&server)["type"], "event");
    clock.advance(Duration::from_millis(1));
    assert_held_back(&next(&server), 2);
}

#[cfg(feature = "otlp")]
#[tokio::test]
async fn a_collector_gets_the_counts_at_a_flush_and_at_the_end() {
    use palisade_audit::OtlpSink;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/logs", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut counts = Vec::new();
        while counts.len() < 2 {
            let stream = listener.accept().unwrap().0;
            let body = otlp_body(stream);
            let records = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
            let records = records.as_array().unwrap().iter();
            counts.extend(
                records
                    .filter(|it| it["eventName"] == "palisade.audit.held_back")
                    .map(|it| it["body"]["stringValue"].as_str().unwrap().to_owned()),
            );
        }
        counts
    });
    let sink = OtlpSink::builder(endpoint.parse().unwrap()).linger(Duration::from_secs(3600));
    let sink = Arc::new(sink.build().unwrap());
    let layer = layer(Arc::clone(&sink));
    refused(&layer, 5).await;
    sink.flush().get().await.unwrap();
    refused(&layer, 3).await;
    drop((layer, sink));
    let counts = server.join().unwrap();
    for (text, count) in counts.iter().zip([4, 2]) {
        assert_held_back(&serde_json::from_str(text).unwrap(), count);
    }
}

/// Reads a request, answers that it was taken, and closes the connection.
#[cfg(feature = "otlp")]
fn otlp_body(stream: std::net::TcpStream) -> Value {
    use std::io::Write;

    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    reader.get_mut().write_all(answer).unwrap();
    serde_json::from_slice(&body).unwrap()
}
