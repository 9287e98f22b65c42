//! The certificate that the gateway shows to clients.

use palisade::{
    config::CertificateSource,
    core::SharedClock,
    server::{Acme, Certificates, DevAuthority},
};

use crate::{error::GatewayError, first_start::Authority, settings::Settings};

/// How TLS is spoken.
pub(super) struct Tls {
    pub(super) certificates: Certificates,
    /// The development authority. `None` if the operator brings a certificate or an authority
    /// issues it.
    pub(super) authority: Option<Authority>,
    /// What orders certificates from an authority.
    pub(super) acme: Option<Acme>,
}

impl Tls {
    /// Opens what the settings name. Default: a development authority that names the hosts.
    pub(super) fn open(settings: &Settings, clock: &SharedClock) -> Result<Self, GatewayError> {
        let broken = |error| GatewayError::new(format_args!("TLS: {error}"));
        let (mut authority, mut ordering) = (None, None);
        let certificates = match &settings.server.certificate {
            CertificateSource::Acme(acme) => {
                let acme = acme
                    .open(clock.clone())
                    .map_err(|error| GatewayError::new(format_args!("[server.acme]: {error}")))?;
                ordering.insert(acme).certificates()
            }
            CertificateSource::Files { chain, key } => Certificates::builder(chain, key)
                .clock(clock.clone())
                .open(),
            _ => {
                let made = DevAuthority::builder(&settings.authority)
                    .clock(clock.clone())
                    .hosts(settings.config.hosts())
                    .open_or_create()
                    .map_err(broken)?;
                authority = Some(Authority {
                    certificate: made.certificate_path(),
                    fingerprint: made.fingerprint().to_string(),
                });
                made.certificates()
            }
        };
        Ok(Self {
            certificates: certificates.map_err(broken)?,
            authority,
            acme: ordering,
        })
    }
}
