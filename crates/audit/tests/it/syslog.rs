//! Records that arrive at a syslog server, by the form of RFC 5424.

use std::{
    io::Read,
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    time::Duration,
};

use http::StatusCode;
use palisade_audit::{
    AuditEvent, AuditLayer, Sink, SyslogAddress, SyslogSink, SyslogSinkBuilder, event_id,
};
use palisade_core::{ManualClock, Rejection, Verdict};
use serde_json::Value;
use tower::service_fn;

use crate::support::{Does, NOW, get, hello, known, send};

/// A message, taken apart.
#[derive(Debug)]
struct Message {
    priority: u16,
    time: String,
    host: String,
    app: String,
    kind: String,
    record: Value,
}

/// Reads a message strictly: a receiver that accepts more would hide a mistake.
fn parsed(message: &str) -> Message {
    let (priority, rest) = message.strip_prefix('<').unwrap().split_once('>').unwrap();
    let parts: Vec<&str> = rest.splitn(7, ' ').collect();
    let [version, time, host, app, process, kind, rest] = parts[..] else {
        panic!("{message}");
    };
    let (data, text) = rest.split_once("] ").unwrap();
    assert_eq!(version, "1");
    assert!(
        data.starts_with("[meta sequenceId=\"") && data.contains("\"][origin "),
        "{data}"
    );
    assert_eq!(process, std::process::id().to_string());
    assert!(!message.contains(['\n', '\r', '\0']));
    Message {
        priority: priority.parse().unwrap(),
        time: time.to_owned(),
        host: host.to_owned(),
        app: app.to_owned(),
        kind: kind.to_owned(),
        record: serde_json::from_str(text).unwrap(),
    }
}

fn builder(address: SyslogAddress) -> SyslogSinkBuilder {
    SyslogSink::builder(address)
        .host_name("web-1")
        .app_name("shop")
}

fn layer(sink: impl Sink) -> AuditLayer {
    let clock = ManualClock::new(NOW).shared();
    AuditLayer::builder()
        .sink(sink)
        .clock(clock)
        .build()
        .unwrap()
}

async fn flush(sink: &SyslogSink) {
    sink.flush().get().await.unwrap();
}

fn patient(socket: &UdpSocket) -> Message {
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).unwrap();
    parsed(std::str::from_utf8(&buffer[..length]).unwrap())
}

#[tokio::test]
async fn requests_refusals_and_events_arrive_as_datagrams() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = SyslogAddress::Udp(server.local_addr().unwrap());
    let layer = layer(builder(address).build().unwrap());
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    let message = patient(&server);
    assert_eq!(
        (message.priority, message.kind.as_str()),
        (13 * 8 + 6, "request")
    );
    assert_eq!(message.time, "2023-11-14T22:13:20.000000Z");
    assert_eq!(
        (message.host.as_str(), message.app.as_str()),
        ("web-1", "shop")
    );
    assert_eq!(message.record["status"], 200);

    let refuse = Does(
        |cx: &palisade_core::SecurityContext, _: &mut http::request::Parts| {
            known(cx);
            Verdict::<()>::from(Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No."))
        },
    );
    let refused = palisade_core::GuardLayer((layer.clone(), refuse));
    for _ in 0..5 {
        send(refused.clone(), service_fn(hello), get("/hello")).await;
    }
    let message = patient(&server);
    assert_eq!(
        (message.priority, message.kind.as_str()),
        (13 * 8 + 5, "request")
    );
    assert_eq!(message.record["refused"][0]["code"], "forbidden");

    // The repetitions in the same minute are not sent.
    layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED));
    let message = patient(&server);
    assert_eq!(
        (message.priority, message.kind.as_str()),
        (13 * 8 + 6, "event")
    );
}

/// Reads one frame of RFC 6587: its length, a space, and the message.
fn frame(stream: &mut TcpStream) -> Message {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut length = String::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        match byte[0] {
            b' ' => break,
            digit => length.push(digit.into()),
        }
    }
    let mut message = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut message).unwrap();
    parsed(std::str::from_utf8(&message).unwrap())
}

#[tokio::test]
async fn a_stream_has_frames_with_their_length() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = SyslogAddress::Tcp(server.local_addr().unwrap());
    let sink = Arc::new(builder(address).facility(16).build().unwrap());
    let layer = layer(Arc::clone(&sink));
    for _ in 0..3 {
        send(layer.clone(), service_fn(hello), get("/hello?a=ü")).await;
    }
    flush(&sink).await;
    let (mut stream, _) = server.accept().unwrap();
    for _ in 0..3 {
        assert_eq!(frame(&mut stream).priority, 16 * 8 + 6);
    }
    assert_eq!(sink.lost_records(), 0);
}

#[tokio::test]
async fn records_that_cannot_be_sent_are_counted_and_a_server_that_comes_back_is_used() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    drop(server);
    let clock = ManualClock::new(NOW);
    let sink = builder(SyslogAddress::Tcp(address))
        .clock(clock.shared())
        .build()
        .unwrap();
    let sink = Arc::new(sink);
    let layer = layer(Arc::clone(&sink));
    for _ in 0..3 {
        send(layer.clone(), service_fn(hello), get("/hello")).await;
    }
    flush(&sink).await;
    assert_eq!(sink.lost_records(), 3);
    let server = TcpListener::bind(address).unwrap();
    clock.advance(Duration::from_secs(1));
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    flush(&sink).await;
    let (mut stream, _) = server.accept().unwrap();
    assert_eq!(frame(&mut stream).kind, "request");
    assert_eq!(sink.lost_records(), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn a_local_socket_gets_datagrams() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let server = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let layer = layer(builder(SyslogAddress::Unix(path)).build().unwrap());
    send(layer, service_fn(hello), get("/hello")).await;
    server
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut buffer = vec![0; 65_536];
    let length = server.recv(&mut buffer).unwrap();
    let message = parsed(std::str::from_utf8(&buffer[..length]).unwrap());
    assert_eq!(message.record["type"], "request");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let address = || SyslogAddress::Udp("127.0.0.1:514".parse().unwrap());
    assert!(builder(address()).facility(24).build().is_err());
    assert!(builder(address()).capacity(0).build().is_err());
}
