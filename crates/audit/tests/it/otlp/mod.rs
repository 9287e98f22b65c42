//! Records that arrive at an OpenTelemetry collector.

mod spans;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use http::{HeaderValue, StatusCode, header};
use palisade_audit::{
    AuditEvent, AuditLayer, MemorySink, OtlpSink, OtlpSinkBuilder, Sink, event_id,
};
use palisade_core::{GuardLayer, ManualClock, Rejection, SecurityContext, Verdict};
use serde_json::{Value, json};
use tower::service_fn;

use crate::support::{Does, NOW, get, hello, known, send};

/// A request that arrived.
#[derive(Debug)]
struct Arrived {
    head: String,
    body: Value,
}

/// Serves each request with the next response, and the last one for ever. Connections are kept open.
fn collector(responses: Vec<(u16, &'static str)>) -> (SocketAddr, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, serve_collector(listener, responses))
}

fn serve_collector(
    listener: TcpListener,
    responses: Vec<(u16, &'static str)>,
) -> Receiver<Arrived> {
    let (arrives, arrived) = channel();
    thread::spawn(move || {
        let mut responses = responses.into_iter().peekable();
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            loop {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut head).unwrap() == 0 {
                        break;
                    }
                }
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let Some(length) = length.and_then(|it| it.parse::<usize>().ok()) else {
                    break;
                };
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = serde_json::from_slice(&body).unwrap();
                let next = responses.next_if(|_| true).unwrap_or((200, "{}"));
                let (status, text) = next;
                let response = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                );
                if arrives.send(Arrived { head, body }).is_err() {
                    return;
                }
                reader.get_mut().write_all(response.as_bytes()).unwrap();
            }
        }
    });
    arrived
}

fn builder(address: SocketAddr) -> OtlpSinkBuilder {
    let endpoint = format!("http://{address}/v1/logs").parse().unwrap();
    OtlpSink::builder(endpoint)
        .service_name("shop")
        .retry_pause(Duration::from_millis(1))
        .clock(ManualClock::new(NOW).shared())
}

fn layer(sink: impl Sink, memory: &MemorySink) -> AuditLayer {
    AuditLayer::builder()
        .sink(memory.clone())
        .sink(sink)
        .clock(ManualClock::new(NOW).shared())
        .build()
        .unwrap()
}

/// The log records of a request.
fn records(arrived: &Arrived) -> &Vec<Value> {
    let scope = &arrived.body["resourceLogs"][0]["scopeLogs"][0];
    assert_eq!(scope["scope"]["name"], "palisade-audit");
    scope["logRecords"].as_array().unwrap()
}

/// The value of an attribute.
fn attribute<'a>(record: &'a Value, key: &str) -> &'a Value {
    let attributes = record["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|it| it["key"] == key);
    found.map_or(&Value::Null, |it| &it["value"])
}

#[tokio::test]
async fn a_collector_gets_every_record_as_a_log_record() {
    let (address, arrived) = collector(Vec::new());
    let token = HeaderValue::from_static("Bearer of-the-collector");
    let sink = builder(address)
        .header(header::AUTHORIZATION, token)
        .build();
    let (sink, memory) = (Arc::new(sink.unwrap()), MemorySink::new());
    let layer = layer(Arc::clone(&sink), &memory);
    let refuse = Does(|cx: &SecurityContext, _: &mut http::request::Parts| {
        known(cx);
        Verdict::<()>::from(Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No."))
    });
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    let refused = GuardLayer((layer.clone(), refuse));
    for _ in 0..3 {
        send(refused.clone(), service_fn(hello), get("/hello")).await;
    }
    layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("file", "ü\n"));
    sink.flush().get().await.unwrap();
    assert_eq!(sink.lost_records(), 0);

    let mut all = Vec::new();
    while let Ok(request) = arrived.try_recv() {
        assert!(
            request.head.starts_with("POST /v1/logs HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert!(request.head.contains("content-type: application/json\r\n"));
        assert!(
            request
                .head
                .contains("authorization: Bearer of-the-collector\r\n")
        );
        let service = &request.body["resourceLogs"][0]["resource"]["attributes"][0];
        assert_eq!(
            *service,
            json!({"key": "service.name", "value": {"stringValue": "shop"}})
        );
        all.extend(records(&request).clone());
    }
    // Two of the three refusals are repetitions: the flush sends their number.
    let held_back = all.pop().unwrap();
    assert_eq!(held_back["eventName"], "palisade.audit.held_back");
    assert_eq!(
        attribute(&held_back, "palisade.count"),
        &json!({"intValue": "2"})
    );
    assert_eq!(
        attribute(&held_back, "client.address"),
        &json!({"stringValue": "203.0.113.7"})
    );
    let lines = memory.lines();
    let expected: Vec<&String> = lines
        .iter()
        .enumerate()
        .filter(|(it, _)| ![2, 3].contains(it))
        .map(|(_, it)| it)
        .collect();
    let bodies: Vec<&str> = all
        .iter()
        .map(|it| it["body"]["stringValue"].as_str().unwrap())
        .collect();
    assert_eq!(bodies, expected);
    let [request, refusal, event] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(request["timeUnixNano"], "1700000000000000000");
    assert_eq!(
        (&request["severityNumber"], &request["eventName"]),
        (&json!(9), &json!("palisade.audit.request"))
    );
    assert_eq!(
        attribute(request, "http.request.method"),
        &json!({"stringValue": "GET"})
    );
    assert_eq!(
        attribute(request, "http.response.status_code"),
        &json!({"intValue": "200"})
    );
    assert_eq!(refusal["severityText"], "INFO2");
    assert_eq!(
        attribute(refusal, "palisade.refusal.code"),
        &json!({"stringValue": "forbidden"})
    );
    assert_eq!(
        attribute(refusal, "user.id"),
        &json!({"stringValue": "team-voice"})
    );
    assert_eq!(event["eventName"], event_id::CONFIGURATION_RELOADED);
}

#[tokio::test]
async fn a_busy_collector_is_tried_again_and_nothing_is_lost() {
    let (address, arrived) = collector(vec![(503, ""), (429, ""), (200, "{}")]);
    let (sink, memory) = (
        Arc::new(builder(address).build().unwrap()),
        MemorySink::new(),
    );
    let layer = layer(Arc::clone(&sink), &memory);
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    sink.flush().get().await.unwrap();
    let requests: Vec<Arrived> = arrived.try_iter().collect();
    assert_eq!((requests.len(), sink.lost_records()), (3, 0));
    assert!(requests.iter().all(|it| it.body == requests[0].body));
}

#[tokio::test]
async fn records_that_a_collector_does_not_take_are_counted() {
    // Rejected in part, as a number and as a text; refused; then taken.
    let rejected = r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}"#;
    let as_number = r#"{"partialSuccess":{"rejectedLogRecords":1}}"#;
    let (address, arrived) = collector(vec![(200, rejected), (200, as_number), (400, "")]);
    let (sink, memory) = (
        Arc::new(builder(address).build().unwrap()),
        MemorySink::new(),
    );
    let layer = layer(Arc::clone(&sink), &memory);
    for lost in [1, 2, 3] {
        send(layer.clone(), service_fn(hello), get("/hello")).await;
        assert!(sink.flush().get().await.is_err());
        assert_eq!(sink.lost_records(), lost);
    }
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    sink.flush().get().await.unwrap();
    assert_eq!((sink.lost_records(), arrived.try_iter().count()), (3, 4));
}

#[tokio::test]
async fn a_collector_that_is_unreachable_loses_counted_records_and_is_used_when_it_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (sink, memory) = (
        Arc::new(builder(address).build().unwrap()),
        MemorySink::new(),
    );
    let layer = layer(Arc::clone(&sink), &memory);
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    assert!(sink.flush().get().await.is_err());
    assert_eq!(sink.lost_records(), 1);
    let listener = TcpListener::bind(address).unwrap();
    let arrived = serve_collector(listener, Vec::new());
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    sink.flush().get().await.unwrap();
    assert_eq!((sink.lost_records(), arrived.try_iter().count()), (1, 1));
}

#[tokio::test]
async fn a_collector_that_does_not_respond_holds_up_no_request_and_the_queue_is_bounded() {
    // It accepts connections and reads nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sink = builder(address).capacity(4).linger(Duration::ZERO);
    let sink = Arc::new(sink.deadline(Duration::from_secs(3600)).build().unwrap());
    let memory = MemorySink::new();
    let layer = layer(Arc::clone(&sink), &memory);
    for _ in 0..20 {
        send(layer.clone(), service_fn(hello), get("/hello")).await;
    }
    // Some are in progress, four wait, and the others are counted.
    assert!(sink.lost_records() >= 10, "{}", sink.lost_records());
    assert_eq!(memory.requests().len(), 20);
}

#[test]
fn endpoints_and_capacities_that_cannot_work_are_refused() {
    for endpoint in [
        "ftp://127.0.0.1/v1/logs",
        "https://user:password@127.0.0.1/v1/logs",
        "/v1/logs",
        "127.0.0.1:4318",
    ] {
        let built = OtlpSink::builder(endpoint.parse().unwrap()).build();
        assert!(built.is_err(), "{endpoint}");
    }
    assert!(
        builder(([127, 0, 0, 1], 1).into())
            .capacity(0)
            .build()
            .is_err()
    );
}

#[test]
fn records_leave_the_machine_in_clear_text_only_if_that_is_allowed() {
    for here in [
        "127.0.0.1",
        "127.8.0.1:4318",
        "[::1]:4318",
        "LocalHost:4318",
    ] {
        let endpoint = format!("http://{here}/v1/logs").parse().unwrap();
        assert!(OtlpSink::builder(endpoint).build().is_ok(), "{here}");
    }
    for elsewhere in [
        "192.0.2.1:4318",
        "[2001:db8::1]",
        "collector.example",
        "localhost.example",
        "127.0.0.1.example",
        "0.0.0.0:4318",
    ] {
        let endpoint = format!("http://{elsewhere}/v1/logs").parse().unwrap();
        let builder = OtlpSink::builder(endpoint);
        let error = builder.clone().build().unwrap_err().to_string();
        assert!(error.contains("dangerously_allow_http"), "{error}");
        assert!(builder.dangerously_allow_http().build().is_ok());
    }
}
