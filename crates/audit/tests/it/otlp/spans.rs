//! Requests that arrive at a collector as spans.

use std::sync::Arc;

use palisade_audit::{AuditEvent, LossPolicy, MemorySink, OtlpSink, Sink as _, event_id};
use palisade_core::{GuardLayer, ManualClock, SecurityContext, TraceLayer, Verdict};
use serde_json::{Value, json};
use tower::service_fn;

use super::{Arrived, attribute, collector, layer};
use crate::support::{Does, NOW, get, hello, known, send};

/// The spans of a request.
fn spans(arrived: &Arrived) -> &Vec<Value> {
    let scope = &arrived.body["resourceSpans"][0]["scopeSpans"][0];
    assert_eq!(scope["scope"]["name"], "palisade-audit");
    scope["spans"].as_array().unwrap()
}

#[tokio::test]
async fn a_collector_gets_one_span_for_each_request_without_text_of_the_client() {
    let (address, arrived) = collector(Vec::new());
    let endpoint = format!("http://{address}/v1/traces").parse().unwrap();
    let sink = OtlpSink::builder(endpoint)
        .clock(ManualClock::new(NOW).shared())
        .send_spans();
    let (sink, memory) = (Arc::new(sink.build().unwrap()), MemorySink::new());
    let layer = layer(Arc::clone(&sink), &memory);
    let knows = Does(|cx: &SecurityContext, _: &mut http::request::Parts| {
        known(cx);
        Verdict::Admit(())
    });
    let stack = GuardLayer((TraceLayer::new(), layer.clone(), knows));
    let mut request = get("/hello?text=secret");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = request.headers_mut();
    headers.insert("traceparent", parent.parse().unwrap());
    *request.method_mut() = http::Method::from_bytes(b"SECRET").unwrap();
    send(stack, service_fn(hello), request).await;
    // Neither has a span: there is no trace, and this is no request.
    send(layer.clone(), service_fn(hello), get("/hello")).await;
    layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("file", "a"));
    sink.flush().get().await.unwrap();
    assert_eq!(sink.lost_records(), 0);

    let request = arrived.recv().unwrap();
    assert!(request.head.starts_with("POST /v1/traces HTTP/1.1\r\n"));
    let [span] = &spans(&request)[..] else {
        panic!("{:?}", request.body);
    };
    let record: Value = serde_json::from_str(&memory.lines()[0]).unwrap();
    assert_eq!(span["traceId"], record["trace_id"]);
    assert_eq!(
        span["traceId"], record["id"],
        "a new trace has the number of the request"
    );
    assert_eq!(span["name"], "_OTHER");
    assert_eq!(
        attribute(span, "user.id")["stringValue"],
        record["principal"]["id"]
    );
    assert_eq!(
        attribute(span, "palisade.outcome")["stringValue"],
        "complete"
    );
    assert_eq!(
        attribute(span, "http.response.status_code")["intValue"],
        "200"
    );
    assert_eq!(span["startTimeUnixNano"], NOW.as_nanos().to_string());
    let link = json!({ "traceId": &parent[3..35], "spanId": &parent[36..52] });
    assert_eq!(span["links"], json!([link]));
    assert_eq!(span.get("status"), None);
    let text = request.body.to_string();
    assert!(!text.to_lowercase().contains("secret"), "{text}");
    assert!(arrived.try_recv().is_err(), "one request was sent");
}

#[test]
fn no_response_waits_for_a_span() {
    let sink = OtlpSink::builder("http://127.0.0.1:4318/v1/traces".parse().unwrap());
    let error = sink
        .send_spans()
        .policy(LossPolicy::Block)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("DropAndCount"), "{error}");
}
