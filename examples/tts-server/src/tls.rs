//! The certificate.

use palisade::core::SharedClock;
use palisade::server::{Acme, Certificates, ClientAuth, DevAuthority};

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
    /// `None` if nothing listens with TLS.
    pub(crate) fn open(
        settings: &Settings,
        data: &DataFolder,
        clock: &SharedClock,
    ) -> Result<Option<Self>, StartError> {
        if !settings.has_tls() {
            return Ok(None);
        }
        let folder = settings.config.development_authority();
        let folder = folder.unwrap_or_else(|| data.file("tls"));
        let authority = DevAuthority::builder(folder)
            .clock(clock.clone())
            .hosts(settings.config.hosts());
        let opened = settings.config.open_certificate(clock)?;
        let tls = opened.or_development(authority);
        let tls = tls.map_err(|error| StartError::new(format!("TLS: {error}")))?;
        Ok(Some(Self {
            certificates: tls.certificates,
            authority: tls.authority.as_ref().map(Authority::from),
            acme: tls.acme,
            client_auth: settings.config.open_client_auth(clock)?,
        }))
    }
}
