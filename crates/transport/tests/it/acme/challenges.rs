//! Responses to challenges on the wire, as another process of the same cache publishes them.

use std::fs;

use palisade_transport::server::{ClientAuth, ServerBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// An `Acme` that never orders here: its authority is not there, and the clock waits.
pub(super) fn acme(cache: &Path) -> Acme {
    let authority = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    Acme::builder([NAME], cache)
        .accept_terms()
        .directory(format!("https://127.0.0.1:{}/dir", pebble::free_port()))
        .root(authority.cert.pem())
        .without_self_check()
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_challenge_gets_its_response_for_any_host_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let http = serve_http(bind(), &acme(folder.path()));
    fs::write(
        folder
            .path()
            .join("challenges/http-evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"),
        "token.thumb",
    )
    .unwrap();
    for (request, status, body) in [
        (
            "GET /.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ",
            "200",
            "token.thumb",
        ),
        (
            "HEAD /.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ",
            "200",
            "",
        ),
        (
            "GET /.well-known/acme-challenge/another-token-of-the-same-form",
            "404",
            "",
        ),
        ("GET /.well-known/acme-challenge/..%2fother", "404", ""),
        ("GET /.well-known/acme-challenge/token", "404", ""),
        ("GET /", "200", "hello"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nhost: 10.0.0.5\r\nconnection: close\r\n\r\n");
        let response = http.talk(request.as_bytes()).await;
        let (head, sent) = response.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {head}"
        );
        assert_eq!(sent, body, "{request}");
    }
}

#[tokio::test]
async fn nothing_follows_the_handshake_of_a_challenge() {
    check_challenge(|server| server).await;
}

/// An authority has no certificate of ours.
#[tokio::test]
async fn a_challenge_needs_no_certificate_where_clients_do() {
    check_challenge(|server| {
        let clients = rcgen::generate_simple_self_signed(["clients".to_owned()]).unwrap();
        let clients = ClientAuth::pem_builder(clients.cert.pem().as_bytes());
        server.client_auth(clients.open().unwrap())
    })
    .await;
}

async fn check_challenge(change: impl FnOnce(ServerBuilder) -> ServerBuilder) {
    let folder = tempfile::tempdir().unwrap();
    let acme = acme(folder.path());
    let certificates = acme.challenge_certificates().unwrap();
    let running = start(change(bind().tls(certificates)));
    let digest = "07".repeat(32);
    fs::write(folder.path().join(format!("challenges/tls-{NAME}")), digest).unwrap();
    let mut stream = client::connect_to_any(running.address, NAME, &[b"acme-tls/1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    // The server may have closed already.
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    assert_eq!(received, b"");
    // Another name, and another protocol beside it: no challenge, so no certificate.
    assert!(
        client::connect_to_any(running.address, "other.example", &[b"acme-tls/1"])
            .await
            .is_err()
    );
    let both: &[&[u8]] = &[b"acme-tls/1", b"http/1.1"];
    assert!(
        client::connect_to_any(running.address, NAME, both)
            .await
            .is_err()
    );
}
