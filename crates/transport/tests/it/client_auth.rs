//! Client authentication: who a client is, and for how long.

use std::time::Duration;

use http_body_util::Full;
use palisade_transport::server::{ClientAuth, ConnectionEventKind, Limits, ServerBuildError};
use rcgen::{ExtendedKeyUsagePurpose, SanType};
use rustls::HandshakeKind;
use tokio::io::AsyncWriteExt;

use crate::{
    certificates::now,
    clients::{MapEach, app, authority, config, is_served, start, visit},
    support::{
        RecordedEvents, bind, eventually, handshake, http2, read_all, read_response, start_with,
        text, tls, within,
    },
};

#[tokio::test]
async fn each_request_has_the_identity_of_its_connection() {
    let (tls, clients) = (tls(), authority("clients"));
    let auth = ClientAuth::pem_builder(clients.pem.as_bytes())
        .open()
        .unwrap();
    let running = start(&tls, auth, &RecordedEvents::default());
    let client = clients.client_with(7, |params| {
        params.subject_alt_names = vec![
            SanType::DnsName("Billing.example".try_into().unwrap()),
            SanType::URI("spiffe://example.org/billing".try_into().unwrap()),
        ];
    });
    let digest = sha256(&client.chain[0]);
    let expected = format!("CN=billing billing.example spiffe://example.org/billing {digest}");

    for version in rustls::ALL_VERSIONS {
        let config = config(&tls, Some(&client), &[version]);
        let mut stream = handshake(config, running.address, "localhost")
            .await
            .unwrap();
        for _ in 0..2 {
            let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let response = read_response(&mut stream).await;
            assert!(response.ends_with(&expected), "{response}");
        }
    }
    let mut config = config(&tls, Some(&client), rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut sender = http2(
        handshake(config, running.address, "localhost")
            .await
            .unwrap(),
    )
    .await;
    for _ in 0..2 {
        let request = http::Request::get("https://localhost/")
            .body(Full::default())
            .unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(text(response).await, expected);
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    palisade_internal::hex::encode(digest.as_ref())
}

#[tokio::test]
async fn a_client_that_no_authority_vouches_for_gets_no_response() {
    let (tls, clients, others) = (tls(), authority("clients"), authority("clients"));
    let auth = ClientAuth::pem_builder(clients.pem.as_bytes());
    let events = RecordedEvents::default();
    let required = start(&tls, auth.clone().open().unwrap(), &events);
    let optional = start(&tls, auth.optional().open().unwrap(), &events);
    let good = clients.client(1);
    let expired = clients.client_with(2, |params| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let of_a_server = clients.client_with(3, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let of_another = others.client(1);
    for running in [&required, &optional] {
        assert!(is_served(&tls, running, Some(&good)).await);
        for (why, client) in [
            ("expired", &expired),
            ("of a server", &of_a_server),
            ("of another authority", &of_another),
        ] {
            assert!(!is_served(&tls, running, Some(client)).await, "{why}");
        }
    }
    assert!(is_served(&tls, &optional, None).await);
    assert_eq!(
        required
            .stats
            .count(ConnectionEventKind::ClientCertificateRefused),
        6
    );
    assert!(!is_served(&tls, &required, None).await);
    assert_eq!(
        required
            .stats
            .count(ConnectionEventKind::ClientCertificateRefused),
        8
    );
    events
        .wait_for(ConnectionEventKind::ClientCertificateRefused)
        .await;
    let (response, _) = visit(&optional, &config(&tls, None, rustls::ALL_VERSIONS)).await;
    assert!(response.ends_with("none"), "{response}");
}

#[tokio::test]
async fn a_resumed_session_keeps_its_identity() {
    let (tls, clients) = (tls(), authority("clients"));
    let auth = ClientAuth::pem_builder(clients.pem.as_bytes()).optional();
    let running = start(&tls, auth.open().unwrap(), &RecordedEvents::default());
    for version in rustls::ALL_VERSIONS {
        for client in [Some(clients.client(1)), None] {
            let config = config(&tls, client.as_ref(), &[version]);
            let (first, kind) = visit(&running, &config).await;
            assert_eq!(kind, Some(HandshakeKind::Full));
            let (second, kind) = visit(&running, &config).await;
            assert_eq!(kind, Some(HandshakeKind::Resumed));
            let shown = |response: &str| response.rsplit('\n').next().unwrap().to_owned();
            assert_eq!(shown(&first), shown(&second));
            assert_eq!(shown(&first) == "none", client.is_none());
        }
    }
}

/// A ticket is valid for twelve hours, and the certificate may end earlier.
#[tokio::test]
async fn a_session_is_not_resumed_after_the_certificate_has_expired() {
    let (tls, clients, clock) = (tls(), authority("clients"), now());
    let auth = ClientAuth::pem_builder(clients.pem.as_bytes()).clock(clock.shared());
    let running = start(&tls, auth.open().unwrap(), &RecordedEvents::default());
    let client = clients.client_with(1, |params| {
        params.not_after = time::OffsetDateTime::now_utc() + Duration::from_secs(3600);
    });
    let configs = rustls::ALL_VERSIONS.map_each(|version| config(&tls, Some(&client), &[version]));
    for config in &configs {
        assert!(!visit(&running, config).await.0.is_empty());
        let (response, kind) = visit(&running, config).await;
        assert!(!response.is_empty() && kind == Some(HandshakeKind::Resumed));
    }
    clock.advance(Duration::from_secs(2 * 3600));
    for config in &configs {
        assert_eq!(visit(&running, config).await.0, "");
    }
    assert_eq!(
        running
            .stats
            .count(ConnectionEventKind::ClientCertificateRefused),
        2
    );
}

/// The certificate was checked in the handshake, and requests come for as long as the connection stays.
#[tokio::test]
async fn a_connection_closes_when_the_certificate_of_its_client_ends() {
    let (tls, clients, clock) = (tls(), authority("clients"), now());
    let auth = ClientAuth::pem_builder(clients.pem.as_bytes()).clock(clock.shared());
    let server = bind()
        .tls(tls.certificates.clone())
        .client_auth(auth.open().unwrap())
        .limits(Limits::default().header_timeout(Duration::from_millis(200)));
    let running = start_with(server, app());
    let client = clients.client_with(1, |params| {
        params.not_after = time::OffsetDateTime::now_utc() + Duration::from_secs(3600);
    });
    let connect = async |alpn: &[u8]| {
        let mut config = config(&tls, Some(&client), rustls::ALL_VERSIONS);
        config.alpn_protocols = vec![alpn.to_vec()];
        let stream = handshake(config, running.address, "localhost").await;
        stream.unwrap()
    };
    let mut http1 = connect(b"http/1.1").await;
    let mut http2 = http2(connect(b"h2").await).await;
    // An hour is left.
    for ahead in [0, 3000] {
        clock.advance(Duration::from_secs(ahead));
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        http1.write_all(request).await.unwrap();
        let response = read_response(&mut http1).await;
        assert!(response.contains("CN=billing"), "{response}");
        let request = http::Request::get("https://localhost/");
        let request = request.body(Full::default()).unwrap();
        let response = within(http2.send_request(request)).await.unwrap();
        assert!(text(response).await.contains("CN=billing"));
    }
    clock.advance(Duration::from_secs(1000));
    assert_eq!(read_all(&mut http1).await, "");
    eventually("HTTP/2 is closed", || http2.is_closed()).await;
}

#[test]
fn client_authentication_without_tls_is_refused_at_start() {
    let auth = ClientAuth::pem_builder(authority("clients").pem.as_bytes());
    let error = bind()
        .client_auth(auth.open().unwrap())
        .build()
        .unwrap_err();
    assert!(
        matches!(error, ServerBuildError::ClientAuthWithoutTls),
        "{error}"
    );
}
