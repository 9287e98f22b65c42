//! Requests that must not reach an upstream, and upstreams that fail.

use tokio::net::TcpListener;

use crate::{
    client::{start, start_file, status},
    upstream::{OK, answering},
};

#[tokio::test]
async fn a_path_with_two_readings_never_reaches_the_upstream() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open/{*path}")).await;
    for path in [
        "/open/../secret",
        "/open/%2e%2e/secret",
        "/open//secret",
        "/open/a%2fb",
        "/open/..;/secret",
        "/open/%73ecret",
        "/open/%c0%ae%c0%ae/secret",
        "/open/..%e0%80%afsecret",
    ] {
        let response = gateway
            .send(&format!("GET {path} HTTP/1.1\r\nHOST\r\n"))
            .await;
        assert_eq!(status(&response), 400, "{path}: {response}");
        assert!(
            response.contains("\"code\":\"ambiguous_path\""),
            "{path}: {response}"
        );
    }
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn a_request_with_two_lengths_never_reaches_the_upstream() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\nabc",
        "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "Content-Length: +5\r\n\r\nabcde",
    ] {
        let response = gateway
            .send(&format!("POST /open HTTP/1.1\r\nHOST{framing}"))
            .await;
        assert_eq!(status(&response), 400, "{framing}: {response}");
    }
    assert!(!upstream.got_more());
}

/// A proxy in front may have read it by its length, and the gateway would read it by its chunks.
#[tokio::test]
async fn a_request_with_length_and_chunks_is_400_and_the_connection_closes() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let request = format!(
            "POST /open HTTP/1.1\r\nHOST{lengths}\r\n\r\n0\r\n\r\nGET /open HTTP/1.1\r\nHOST\r\n"
        );
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), 400, "{response}");
        assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
        assert!(!upstream.got_more());
    }
}

/// The stack has read the body by its type; the upstream would not see the type.
#[tokio::test]
async fn connection_cannot_take_the_type_of_a_body_from_the_upstream() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    let request = "POST /open HTTP/1.1\r\nHOSTConnection: Content-Type\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let response = gateway.send(request).await;
    assert_eq!(status(&response), 400, "{response}");
    assert!(
        response.contains("\"code\":\"connection_options\""),
        "{response}"
    );
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_502() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let gateway = start(address, |start| start).await;
    let response = gateway.get("/").await;
    assert_eq!(status(&response), 502, "{response}");
    assert!(
        response.contains("\"code\":\"upstream_unreachable\""),
        "{response}"
    );
    assert!(
        !response.contains(&address.port().to_string()),
        "{response}"
    );
}

#[tokio::test]
async fn an_upstream_that_speaks_no_http_or_switches_protocols_is_502() {
    for response in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "",
    ] {
        let upstream = answering(response).await;
        let gateway = start(upstream.address, |start| start).await;
        let got = gateway.get("/").await;
        assert_eq!(status(&got), 502, "{response}: {got}");
        assert!(got.contains("\"code\":\"upstream_failed\""), "{got}");
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_respond_in_time_is_504() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\nresponse_timeout_seconds = 1\n",
        silent.local_addr().unwrap()
    );
    let gateway = start_file(folder, &file).await;
    let response = gateway.send("GET /slow HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 504, "{response}");
    assert!(
        response.contains("\"code\":\"upstream_timeout\""),
        "{response}"
    );
}

/// Each of these has a second reading, in which it is two requests, or one for another host.
#[tokio::test]
async fn shapes_of_smuggling_never_reach_the_upstream() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    let port = gateway.address.port();
    for (what, request, expected) in [
        (
            "chunks in HTTP/1.0",
            "POST /open HTTP/1.0\r\nHOSTTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        (
            "a blank before the colon",
            "POST /open HTTP/1.1\r\nHOSTTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        (
            "a folded field",
            "POST /open HTTP/1.1\r\nHOSTX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            400,
        ),
        (
            "an unknown coding",
            "POST /open HTTP/1.1\r\nHOSTTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        (
            "chunked twice",
            "POST /open HTTP/1.1\r\nHOSTTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
                .to_owned(),
            400,
        ),
        (
            "a list of lengths",
            "POST /open HTTP/1.1\r\nHOSTContent-Length: 5, 6\r\n\r\nabcdef".to_owned(),
            400,
        ),
        (
            "a length with a sign",
            "POST /open HTTP/1.1\r\nHOSTContent-Length: -1\r\n\r\n".to_owned(),
            400,
        ),
        (
            "two hosts",
            "GET /open HTTP/1.1\r\nHOSTHost: other.example\r\n\r\n".to_owned(),
            400,
        ),
        (
            "another host in the target",
            format!(
                "GET https://other.example/open HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
            ),
            400,
        ),
        (
            "another host in the field",
            format!(
                "GET https://localhost:{port}/open HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"
            ),
            400,
        ),
        (
            "no host",
            "GET /open HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), expected, "{what}: {response}");
        assert!(!upstream.got_more(), "{what}");
    }
}

#[tokio::test]
async fn connect_and_trace_are_refused_and_what_follows_is_not_passed_on() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    let port = gateway.address.port();
    for request in [
        format!(
            "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ),
        format!(
            "CONNECT {} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n\x16\x03\x01",
            upstream.address
        ),
        "TRACE /open HTTP/1.1\r\nHOSTKEY\r\n".to_owned(),
    ] {
        let response = gateway.send(&request).await;
        let status = status(&response);
        assert!((400..500).contains(&status), "{request}: {response}");
        assert!(!upstream.got_more(), "{request}");
    }
}

/// The body of a refused request must not become a request.
#[tokio::test]
async fn the_body_of_a_refused_request_is_no_request() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    let smuggled = "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for path in ["/needs-a-key", "/open/../x"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHOSTContent-Length: {}\r\n\r\n",
            smuggled.len()
        );
        let response = gateway.send(&format!("{head}{smuggled}")).await;
        assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
    }
    assert!(!upstream.got_more());
}
