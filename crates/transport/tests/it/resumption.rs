//! TLS sessions that are resumed.

use std::sync::Arc;

use rustls::{ClientConfig, HandshakeKind};
use tokio::io::AsyncWriteExt;

use crate::support::{Running, Tls, bind, client_config, handshake, read_all, start, tls};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn visit(running: &Running, config: &Arc<ClientConfig>) -> HandshakeKind {
    let config = ClientConfig::clone(config);
    let mut stream = handshake(config, running.address, "localhost")
        .await
        .unwrap();
    stream.write_all(GET).await.unwrap();
    // The tickets of TLS 1.3 come with the response.
    assert!(read_all(&mut stream).await.ends_with("hello"));
    stream.get_ref().1.handshake_kind().unwrap()
}

fn client(tls: &Tls, version: &'static rustls::SupportedProtocolVersion) -> Arc<ClientConfig> {
    Arc::new(client_config(tls.roots(), &[version], &[]))
}

/// More than a table of sessions would hold.
#[tokio::test]
async fn a_client_resumes_after_hundreds_of_others() {
    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let first = client(&tls, version);
        assert_eq!(visit(&running, &first).await, HandshakeKind::Full);
        for _ in 0..300 {
            visit(&running, &client(&tls, version)).await;
        }
        assert_eq!(visit(&running, &first).await, HandshakeKind::Resumed);
    }
}

/// Keys of tickets are random and live in one process: a ticket of another server opens nothing.
#[tokio::test]
async fn a_ticket_of_another_server_is_ignored() {
    let tls = tls();
    let client = client(&tls, &rustls::version::TLS13);
    let one = start(bind().tls(tls.certificates.clone()));
    assert_eq!(visit(&one, &client).await, HandshakeKind::Full);
    let other = start(bind().tls(tls.certificates.clone()));
    assert_eq!(visit(&other, &client).await, HandshakeKind::Full);
}
