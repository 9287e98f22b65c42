//! The address of a server, checked once: `https`, or `http` on this machine.

use std::{fmt, net::IpAddr};

use http::{HeaderValue, Uri, uri::Scheme};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::{error::AuditBuildError, sink::tls::TlsSettings};

/// Why an address cannot be used.
const NO_ADDRESS: &str = "use https:// and the address of a server, without user and password";
const CLEAR_TEXT: &str = "records would leave this machine in clear text; use https://, a server on 127.0.0.1, [::1] or localhost, or call dangerously_allow_http()";

/// A server that takes bodies, with everything that a connection needs.
#[derive(Clone)]
pub(crate) struct HttpTarget {
    /// Without the brackets of an IPv6 address.
    host: Box<str>,
    /// The port of the address, or the default one of its scheme.
    port: u16,
    /// The value of `Host`.
    authority: HeaderValue,
    /// Path and query.
    path: Uri,
    /// `None` for `http`.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Whether only addresses of this machine may be connected to.
    loopback_only: bool,
}

impl HttpTarget {
    /// Checks an address. `http` is accepted for this machine, and for others if `allow_http` is set.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] under the name `setting`.
    pub(crate) fn new(
        setting: &'static str,
        uri: &Uri,
        allow_http: bool,
        tls: &TlsSettings,
    ) -> Result<Self, AuditBuildError> {
        let invalid = |problem| AuditBuildError::InvalidSetting { setting, problem };
        let authority = uri.authority().ok_or_else(|| invalid(NO_ADDRESS))?;
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if authority.as_str().contains('@') || host.is_empty() {
            return Err(invalid(NO_ADDRESS));
        }
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid(NO_ADDRESS)),
        };
        if !secure && !allow_http && !is_this_machine(host) {
            return Err(invalid(CLEAR_TEXT));
        }
        let tls = match secure {
            false => None,
            true => {
                let name = ServerName::try_from(host.to_owned());
                let name = name.map_err(|_| invalid(NO_ADDRESS))?;
                Some((TlsConnector::from(tls.config(&[b"http/1.1"])?), name))
            }
        };
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        Ok(Self {
            host: host.into(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|_| invalid(NO_ADDRESS))?,
            path: path.parse().map_err(|_| invalid(NO_ADDRESS))?,
            tls,
            loopback_only: !secure && !allow_http,
        })
    }

    /// Returns host and port.
    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Returns the value of `Host`.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Returns path and query.
    pub(super) fn path(&self) -> &Uri {
        &self.path
    }

    /// Returns how the connection is protected. `None`: in clear text.
    pub(super) fn tls(&self) -> Option<&(TlsConnector, ServerName<'static>)> {
        self.tls.as_ref()
    }

    /// Returns whether only addresses of this machine may be connected to: `localhost` could be resolved to another.
    pub(super) fn is_loopback_only(&self) -> bool {
        self.loopback_only
    }
}

/// Without path and query: either may hold a secret.
impl fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let authority = self.authority.to_str().unwrap_or_default();
        write!(f, "{scheme}://{authority}")
    }
}

/// Returns whether a host of an address is this machine.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
