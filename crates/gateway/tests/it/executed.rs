//! Requests that a server has read and that end in a refusal: they are recorded and charged as any other that ran.

use std::fs;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    budgets::charged,
    client::{Running, start_file, status},
    upstream::answering_by,
};

async fn gateway(audit: &str, more: &str) -> Running {
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[audit]\nfile = 'audit.jsonl'\n{audit}\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n{more}"
    );
    start_file(tempfile::tempdir().unwrap(), &file).await
}

/// Refusals before the handler are counted together; these may have had an effect.
#[tokio::test]
async fn each_request_that_a_server_has_read_has_a_record_with_its_route() {
    for policy in ["drop-and-count", "fail-closed"] {
        // It reads each request, and closes without a response.
        let mut upstream = answering_by(|_, _| String::new()).await;
        let url = format!("[[upstreams]]\nurl = 'http://{}'\n", upstream.address);
        let gateway = gateway(&format!("policy = '{policy}'"), &url).await;
        for path in ["/orders", "/orders", "/payments"] {
            let request = format!("POST {path} HTTP/1.1\r\nHOSTContent-Length: 2\r\n\r\n{{}}");
            assert_eq!(status(&gateway.send(&request).await), 502);
            let got = upstream.request().await;
            assert!(got.starts_with(&format!("POST {path} ")), "{got}");
        }
        let folder = gateway.stop().await;
        let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        let records = trail
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let begun: Vec<Value> = records
            .filter(|record: &Value| record["type"] == "request" || record["type"] == "head")
            .collect();
        assert_eq!(begun.len(), 3, "{policy}: {trail}");
        assert!(
            begun.iter().all(|record| record["route"] == "/{*path}"),
            "{policy}: {trail}"
        );
        assert_eq!(
            trail.matches("\"upstream_failed\"").count() % 3,
            0,
            "{trail}"
        );
        assert!(!trail.contains("\"folded\""), "{policy}: {trail}");
    }
}

/// Without a connection nothing had an effect: a flood is one record and a count.
#[tokio::test]
async fn requests_without_a_connection_are_counted_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "[[upstreams]]\nurl = 'http://{}'\n",
        listener.local_addr().unwrap()
    );
    drop(listener);
    let gateway = gateway("", &url).await;
    for _ in 0..3 {
        assert_eq!(
            status(&gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await),
            502
        );
    }
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert_eq!(trail.matches("\"type\":\"request\"").count(), 1, "{trail}");
    assert!(trail.contains("\"count\":2"), "{trail}");
}

/// The first server may have made all of the sound before its connection broke.
#[tokio::test]
async fn a_request_is_charged_if_any_server_has_read_it() {
    let mut reads = answering_by(|_, _| String::new()).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let more = format!(
        "[[upstreams]]\nretries = 1\n[[upstreams.servers]]\nurl = 'http://{}'\nweight = 100\n\
         [[upstreams.servers]]\nurl = 'http://{address}'\n\
         [[budgets]]\nname = 'characters'\nunit = 'characters'\namount = 20\nwindow = 'month'\n[[speech]]\npath = '/tts'\n\
         [metering]\nfree_paths = ['/free']\n",
        reads.address
    );
    let gateway = gateway("", &more).await;
    // A fifth of the requests may be sent again.
    for _ in 0..4 {
        gateway.send("GET /free HTTP/1.1\r\nHOST\r\n").await;
        assert!(reads.request().await.starts_with("GET /free "));
    }
    let response = gateway
        .send("GET /tts?text=hello HTTP/1.1\r\nHOST\r\n")
        .await;
    assert!(response.contains("upstream_unreachable"), "{response}");
    assert!(reads.request().await.starts_with("GET /tts?"));
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "characters"), 5);
}
