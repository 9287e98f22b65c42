//! The whole stack is in front of the upstream.

use std::fs;

use crate::{
    client::{start, status},
    upstream::{OK, answering, field},
};

#[tokio::test]
async fn without_a_key_nothing_passes_but_what_is_public() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/health")).await;
    for path in ["/", "/tts", "/a/b"] {
        let response = gateway
            .send(&format!("GET {path} HTTP/1.1\r\nHOST\r\n"))
            .await;
        assert_eq!(status(&response), 401, "{path}: {response}");
        assert!(field(&response, "www-authenticate").is_some(), "{response}");
    }
    assert!(!upstream.got_more());
    let response = gateway.send("GET /health HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(upstream.got_more());
}

#[tokio::test]
async fn the_eleventh_request_of_a_key_in_a_minute_is_429() {
    let upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    for _ in 0..10 {
        assert_eq!(status(&gateway.get("/").await), 200);
    }
    let refused = gateway.get("/").await;
    assert_eq!(status(&refused), 429, "{refused}");
    assert!(field(&refused, "retry-after").is_some(), "{refused}");
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    let response = gateway
        .send("GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\nKEY\r\n")
        .await;
    assert_eq!(status(&response), 421, "{response}");
}

#[tokio::test]
async fn every_request_is_in_the_audit_trail_also_a_failed_one() {
    let upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    gateway.get("/spoken").await;
    gateway.send("GET /guess HTTP/1.1\r\nHOST\r\n").await;
    gateway.get("/a/../b").await;
    let key = gateway.key.clone();
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("data/audit/audit.jsonl")).unwrap();
    assert!(trail.contains("ambiguous_path"), "{trail}");
    let requests = trail
        .lines()
        .filter(|line| line.contains("\"status\":"))
        .count();
    assert_eq!(requests, 3, "{trail}");
    assert!(!trail.contains(&key), "{trail}");
}
