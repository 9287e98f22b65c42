//! The certificate.

use palisade::config::OpenedCertificate;
use palisade::core::SharedClock;
use palisade::server::{Acme, CertificateError, Certificates, ClientAuth, DevAuthority};

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
    /// Which certificates of clients are accepted, where they are asked for one.
    pub(crate) client_auth: Option<ClientAuth>,
}

impl Tls {
    /// Opens what the settings name, or a development authority of this server, which names the hosts.
    pub(crate) fn open(
        settings: &Settings,
        data: &DataFolder,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        let client_auth = settings.config.open_client_auth(clock)?;
        match settings.config.open_certificate(clock)? {
            OpenedCertificate::Acme { acme, certificates } => Ok(Self {
                certificates,
                authority: None,
                acme: Some(acme),
                client_auth,
            }),
            OpenedCertificate::Files(certificates) => Ok(Self {
                certificates,
                authority: None,
                acme: None,
                client_auth,
            }),
            _ => Ok(Self {
                client_auth,
                ..Self::of_development(settings, data, clock)?
            }),
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
            client_auth: None,
        })
    }
}
