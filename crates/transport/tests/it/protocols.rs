//! HTTP/1 and HTTP/2, with TLS and without, over one service.

use http::{Request, StatusCode, Version};
use http_body_util::Full;
use palisade_core::{GuardLayer, Layer};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, HeadersLayer, HostLayer, server::Listener,
};
use tokio::io::AsyncWriteExt;

use crate::support::{
    app, bind, client_config, handshake, http2, read_all, read_response, start, start_with, text,
    tls, within,
};

#[tokio::test]
async fn http1_and_http2_are_served_over_tls_by_one_service() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let mut stream = tls
        .connect(running.address, "localhost", &[b"http/1.1"])
        .await
        .unwrap();
    stream
        .write_all(b"GET /peer HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let response = read_response(&mut stream).await;
    assert!(
        response.starts_with("HTTP/1.1 200") && response.ends_with("127.0.0.1 https"),
        "{response}"
    );

    let stream = tls
        .connect(running.address, "localhost", &[b"h2", b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http2(stream).await;
    let request = Request::get("https://localhost/peer")
        .body(Full::default())
        .unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(
        (response.status(), response.version()),
        (StatusCode::OK, Version::HTTP_2)
    );
    assert_eq!(text(response).await, "127.0.0.1 https");
}

#[tokio::test]
async fn the_certificate_holds_for_this_machine_under_each_of_its_names() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(
            tls.connect(running.address, name, &[]).await.is_ok(),
            "{name}"
        );
    }
    assert!(
        tls.connect(running.address, "example.com", &[])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn old_and_new_tls_are_spoken_and_new_alone_where_it_is_said() {
    let tls = tls();
    let both = start(bind().tls(tls.certificates.clone()));
    let new = start(bind().tls(tls.certificates.clone()).tls13_only());
    for (server, version, expected) in [
        (&both, &rustls::version::TLS12, true),
        (&both, &rustls::version::TLS13, true),
        (&new, &rustls::version::TLS12, false),
        (&new, &rustls::version::TLS13, true),
    ] {
        let config = client_config(tls.roots(), &[version], &[]);
        let shaken = handshake(config, server.address, "localhost").await;
        assert_eq!(shaken.is_ok(), expected, "{version:?}");
    }
}

#[tokio::test]
async fn http2_in_clear_is_spoken_only_where_it_is_said() {
    let running = start(bind().http2_in_clear());
    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://localhost/peer")
        .body(Full::default())
        .unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(text(response).await, "127.0.0.1 http");
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
    let response = running.talk(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    assert!(!response.contains("200"), "{response}");

    let running = start(bind());
    let response = running.talk(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!response.contains("200"), "{response}");
}

#[tokio::test]
async fn a_kept_connection_serves_one_request_after_the_other() {
    let running = start(bind());
    let mut socket = running.connect().await;
    for _ in 0..3 {
        socket
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        assert!(read_response(&mut socket).await.ends_with("hello"));
    }
    assert_eq!((running.stats.accepted(), running.stats.open()), (1, 1));
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error() {
    let first = bind().build().unwrap();
    let error = Listener::bind(first.local_addr()).unwrap_err().to_string();
    assert!(error.contains(&first.local_addr().to_string()), "{error}");
    assert!(error.contains("another program listens there"), "{error}");
    let foreign = Listener::bind("192.0.2.1:0".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        foreign.contains("this machine does not have that address"),
        "{foreign}"
    );
}

/// The hosts of RFC 9112, 3.2, on the wire.
#[tokio::test]
async fn requests_without_one_clear_host_are_turned_away_on_the_wire() {
    let hosts = HostLayer::new(AllowedHosts::parse(["a.example"]).unwrap());
    let guards = (HeadersLayer::api(), ClientInfoLayer::direct(), hosts);
    let service = GuardLayer(guards).layer(app(Default::default()));
    let running = start_with(bind(), service);
    for (target, lines, status) in [
        ("/", "host: a.example\r\n", "200"),
        ("http://a.example/", "host: a.example\r\n", "200"),
        ("/", "", "400"),
        ("/", "host:\r\n", "400"),
        ("/", "host: a.example\r\nhost: a.example\r\n", "400"),
        ("/", "host: a@evil.example\r\n", "400"),
        ("http://evil.example/", "host: a.example\r\n", "400"),
        ("/", "host: evil.example\r\n", "421"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n{lines}connection: close\r\n\r\n");
        let response = running.talk(request.as_bytes()).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{target} {lines}: {response}"
        );
        assert!(
            response.contains("x-content-type-options: nosniff"),
            "{response}"
        );
    }
}

#[tokio::test]
async fn on_http2_authority_and_host_must_agree() {
    let hosts = HostLayer::new(AllowedHosts::parse(["a.example"]).unwrap());
    let guards = (ClientInfoLayer::direct(), hosts);
    let service = GuardLayer(guards).layer(app(Default::default()));
    let running = start_with(bind().http2_in_clear(), service);
    let mut sender = http2(running.connect().await).await;
    for (host, status) in [("a.example", 200), ("evil.example", 400)] {
        let request = Request::get("http://a.example/").header("host", host);
        let request = request.body(Full::default()).unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_by_the_client_leaves_nothing() {
    let running = start(bind());
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    read_response(&mut socket).await;
    socket.shutdown().await.unwrap();
    read_all(&mut socket).await;
    crate::support::eventually("the place is free", || running.stats.open() == 0).await;
}
