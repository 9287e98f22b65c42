//! Versions, cipher suites and alerts of TLS.

use std::{io, sync::Arc};

use rustls::{
    AlertDescription, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    server::{
        NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    time_provider::{DefaultTimeProvider, TimeProvider},
    version::{TLS12, TLS13},
};

use crate::tls::{
    certificates::{ByName, CHALLENGE_PROTOCOL, Certificates, Challenges},
    tickets,
};

static ONLY_TLS13: &[&SupportedProtocolVersion] = &[&TLS13];
static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// What the settings of a server are made of.
pub(super) struct Profile {
    resolver: Arc<dyn ResolvesServerCert>,
    challenges: Arc<dyn ResolvesServerCert>,
    tls13_only: bool,
}

impl Profile {
    pub(super) fn new(certificates: &[Certificates], tls13_only: bool) -> Self {
        Self {
            resolver: Arc::new(ByName::new(certificates)),
            challenges: Arc::new(Challenges::new(certificates)),
            tls13_only,
        }
    }

    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        match self.tls13_only {
            true => ONLY_TLS13,
            false => BOTH,
        }
    }
}

/// Builds the TLS settings, with new keys of tickets. Asks clients for certificates if there is
/// something that checks them.
///
/// No 0-RTT (its requests can be replayed), no renegotiation, and forward secrecy in every
/// cipher suite: rustls has nothing else. The server's order of suites is used, so a client
/// cannot choose the weakest. The key exchange `X25519MLKEM768` is preferred (the feature
/// `prefer-post-quantum` of rustls).
pub(super) fn server_config(
    profile: &Profile,
    client_auth: Option<(Arc<dyn ClientCertVerifier>, Arc<dyn TimeProvider>)>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (verifier, time) = match client_auth {
        Some((verifier, time)) => (verifier, time),
        None => (
            WebPkiClientVerifier::no_client_auth(),
            Arc::new(DefaultTimeProvider) as _,
        ),
    };
    let resolver = Arc::clone(&profile.resolver);
    let mut config = ServerConfig::builder_with_details(provider, time)
        .with_protocol_versions(profile.versions())?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    config.ticketer = tickets::ticketer()?;
    Ok(Arc::new(config))
}

/// Builds the TLS settings for challenges of an authority (RFC 8737): no HTTP, no session that could
/// be resumed, no certificate of a client, and only certificates that respond to a challenge.
pub(super) fn challenge_config(profile: &Profile) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(profile.versions())?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&profile.challenges));
    config.alpn_protocols = vec![CHALLENGE_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Returns whether the client refused the certificate of the server, by the alert that it sent.
pub(crate) fn is_refusal_of_certificate(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate
        ))
    )
}

/// Returns whether the server refused the client for its certificate, or for having none.
pub(crate) fn is_refusal_of_client(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}
