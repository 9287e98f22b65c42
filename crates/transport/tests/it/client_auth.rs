//! Client authentication: certificates of clients, their authorities, and revocation.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, extract::Request, routing::get};
use http_body_util::Full;
use palisade_core::ClientCertificate;
use palisade_transport::server::{
    CertificateError, ClientAuth, ConnectionEventKind, ServerBuildError,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::{
    ClientConfig, HandshakeKind,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::io::AsyncWriteExt;

use crate::{
    certificates::{DAY, now},
    support::{
        RecordedEvents, Running, Tls, bind, handshake, http2, read_all, read_response, start_with,
        text, tls, within,
    },
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// An authority of clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate of a client, its key, and its serial number.
struct Client {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    serial: u64,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

impl Authority {
    fn client(&self, serial: u64) -> Client {
        self.client_with(serial, |_| {})
    }

    fn client_with(&self, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Client {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "billing");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Client {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            serial,
        }
    }

    /// A revocation list that is valid until `next`.
    fn list(&self, revoked: &[&Client], next: time::OffsetDateTime) -> String {
        let params = CertificateRevocationListParams {
            this_update: time::OffsetDateTime::now_utc() - DAY,
            next_update: next,
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|client| RevokedCertParams {
                    serial_number: SerialNumber::from(client.serial),
                    revocation_time: time::OffsetDateTime::now_utc() - DAY / 2,
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn tomorrow() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + DAY
}

/// A client that trusts the server, with a certificate or without.
fn config(
    tls: &Tls,
    client: Option<&Client>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(tls.roots());
    match client {
        Some(client) => config
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .unwrap(),
        None => config.with_no_client_auth(),
    }
}

fn app() -> Router {
    let shown = async |request: Request| {
        let certificate = ClientCertificate::of(request.extensions());
        certificate.map_or("none".to_owned(), |certificate| {
            let names: Vec<_> = certificate.dns_names().chain(certificate.uris()).collect();
            let digest = palisade_internal::hex::encode(certificate.sha256());
            format!("{} {} {digest}", certificate.subject(), names.join(" "))
        })
    };
    Router::new().route("/", get(shown))
}

fn start(tls: &Tls, auth: ClientAuth, events: &RecordedEvents) -> Running {
    let server = bind().tls(tls.certificates.clone()).client_auth(auth);
    start_with(events.observe(server), app())
}

/// One request of a connection of its own. Empty if the server closed the connection instead.
async fn visit(running: &Running, config: &ClientConfig) -> (String, Option<HandshakeKind>) {
    let Ok(mut stream) = handshake(config.clone(), running.address, "localhost").await else {
        return (String::new(), None);
    };
    let _ = stream.write_all(GET).await;
    let response = read_all(&mut stream).await;
    (response, stream.get_ref().1.handshake_kind())
}

async fn is_served(tls: &Tls, running: &Running, client: Option<&Client>) -> bool {
    let mut served = [false; 2];
    for (served, version) in served.iter_mut().zip(rustls::ALL_VERSIONS) {
        let (response, _) = visit(running, &config(tls, client, &[version])).await;
        assert!(
            response.is_empty() || response.starts_with("HTTP/1.1 200"),
            "{response}"
        );
        *served = !response.is_empty();
    }
    assert_eq!(served[0], served[1], "both versions of TLS decide alike");
    served[0]
}

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

/// Maps the two versions of TLS.
trait MapEach {
    fn map_each<T>(&self, map: impl Fn(&'static rustls::SupportedProtocolVersion) -> T) -> Vec<T>;
}

impl MapEach for &[&'static rustls::SupportedProtocolVersion] {
    fn map_each<T>(&self, map: impl Fn(&'static rustls::SupportedProtocolVersion) -> T) -> Vec<T> {
        self.iter().map(|version| map(version)).collect()
    }
}

/// Files of authorities and revocation lists in a folder.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(authority: &Authority) -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.write("clients.pem", &authority.pem);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_also_in_a_resumed_session() {
    let (tls, clients) = (tls(), authority("clients"));
    let (revoked, good) = (clients.client(1), clients.client(2));
    let files = Files::new(&clients);
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .revocation_list_file(files.path("clients.crl"))
        .open()
        .unwrap();
    let running = start(&tls, auth.clone(), &RecordedEvents::default());
    let sessions =
        rustls::ALL_VERSIONS.map_each(|version| config(&tls, Some(&revoked), &[version]));
    for session in &sessions {
        assert!(!visit(&running, session).await.0.is_empty());
    }
    files.write("clients.crl", &clients.list(&[&revoked], tomorrow()));
    assert!(auth.refresh().unwrap());
    for session in &sessions {
        assert_eq!(visit(&running, session).await.0, "");
    }
    assert!(is_served(&tls, &running, Some(&good)).await);
}

#[tokio::test]
async fn without_the_list_of_its_issuer_a_client_is_refused() {
    let (tls, clients, others) = (tls(), authority("clients"), authority("others"));
    let files = Files::new(&clients);
    files.write("others.pem", &others.pem);
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .authority_file(files.path("others.pem"))
        .revocation_list_file(files.path("clients.crl"));
    let running = start(&tls, auth.open().unwrap(), &RecordedEvents::default());
    assert!(is_served(&tls, &running, Some(&clients.client(1))).await);
    assert!(!is_served(&tls, &running, Some(&others.client(1))).await);
}

#[tokio::test]
async fn a_list_that_has_expired_is_refused_at_start_and_later() {
    let (tls, clients, clock) = (tls(), authority("clients"), now());
    let files = Files::new(&clients);
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .revocation_list_file(files.path("clients.crl"))
        .clock(clock.shared());
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let running = start(
        &tls,
        auth.clone().open().unwrap(),
        &RecordedEvents::default(),
    );
    let client = clients.client(1);
    assert!(is_served(&tls, &running, Some(&client)).await);
    clock.advance(2 * DAY);
    assert!(!is_served(&tls, &running, Some(&client)).await);
    let error = auth.open().unwrap_err();
    assert!(matches!(error, CertificateError::Expired { .. }), "{error}");
    assert!(error.to_string().contains("clients.crl"), "{error}");
}

#[tokio::test]
async fn changed_authorities_apply_to_new_connections_and_broken_ones_are_told_once() {
    let (tls, old, new) = (tls(), authority("old"), authority("new"));
    let files = Files::new(&old);
    let auth = ClientAuth::from_pem_file(files.path("clients.pem")).unwrap();
    let running = start(&tls, auth.clone(), &RecordedEvents::default());
    let (of_old, of_new) = (old.client(1), new.client(1));
    for broken in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        files.write("clients.pem", broken);
        let error = auth.refresh().unwrap_err().to_string();
        assert!(
            error.contains("clients.pem: this is not certificates"),
            "{error}"
        );
        assert!(!auth.refresh().unwrap(), "the same file is recorded once");
        assert!(is_served(&tls, &running, Some(&of_old)).await);
    }
    let session = config(&tls, Some(&of_old), rustls::ALL_VERSIONS);
    assert!(!visit(&running, &session).await.0.is_empty());
    files.write("clients.pem", &new.pem);
    assert!(auth.refresh().unwrap());
    assert!(is_served(&tls, &running, Some(&of_new)).await);
    assert!(!is_served(&tls, &running, Some(&of_old)).await);
    assert_eq!(
        visit(&running, &session).await.0,
        "",
        "the session of before"
    );
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

#[test]
fn what_cannot_be_used_names_its_file() {
    let clients = authority("clients");
    let files = Files::new(&clients);
    let open = |list: &[u8]| {
        fs::write(files.path("clients.crl"), list).unwrap();
        ClientAuth::builder(files.path("clients.pem"))
            .revocation_list_file(files.path("clients.crl"))
            .open()
    };
    let pem = clients.list(&[], tomorrow());
    assert!(open(pem.as_bytes()).is_ok());
    use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};
    let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).unwrap();
    assert!(open(&der).is_ok(), "DER as well");
    for broken in [
        &b""[..],
        b"no list",
        &pem.as_bytes()[..pem.len() / 2],
        &der[..9],
    ] {
        let error = open(broken).unwrap_err().to_string();
        assert!(
            error.contains("clients.crl: this is not a certificate revocation list"),
            "{error}"
        );
    }
    let missing = ClientAuth::from_pem_file(files.path("none.pem"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.pem"), "{missing}");
}
