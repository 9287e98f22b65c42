//! Versions, cipher suites and alerts of TLS.

use std::{io, sync::Arc};

use rustls::{
    AlertDescription, ServerConfig,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};

use crate::tls::{
    certificates::{ByName, CHALLENGE_PROTOCOL, Certificates},
    tickets,
};

/// Builds the TLS settings.
///
/// No 0-RTT (its requests can be replayed), no renegotiation, and forward secrecy in every
/// cipher suite: rustls has nothing else. The server's order of suites is used, so a client
/// cannot choose the weakest. The key exchange `X25519MLKEM768` is preferred (the feature
/// `prefer-post-quantum` of rustls).
pub(crate) fn server_config(
    certificates: &[Certificates],
    tls13_only: bool,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let versions: &[_] = if tls13_only {
        &[&TLS13]
    } else {
        &[&TLS13, &TLS12]
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName::new(certificates)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The last: no client that offers HTTP gets it.
    config.alpn_protocols.push(CHALLENGE_PROTOCOL.to_vec());
    config.ignore_client_order = true;
    config.ticketer = tickets::ticketer()?;
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
