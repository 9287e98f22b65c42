//! The certificate that the gateway shows to clients.
//!
//! | settings | certificate | renewal |
//! |---|---|---|
//! | `certificate` and `key` | the operator's files | read again when they change |
//! | `[server.acme]` | ordered from an authority (RFC 8555) | by the running gateway |
//! | none of both | of a development authority in a folder | by the gateway |
//!
//! The development authority is for one machine: settings with a public address and without a
//! certificate are refused before this code runs.

use palisade::{
    config::CertificateSource,
    core::SharedClock,
    server::{Acme, Certificates, DevAuthority},
};

use crate::{error::GatewayError, first_start::Authority, settings::Settings};

/// How TLS is spoken.
///
/// Made at the start, and at a reload unless an authority issues the certificate.
pub(super) struct Tls {
    /// What handshakes use. It can be replaced while the gateway serves.
    pub(super) certificates: Certificates,
    /// The development authority. `None` if the operator brings a certificate or an authority
    /// issues it.
    pub(super) authority: Option<Authority>,
    /// What orders certificates from an authority.
    ///
    /// `None` unless `[server.acme]` is there. Its challenges are answered on the listener without TLS.
    pub(super) acme: Option<Acme>,
}

impl Tls {
    /// Opens what the settings name. Default: a development authority that names the hosts.
    ///
    /// # Errors
    /// A file cannot be read or written, the key does not fit the certificate, or the section
    /// `[server.acme]` cannot be used.
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
