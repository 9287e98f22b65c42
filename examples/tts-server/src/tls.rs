//! The certificate.

use palisade::config::OpenedCertificate;
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
        match settings.config.open_certificate(clock)? {
            OpenedCertificate::Acme { acme, certificates } => Ok(Self {
                certificates,
                authority: None,
                acme: Some(acme),
            }),
            OpenedCertificate::Files(certificates) => Ok(Self {
                certificates,
                authority: None,
                acme: None,
            }),
            _ => Self::of_development(settings, data, clock),
        }
    }

    /// Opens or makes the development authority.
    fn of_development(
        settings: &Settings,
        data: &DataFolder,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        let broken = |error: CertificateError| StartError::new(format!("TLS: {error}"));
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
