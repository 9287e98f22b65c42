//! Checks that our own challenge responds at the address of a name, before the authority is asked.
//!
//! A failed validation counts at the authority: after five in an hour it blocks the name. This
//! check finds the usual mistakes (a name that points elsewhere, a closed port, another server in
//! front) without that cost.
//!
//! The check uses a token of its own, so it proves nothing to the authority and uses up nothing. It
//! cannot find a firewall that treats this machine and the authority differently.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use palisade_internal::hex;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{ChallengeKind, Challenges, tls_alpn};
use crate::tls::{
    acme::{domains, error::AcmeError},
    certificates::CHALLENGE_PROTOCOL,
};

/// The longest time of the check at one address.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How the check is made.
#[derive(Clone, Debug)]
pub(in crate::tls::acme) struct SelfCheck {
    pub(in crate::tls::acme) kind: ChallengeKind,
    /// Where the authority connects: 80 for http-01, 443 for tls-alpn-01.
    pub(in crate::tls::acme) port: u16,
    /// Addresses that are used in place of DNS.
    pub(in crate::tls::acme) addresses: BTreeMap<String, Vec<IpAddr>>,
}

impl SelfCheck {
    /// Publishes a response of its own for a name, and requests it at each address of the name.
    ///
    /// Up to 10 seconds for each address of the name.
    ///
    /// # Errors
    ///
    /// [`AcmeError::SelfCheck`] with the first problem and its remedy; [`AcmeError::Cache`] if the
    /// response cannot be published.
    pub(in crate::tls::acme) async fn run(
        &self,
        name: &str,
        challenges: &Challenges,
    ) -> Result<(), AcmeError> {
        let checked = match self.kind {
            ChallengeKind::Http01 => self.check_http(name, challenges).await?,
            ChallengeKind::TlsAlpn01 => self.check_tls(name, challenges).await?,
        };
        checked.map_err(|problem| AcmeError::SelfCheck {
            name: name.into(),
            problem: format!("{problem}; if only this machine cannot reach its public address, switch the check off").into(),
        })
    }

    /// Checks all addresses of a name: the authority may use any of them.
    ///
    /// The outer error is one of this machine, the inner one a problem of the name.
    async fn check_http(
        &self,
        name: &str,
        challenges: &Challenges,
    ) -> Result<Result<(), String>, AcmeError> {
        let (token, expected) = (format!("self-check-{}", random_hex()?), random_hex()?);
        let _published = challenges.publish_http(&token, &expected)?;
        let addresses = match self.addresses_of(name).await {
            Ok(addresses) => addresses,
            Err(problem) => return Ok(Err(problem)),
        };
        for address in addresses {
            let received = within_limit(get(address, name, &token)).await;
            let checked =
                received.and_then(|received| compare_response(address, &received, &expected));
            if checked.is_err() {
                return Ok(checked);
            }
        }
        Ok(Ok(()))
    }

    /// As [`check_http`](Self::check_http), by handshakes.
    async fn check_tls(
        &self,
        name: &str,
        challenges: &Challenges,
    ) -> Result<Result<(), String>, AcmeError> {
        let digest = random_bytes()?;
        let _published = challenges.publish_tls(name, &digest)?;
        let addresses = match self.addresses_of(name).await {
            Ok(addresses) => addresses,
            Err(problem) => return Ok(Err(problem)),
        };
        for address in addresses {
            let problem = match within_limit(challenge_handshake(address, name)).await {
                Ok(leaf) if tls_alpn::carries(&leaf, &digest) => continue,
                Ok(_) => format!(
                    "{address} shows another certificate than the challenge of this server; point \
                     the name at this server, or use http-01 if a proxy in front terminates TLS"
                ),
                Err(problem) => problem,
            };
            return Ok(Err(problem));
        }
        Ok(Ok(()))
    }

    /// Both families, in a fixed order. An old AAAA record is a common mistake: an authority may use IPv6,
    /// while a browser falls back to IPv4 and hides the problem.
    async fn addresses_of(&self, name: &str) -> Result<Vec<SocketAddr>, String> {
        if let Some(addresses) = self.addresses.get(name) {
            let with_port = |address: &IpAddr| SocketAddr::new(*address, self.port);
            return Ok(addresses.iter().map(with_port).collect());
        }
        if let Ok(address) = name.parse() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let found = tokio::net::lookup_host((name, self.port)).await;
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            return Err(
                "the name has no address; set its A or AAAA record to the public address of this \
                 server"
                    .to_owned(),
            );
        }
        Ok(found)
    }
}

/// Compares a response to http-01 with the expected one.
fn compare_response(
    address: SocketAddr,
    (status, body): &(StatusCode, Bytes),
    expected: &str,
) -> Result<(), String> {
    if *status == StatusCode::OK && body == expected {
        return Ok(());
    }
    let status = status.as_u16();
    Err(format!(
        "{address} responds with status {status} and not with the challenge of this server; point \
         the name at this server, and pass `/.well-known/acme-challenge/` on if there is a proxy \
         in front"
    ))
}

/// Limits a check in time.
async fn within_limit<T>(check: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let checked = tokio::time::timeout(TIMEOUT, check).await;
    checked.unwrap_or_else(|_| {
        Err("no response in 10 s; open the port in the firewall, or forward it".to_owned())
    })
}

/// No time limit of its own: `within` limits the whole check.
async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let connected = TcpStream::connect(address).await;
    connected.map_err(|error| {
        format!(
            "no connection to {address}: {error}; listen there, open the port in the firewall or \
             forward it, and remove addresses from DNS that this server does not have"
        )
    })
}

/// Requests a token at an address.
///
/// The request is in clear and follows no redirect, although the authority would follow one. A
/// redirect to HTTPS fails here: the path of challenges must be exempt from it.
async fn get(address: SocketAddr, name: &str, token: &str) -> Result<(StatusCode, Bytes), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{address} does not speak HTTP: {error}");
    let stream = connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let request = Request::get(format!("/.well-known/acme-challenge/{token}"))
        .header(HOST, domains::host(name))
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(&error))?;
    let conversation = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), 4096).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        Ok((status, body))
    };
    tokio::select! {
        response = conversation => response,
        () = async {
            let _ = connection.await;
            std::future::pending().await
        } => Err("the connection ended".to_owned()),
    }
}

/// Does the handshake of the challenge at an address. Returns the certificate of the server.
///
/// Any certificate is accepted by TLS. The caller compares the digest in it.
async fn challenge_handshake(
    address: SocketAddr,
    name: &str,
) -> Result<CertificateDer<'static>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = config
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![CHALLENGE_PROTOCOL.to_vec()];
    let server_name = domains::server_name(name);
    let server_name = ServerName::try_from(server_name).map_err(|error| error.to_string())?;
    let stream = connect(address).await?;
    let connected = TlsConnector::from(Arc::new(config)).connect(server_name, stream);
    let stream = connected.await.map_err(|error| {
        format!(
            "{address} refuses the handshake of tls-alpn-01: {error}; point the name at this \
             server, or use http-01 if a proxy in front terminates TLS"
        )
    })?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    chain
        .first()
        .map(|leaf| leaf.clone().into_owned())
        .ok_or_else(|| format!("{address} shows no certificate"))
}

/// Accepts every certificate: the check compares the digest in it, which no one else knows, and
/// sends nothing. The library for signatures refuses the critical extension of a challenge.
///
/// Signatures of the handshake are not checked either. An attacker between this machine and itself
/// could pass the check, and gain only that the authority is asked.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Returns 32 random bytes.
fn random_bytes() -> Result<[u8; 32], AcmeError> {
    let mut bytes = [0; 32];
    ::aws_lc_rs::rand::fill(&mut bytes).map_err(|_| AcmeError::NoRandomBytes)?;
    Ok(bytes)
}

/// 64 hexadecimal digits, which are also base64url.
fn random_hex() -> Result<String, AcmeError> {
    Ok(hex::encode(&random_bytes()?))
}
