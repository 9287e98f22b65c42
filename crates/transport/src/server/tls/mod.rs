//! TLS settings: versions, certificates, session tickets.

mod authority;
mod certificates;
mod error;
mod files;
mod loaded;
mod names;
mod source;

use std::{future::pending, io, sync::Arc, time::Duration};

use rustls::{
    AlertDescription, ServerConfig,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};

use tokio::time::{Instant, MissedTickBehavior};

pub use self::{
    authority::DevAuthority,
    certificates::{CertificateEvent, Certificates},
    error::CertificateError,
    loaded::Fingerprint,
};

/// How often the certificate files are checked. Renewals happen weeks before expiry.
const LOOK: Duration = Duration::from_secs(30);

/// Builds the TLS settings.
///
/// No 0-RTT (its requests can be replayed), no renegotiation, and forward secrecy in every
/// cipher suite: rustls has nothing else. The server's order of suites is used, so a client
/// cannot choose the weakest.
pub(super) fn server_config(
    certificates: &Certificates,
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
        .with_cert_resolver(certificates.resolver());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    // Clients store their sessions as tickets, so the server has no table that can be full. The key
    // of the tickets is random, known to this process alone, and replaced every six hours.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Returns whether the client refused the certificate of the server, by the alert that it sent.
pub(super) fn is_refusal_of_certificate(error: &io::Error) -> bool {
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

/// Checks the certificate files at intervals, until the future is dropped.
pub(super) async fn keep_fresh(certificates: Option<Certificates>) {
    let Some(certificates) = certificates else {
        return pending().await;
    };
    let mut looks = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let certificates = certificates.clone();
        // Reading files may block. `refresh` reports the result itself.
        let refreshed = tokio::task::spawn_blocking(move || drop(certificates.refresh()));
        if refreshed.await.is_err() {
            tracing::error!("the look at the certificate panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changed_files_are_found_within_half_a_minute_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (
            folder.path().join("chain.pem"),
            folder.path().join("key.pem"),
        );
        let mint = || {
            let CertifiedKey { cert, signing_key } =
                generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(&key, signing_key.serialize_pem()).unwrap();
            fs::write(&chain, cert.pem()).unwrap();
        };
        mint();
        let certificates = Certificates::from_pem_files(&chain, &key).unwrap();
        let first = certificates.fingerprint();
        mint();
        assert_eq!(certificates.fingerprint(), first);
        // Time stands still until nothing else is left to do, then leaps to the next timer.
        let look = keep_fresh(Some(certificates.clone()));
        let _ = tokio::time::timeout(LOOK + Duration::from_secs(1), look).await;
        assert_ne!(certificates.fingerprint(), first);
    }
}
