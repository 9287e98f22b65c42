//! Records that are sent over TLS, to syslog and to a collector.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
};

use palisade_audit::{
    AuditBuildError, AuditEvent, AuditLayer, OtlpSink, Sink, SyslogAddress, SyslogSink, event_id,
};
use palisade_core::Secret;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs,
    pki_types::PrivateKeyDer, server::WebPkiClientVerifier,
};

/// An authority that exists for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { certificate, key }
    }

    fn server(&self, name: &str, demands_clients: bool) -> Arc<ServerConfig> {
        let issued = self.issue(name);
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match demands_clients {
            true => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap(),
            ),
            false => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
        let chain = vec![issued.certificate.der().clone()];
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }
}

/// What a server read of one connection, or why there was none.
type Read_ = Result<String, String>;

/// Accepts connections, and reads each until `is_whole`.
fn serve(
    config: Arc<ServerConfig>,
    is_whole: fn(&str) -> bool,
    response: &'static str,
) -> (SocketAddr, Receiver<Read_>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (arrives, arrived) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let read = read_until(&mut stream, is_whole);
            if read.is_ok() {
                let _ = stream.write_all(response.as_bytes());
            }
            if arrives.send(read).is_err() {
                return;
            }
        }
    });
    (address, arrived)
}

fn read_until(
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
    is_whole: fn(&str) -> bool,
) -> Read_ {
    let mut text = String::new();
    while !is_whole(&text) {
        let mut more = [0; 4096];
        match stream.read(&mut more) {
            Ok(length @ 1..) => text.push_str(&String::from_utf8_lossy(&more[..length])),
            Ok(0) => return Err("nothing".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(text)
}

fn is_frame(text: &str) -> bool {
    let frame = text.split_once(' ');
    frame.is_some_and(|(length, rest)| rest.len() >= length.parse::<usize>().unwrap())
}

fn is_request(text: &str) -> bool {
    let parts = text.split_once("\r\n\r\n");
    parts.is_some_and(|(head, body)| {
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap())
    })
}

async fn record(sink: &Arc<impl Sink>) -> Result<(), palisade_audit::SinkUnavailable> {
    let layer = AuditLayer::builder()
        .sink(Arc::clone(sink))
        .build()
        .unwrap();
    layer.record(AuditEvent::new(event_id::SERVICE_STARTED));
    sink.flush().get().await
}

#[tokio::test]
async fn syslog_over_tls_has_frames_and_shows_a_certificate_if_it_is_asked_for() {
    let authority = Authority::new();
    let (address, arrived) = serve(authority.server("127.0.0.1", true), is_frame, "");
    let at = SyslogAddress::Tls {
        host: "127.0.0.1".into(),
        port: address.port(),
    };
    let client = authority.issue("client.example");
    let key = Secret::new(client.key.serialize_pem());
    let sink = SyslogSink::builder(at)
        .trust_anchors(authority.0.pem())
        .client_certificate(client.certificate.pem(), key)
        .build();
    let sink = Arc::new(sink.unwrap());
    record(&sink).await.unwrap();
    let text = arrived.recv().unwrap().unwrap();
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len());
    assert!(message.starts_with("<110>1 "), "{message}");
    assert!(message.ends_with('}') && message.contains("service.started"));
    assert_eq!(sink.lost_records(), 0);
}

#[tokio::test]
async fn a_server_of_another_name_or_authority_gets_no_record() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for config in [
        ours.server("other.example", false),
        foreign.server("127.0.0.1", false),
    ] {
        let (address, arrived) = serve(Arc::clone(&config), is_frame, "");
        let at = SyslogAddress::Tls {
            host: "127.0.0.1".into(),
            port: address.port(),
        };
        let sink = SyslogSink::builder(at).trust_anchors(ours.0.pem());
        let sink = Arc::new(sink.build().unwrap());
        record(&sink).await.unwrap();
        assert_eq!(sink.lost_records(), 1);
        arrived.recv().unwrap().unwrap_err();

        let (address, arrived) = serve(config, is_request, "");
        let endpoint = format!("https://{address}/v1/logs").parse().unwrap();
        let sink = OtlpSink::builder(endpoint).trust_anchors(ours.0.pem());
        let sink = sink.retry_pause(std::time::Duration::from_millis(1));
        let sink = Arc::new(sink.build().unwrap());
        record(&sink).await.unwrap_err();
        assert_eq!(sink.lost_records(), 1);
        arrived.recv().unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_collector_gets_records_over_tls() {
    let authority = Authority::new();
    let taken = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let (address, arrived) = serve(authority.server("127.0.0.1", false), is_request, taken);
    let endpoint = format!("https://{address}/v1/logs").parse().unwrap();
    let sink = OtlpSink::builder(endpoint).trust_anchors(authority.0.pem());
    let sink = Arc::new(sink.build().unwrap());
    record(&sink).await.unwrap();
    let text = arrived.recv().unwrap().unwrap();
    assert!(text.starts_with("POST /v1/logs HTTP/1.1\r\n"), "{text}");
    assert!(text.contains(&format!("host: {address}\r\n")), "{text}");
    assert!(text.contains("service.started"));
}

#[test]
fn certificates_that_cannot_be_read_are_refused_at_build() {
    let endpoint = || "https://collector.example/v1/logs".parse().unwrap();
    let bad = OtlpSink::builder(endpoint()).trust_anchors("no certificate");
    let error = bad.build().unwrap_err();
    assert!(matches!(
        error,
        AuditBuildError::InvalidSetting {
            setting: "trust_anchors",
            ..
        }
    ));
    let key = Secret::new("no key");
    let bad = OtlpSink::builder(endpoint()).client_certificate("none", key);
    let bad = bad.trust_anchors(Authority::new().0.pem());
    let error = bad.build().unwrap_err();
    assert!(matches!(
        error,
        AuditBuildError::InvalidSetting {
            setting: "client_certificate",
            ..
        }
    ));
}
