//! The certificate.

use palisade::config::CertificateSource;
use palisade::core::SharedClock;
use palisade::server::{Acme, CertificateError, Certificates, DevAuthority};

use crate::{
    error::StartError,
    first_start::{Authority, DataFolder},
    settings::Settings,
};

/// How TLS is spoken.
pub(crate) struct Tls {
    pub(crate) certificates: Certificates,
    pub(crate) authority: Option<Authority>,
    /// What orders the certificates, where an authority issues them.
    pub(crate) acme: Option<Acme>,
}

impl Tls {
    /// Opens what the settings name, or a development authority of this server, which names the hosts.
    pub(crate) fn open(
        settings: &Settings,
        data: &DataFolder,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        let broken = |error: CertificateError| StartError::new(format!("TLS: {error}"));
        if let CertificateSource::Acme(acme) = &settings.server.certificate {
            let acme = acme
                .open(clock.clone())
                .map_err(|error| StartError::new(format!("[server.acme]: {error}")))?;
            return Ok(Self {
                certificates: acme.certificates().map_err(broken)?,
                authority: None,
                acme: Some(acme),
            });
        }
        if let CertificateSource::Files { chain, key } = &settings.server.certificate {
            let certificates = Certificates::builder(chain, key).clock(clock.clone());
            let certificates = certificates.open().map_err(broken)?;
            return Ok(Self {
                certificates,
                authority: None,
                acme: None,
            });
        }
        let authority = DevAuthority::builder(data.file("tls"))
            .clock(clock.clone())
            .hosts(settings.config.hosts())
            .open_or_create()
            .map_err(broken)?;
        Ok(Self {
            certificates: authority.certificates().map_err(broken)?,
            authority: Some(Authority {
                certificate: authority.certificate_path(),
                fingerprint: authority.fingerprint().to_string(),
            }),
            acme: None,
        })
    }
}
