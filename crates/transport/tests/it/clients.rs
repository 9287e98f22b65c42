//! Clients with certificates, their authorities, and visits of servers that ask for one.

use std::{fs, path::PathBuf, sync::Arc};

use axum::{Router, extract::Request, routing::get};
use palisade_core::ClientCertificate;
use palisade_transport::server::ClientAuth;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber,
};
use rustls::{
    ClientConfig, HandshakeKind,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::io::AsyncWriteExt;

use crate::{
    certificates::DAY,
    support::{RecordedEvents, Running, Tls, bind, handshake, read_all, start_with},
};

pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// An authority of clients.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate of a client, its key, and its serial number.
pub(crate) struct Client {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) serial: u64,
}

pub(crate) fn authority(name: &str) -> Authority {
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
    pub(crate) fn client(&self, serial: u64) -> Client {
        self.client_with(serial, |_| {})
    }

    pub(crate) fn client_with(
        &self,
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Client {
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
    pub(crate) fn list(&self, revoked: &[&Client], next: time::OffsetDateTime) -> String {
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

pub(crate) fn tomorrow() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc() + DAY
}

/// A client that trusts the server, with a certificate or without.
pub(crate) fn config(
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

pub(crate) fn app() -> Router {
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

pub(crate) fn start(tls: &Tls, auth: ClientAuth, events: &RecordedEvents) -> Running {
    let server = bind().tls(tls.certificates.clone()).client_auth(auth);
    start_with(events.observe(server), app())
}

/// One request of a connection of its own. Empty if the server closed the connection instead.
pub(crate) async fn visit(
    running: &Running,
    config: &ClientConfig,
) -> (String, Option<HandshakeKind>) {
    let Ok(mut stream) = handshake(config.clone(), running.address, "localhost").await else {
        return (String::new(), None);
    };
    let _ = stream.write_all(GET).await;
    let response = read_all(&mut stream).await;
    (response, stream.get_ref().1.handshake_kind())
}

pub(crate) async fn is_served(tls: &Tls, running: &Running, client: Option<&Client>) -> bool {
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

/// Files of authorities and revocation lists in a folder.
pub(crate) struct Files {
    pub(crate) folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new(authority: &Authority) -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.write("clients.pem", &authority.pem);
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }
}

/// Maps the two versions of TLS.
pub(crate) trait MapEach {
    fn map_each<T>(&self, map: impl Fn(&'static rustls::SupportedProtocolVersion) -> T) -> Vec<T>;
}

impl MapEach for &[&'static rustls::SupportedProtocolVersion] {
    fn map_each<T>(&self, map: impl Fn(&'static rustls::SupportedProtocolVersion) -> T) -> Vec<T> {
        self.iter().map(|version| map(version)).collect()
    }
}
