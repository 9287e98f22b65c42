//! The trace of a request: whose is continued, what the upstream and the audit record get.

use std::fs;

use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    client::{Running, start_file, status},
    upstream::{OK, Upstream, answering, field, read_request},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n\
    tracestate: vendor=1\r\n";

async fn gateway(upstream: &Upstream, more: &str) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[audit]\nfile = 'audit.jsonl'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n{more}",
        upstream.address
    );
    start_file(tempfile::tempdir().unwrap(), &file).await
}

/// Sends a request with trace headers. Returns what the upstream got, and the audit record.
async fn exchange(more: &str, fields: &str) -> (String, Value) {
    let mut upstream = answering(OK).await;
    let gateway = gateway(&upstream, more).await;
    let response = gateway
        .send(&format!(
            "GET /voice?text=secret HTTP/1.1\r\nHOST{fields}\r\n"
        ))
        .await;
    assert_eq!(status(&response), 200, "{response}");
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let mut records = trail
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let record = records.find(|record: &Value| record["type"] == "request");
    (upstream.request().await, record.unwrap())
}

#[tokio::test]
async fn a_client_does_not_choose_its_trace() {
    let behind = "[client]\nproxies = ['10.0.0.0/8']\nheader = 'x-forwarded-for'\n\
        [trace]\naccept_from_proxies = true\n";
    for more in ["[trace]\n", behind] {
        let (got, record) = exchange(more, SENT).await;
        let trace = record["trace_id"].as_str().unwrap();
        assert_ne!(trace, TRACE);
        let parent = field(&got, "traceparent").unwrap();
        assert!(parent.starts_with(&format!("00-{trace}-")), "{got}");
        assert!(parent.ends_with("-01"), "{got}");
        assert_eq!(field(&got, "tracestate"), None, "{got}");
        assert_eq!(got.matches("traceparent").count(), 1, "{got}");
    }
}

#[tokio::test]
async fn the_trace_of_a_trusted_proxy_reaches_the_upstream_with_a_new_span() {
    let more = "[client]\nproxies = ['127.0.0.1/32']\nheader = 'x-forwarded-for'\n\
        [trace]\naccept_from_proxies = true\n";
    let fields = format!("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n{SENT}");
    let (got, record) = exchange(more, &fields).await;
    assert_eq!(record["trace_id"], TRACE);
    let parent = field(&got, "traceparent").unwrap();
    assert!(parent.starts_with(&format!("00-{TRACE}-")), "{got}");
    assert!(!parent.contains("b7ad6b7169203331"), "{got}");
    assert!(parent.ends_with("-00"), "{got}");
    assert_eq!(field(&got, "tracestate"), Some("vendor=1"), "{got}");
}

#[tokio::test]
async fn without_the_section_nothing_changes() {
    let (got, record) = exchange("", SENT).await;
    assert_eq!(record.get("trace_id"), None);
    assert!(field(&got, "traceparent").unwrap().contains(TRACE), "{got}");
}

#[tokio::test]
async fn a_collector_gets_the_span_of_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let collected = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        request
    });
    let more =
        format!("[trace]\n[[audit.otlp]]\nurl = 'http://{address}/v1/traces'\nsend = 'spans'\n");
    let (_, record) = exchange(&more, SENT).await;
    let request = collected.await.unwrap();
    assert!(request.starts_with("POST /v1/traces "), "{request}");
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap();
    let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], record["trace_id"]);
    assert_eq!(span["name"], "GET /{*path}");
    assert!(
        !request.contains("secret") && !request.contains("voice"),
        "{request}"
    );
}

#[tokio::test]
async fn a_reload_without_traces_is_refused_while_a_collector_gets_spans() {
    let upstream = answering(OK).await;
    let spans = "[[audit.otlp]]\nurl = 'http://127.0.0.1:1/v1/traces'\nsend = 'spans'\n";
    let gateway = gateway(&upstream, &format!("[trace]\n{spans}")).await;
    let path = gateway.folder.path().join("gateway.toml");
    let with_traces = fs::read_to_string(&path).unwrap();
    fs::write(&path, with_traces.replace("[trace]\n", "")).unwrap();
    let problem = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(problem.contains("audit.otlp.url: "), "{problem}");
    assert!(problem.contains("add the section `[trace]`"), "{problem}");
    fs::write(&path, with_traces).unwrap();
    gateway.reloader.reload().await.unwrap();
}
