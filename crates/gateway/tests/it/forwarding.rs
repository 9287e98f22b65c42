//! What the upstream gets, and what the client gets back.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    client::{start, status},
    upstream::{OK, answering, field, read_request},
};

#[tokio::test]
async fn the_upstream_gets_the_decided_client_and_no_credential() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    let response = gateway
        .send(
            "GET /a/b?q=1&q=%E4%BD%A0 HTTP/1.1\r\nHOSTKEYAccept: x/y\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\
             X_Forwarded_For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Prefix: /x\r\nX-Request-Id: mine\r\nTE: trailers\r\n\
             Upgrade: websocket\r\nKeep-Alive: 5\r\n\r\n",
        )
        .await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(response.ends_with("\r\n\r\nok"), "{response}");
    let request = upstream.request().await;
    assert!(
        request.starts_with("GET /a/b?q=1&q=%E4%BD%A0 HTTP/1.1\r\n"),
        "{request}"
    );
    let port = gateway.address.port();
    for (name, value) in [
        ("host", Some(upstream.address.to_string())),
        ("x-forwarded-for", Some("127.0.0.1".into())),
        ("x-forwarded-proto", Some("https".into())),
        ("x-forwarded-host", Some(format!("localhost:{port}"))),
        (
            "forwarded",
            Some(format!(
                "for=127.0.0.1;proto=https;host=\"localhost:{port}\""
            )),
        ),
        ("accept", Some("x/y".into())),
        ("x-api-key", None),
        ("x-real-ip", None),
        ("x-forwarded-prefix", None),
        ("te", None),
        ("upgrade", None),
        ("keep-alive", None),
        ("x_forwarded_for", None),
    ] {
        assert_eq!(
            field(&request, name).map(str::to_owned),
            value,
            "{name}: {request}"
        );
    }
    assert!(
        !request.contains("6.6.6.6") && !request.contains(&gateway.key),
        "{request}"
    );
    let id = field(&request, "x-request-id").unwrap();
    assert_ne!(id, "mine");
    assert_eq!(field(&response, "x-request-id"), Some(id));
}

#[tokio::test]
async fn a_credential_that_no_one_reads_stays_here_too() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.public("/open")).await;
    let response = gateway
        .send("GET /open HTTP/1.1\r\nHOSTCookie: a=b\r\nProxy-Authorization: Basic YTpi\r\n\r\n")
        .await;
    assert_eq!(status(&response), 200, "{response}");
    let request = upstream.request().await;
    assert_eq!(field(&request, "cookie"), Some("a=b"));
    assert_eq!(field(&request, "proxy-authorization"), None);
}

#[tokio::test]
async fn the_length_of_a_cleaned_body_is_written_anew() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start.text_field("text")).await;
    let body = "{\"text\":\"a\\u0007b\\u202ec\"}";
    let head = "POST /tts HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(status(&gateway.send(&request).await), 200);
    let got = upstream.request().await;
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"text\":\"abc\"}");
    assert_eq!(field(head, "content-length"), Some("14"));
    // A request without the field passes: other paths have no text.
    assert_eq!(status(&gateway.get("/voices").await), 200);
}

#[tokio::test]
async fn a_chunked_body_goes_up_as_one_request() {
    let mut upstream = answering(OK).await;
    let gateway = start(upstream.address, |start| start).await;
    let request = "POST /a HTTP/1.1\r\nHOSTKEYTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(status(&gateway.send(request).await), 200);
    let got = upstream.request().await;
    assert_eq!(field(&got, "transfer-encoding"), Some("chunked"));
    assert_eq!(field(&got, "content-length"), None);
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn names_of_the_software_behind_it_are_removed() {
    let upstream = answering(
        "HTTP/1.1 201 Created\r\nServer: Werkzeug/3 Python/3.11\r\nX-Powered-By: Flask\r\nAlt-Svc: h3=\":5001\"\r\nConnection: close, x-inner\r\n\
         X-Inner: 1\r\nX-Kept: 1\r\nContent-Length: 1\r\n\r\nx",
    )
    .await;
    let gateway = start(upstream.address, |start| start).await;
    let response = gateway.get("/").await;
    assert_eq!(status(&response), 201, "{response}");
    for name in ["server", "x-powered-by", "alt-svc", "x-inner"] {
        assert_eq!(field(&response, name), None, "{response}");
    }
    assert_eq!(field(&response, "x-kept"), Some("1"));
    assert_eq!(field(&response, "x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_stream_arrives_while_it_is_made_and_ends_when_the_client_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = start(listener.local_addr().unwrap(), |start| start).await;
    let mut client = gateway.connect().await;
    let request = gateway.fill("GET /events HTTP/1.1\r\nHOSTKEY\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_request(&mut upstream).await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n";
    upstream
        .write_all(format!("{head}5\r\nfirst\r\n").as_bytes())
        .await
        .unwrap();
    let mut got = String::new();
    while !got.contains("first") {
        let mut bytes = [0; 1024];
        let read = client.read(&mut bytes).await.unwrap();
        got.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert_eq!(field(&got, "content-length"), None, "{got}");
    drop(client);
    // The gateway closes its connection to the upstream: this read ends.
    assert!(matches!(upstream.read(&mut [0; 16]).await, Ok(0) | Err(_)));
}
