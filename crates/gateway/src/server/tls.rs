//! The certificate that the gateway shows to clients.
//!
//! | settings | certificate | renewal |
//! |---|---|---|
//! | `certificate` and `key` | the operator's files | read again when they change |
//! | `[server.acme]` | ordered from an authority (RFC 8555) | by the running gateway |
//! | none of both | of a development authority in a folder | by the gateway |
//! | `http` alone | none: nothing listens with TLS | |
//!
//! The development authority is for one machine: settings with a public address and without a
//! certificate are refused before this code runs.

use palisade::{
    core::SharedClock,
    server::{Acme, Certificates, ClientAuth, DevAuthority},
};

use crate::{
    error::{GatewayError, GatewayErrorKind},
    first_start::Authority,
    settings::Settings,
};

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
    /// `None` unless `[server.acme]` is there. Responses to its challenges are sent on the listener
    /// without TLS.
    pub(super) acme: Option<Acme>,
    /// Which certificates of clients are accepted. `None` without `[server.client_auth]`.
    pub(super) client_auth: Option<ClientAuth>,
}

impl Tls {
    /// Opens what the settings name. Default: a development authority that names the hosts. `None`
    /// if nothing listens with TLS.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, the key does not fit the certificate, or the section
    /// `[server.acme]` cannot be used. The error names the line of the file.
    pub(super) fn open(
        settings: &Settings,
        clock: &SharedClock,
    ) -> Result<Option<Self>, GatewayError> {
        if !settings.has_tls() {
            return Ok(None);
        }
        let broken = |error| {
            GatewayError::new(format_args!("TLS: {error}")).with_kind(GatewayErrorKind::Certificate)
        };
        let authority = DevAuthority::builder(&settings.authority)
            .clock(clock.clone())
            .hosts(settings.config.hosts());
        let opened = settings.config.open_certificate(clock)?;
        let tls = opened.or_development(authority).map_err(broken)?;
        Ok(Some(Self {
            certificates: tls.certificates,
            authority: tls.authority.as_ref().map(Authority::from),
            acme: tls.acme,
            client_auth: settings.config.open_client_auth(clock)?,
        }))
    }
}
