//! `[server]`: listeners, certificate and health check.
//!
//! The shield does not use them. The application reads them with [`Config::server`] and opens its
//! sockets.

#[cfg(feature = "acme")]
mod acme;
#[cfg(feature = "server")]
mod certificate;
#[cfg(feature = "server")]
mod client_auth;
#[cfg(feature = "server")]
mod consistency;
mod default_listeners;
#[cfg(feature = "server")]
mod limits;
mod listen;

use std::{path::PathBuf, time::Duration};

use palisade_transport::TrustedProxies;

#[cfg(feature = "acme")]
pub use self::acme::AcmeSettings;
pub use self::listen::ListenOn;
#[cfg(feature = "server")]
pub use self::{
    certificate::{OpenedCertificate, ServerTls},
    listen::open_listeners,
};
use crate::config::{Config, ConfigFileError};

/// How long a server with a health check still accepts connections after it began to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Where the server listens, and with which certificate. Returned by [`Config::server`].
///
/// Nothing is opened or read here: an address in use or an unreadable certificate is found when the
/// server starts.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade::config::{CertificateSource, Config, ListenOn};
///
/// let config = Config::parse(r#"
///     [server]
///     hosts = ["notes.example"]
///     https = "0.0.0.0:443"
///     health = "/health"
/// "#)?;
/// let settings = config.server()?;
/// assert_eq!(settings.https, [ListenOn::Address("0.0.0.0:443".parse()?)]);
/// assert_eq!(settings.certificate, CertificateSource::Development);
/// assert_eq!(settings.drain, Duration::from_secs(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where the server listens with TLS. Default: nowhere. `open_listeners` opens the sockets.
    pub https: Vec<ListenOn>,
    /// Where the server listens without TLS, for redirects, ACME challenges, and proxies on this
    /// machine. Default: nowhere.
    pub http: Vec<ListenOn>,
    /// Whether requests without TLS are served to every client. Default: `false`.
    ///
    /// A proxy that is trusted and says that its client used TLS needs no such setting.
    pub dangerously_accept_plain_http: bool,
    /// Where the certificate comes from. Default: a development certificate.
    pub certificate: CertificateSource,
    /// The folder in which another program writes responses to ACME http-01 challenges (RFC 8555,
    /// section 8.3). Default: none.
    ///
    /// With the feature `axum`, `Routes::acme_webroot` serves it.
    pub acme_webroot: Option<PathBuf>,
    /// The health check for load balancers. Default: none.
    pub health: Option<HealthSettings>,
    /// How long a stopping server still accepts connections, while [`health`](Self::health) returns
    /// 503. Default: 5 s with `health`, otherwise zero.
    pub drain: Duration,
}

/// The health check that load balancers use to learn whether the service accepts requests.
///
/// The server itself responds, for any host and without TLS. Limits and the audit trail do not
/// count these requests. While the server stops it responds with status 503, so that load balancers
/// send no more requests.
///
/// # Examples
///
/// ```
/// use palisade::config::Config;
///
/// let config = Config::parse("server.health = '/ready'\nserver.health_from = ['10.0.0.0/8']")?;
/// let health = config.server()?.health.expect("the file has a path");
/// assert_eq!(health.path, "/ready");
/// assert!(health.from.contains("10.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HealthSettings {
    /// The path, which begins with `/`.
    pub path: String,
    /// The networks whose health checks get a response. For other clients the path is an ordinary
    /// one. Default: loopback and the trusted proxies.
    pub from: TrustedProxies,
}

/// Where a certificate comes from: `certificate` and `key` of `[server]`, or `[server.acme]`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateSource {
    /// A development certificate authority of this service, created at the first start. Clients do
    /// not trust it by default: not for production.
    #[default]
    Development,
    /// Certificates that an authority issues while the server runs: `[server.acme]`.
    #[cfg(feature = "acme")]
    Acme(AcmeSettings),
    /// PEM files. The server reads them again when they change.
    Files {
        /// The certificate, followed by the intermediate certificates.
        chain: PathBuf,
        /// The private key of the certificate.
        key: PathBuf,
    },
}

impl Config {
    /// Reads the listeners, the certificate paths and the health check of `[server]`.
    ///
    /// Paths are resolved against the folder of the file. With the feature `server`,
    /// `Config::configure` applies `[server.limits]`, and `Config::check_server` compares the
    /// result with hosts and proxies.
    ///
    /// # Errors
    ///
    /// An address or a network cannot be parsed, `certificate` and `key` are not both there, the
    /// path of the health check is not a path, or a value of `[server.acme]` cannot be used.
    pub fn server(&self) -> Result<ServerSettings, ConfigFileError> {
        let server = &self.document.server;
        let health = self.health()?;
        let drain = server.drain_seconds.map(Duration::from_secs);
        let drain = drain.or(health.is_some().then_some(DRAIN));
        let webroot = server.acme_webroot.as_ref();
        Ok(ServerSettings {
            https: self.listen_on(server.https.as_ref())?,
            http: self.listen_on(server.http.as_ref())?,
            dangerously_accept_plain_http: server.dangerously_accept_plain_http,
            certificate: self.certificate()?,
            acme_webroot: webroot.map(|folder| self.path(folder.get_ref())),
            health,
            drain: drain.unwrap_or_default(),
        })
    }

    /// Reads the health check. `health_from` without `health` is an error.
    fn health(&self) -> Result<Option<HealthSettings>, ConfigFileError> {
        let server = &self.document.server;
        let path = match (&server.health, server.health_from.as_deref()) {
            (Some(path), _) => path,
            (None, Some([first, ..])) => {
                let problem = "`health_from` has networks, but there is no health path";
                return Err(self.source.at(first, problem, "add health = \"/health\""));
            }
            (None, _) => return Ok(None),
        };
        if !path.get_ref().starts_with('/') || path.get_ref().contains(['?', '#', ' ']) {
            let remedy = "write a path, such as \"/health\"";
            return Err(self.source.at(path, "this is not a path", remedy));
        }
        Ok(Some(HealthSettings {
            path: path.get_ref().clone(),
            from: match &server.health_from {
                Some(written) => self.networks(written)?,
                None => TrustedProxies::loopback().and(&self.proxies()?),
            },
        }))
    }

    /// Reads `[server.acme]`, or the certificate paths: both, or neither.
    fn certificate(&self) -> Result<CertificateSource, ConfigFileError> {
        let server = &self.document.server;
        let is_named = server.acme.is_some() || server.certificate.is_some();
        if let (true, Some(folder)) = (is_named, &server.development_authority) {
            let problem =
                "there is another certificate, so none of a development authority is used";
            return Err(self.source.at(folder, problem, "remove it"));
        }
        if let Some(acme) = &server.acme {
            return self.acme(acme);
        }
        match (&server.certificate, &server.key) {
            (None, None) => Ok(CertificateSource::Development),
            (Some(chain), Some(key)) => Ok(CertificateSource::Files {
                chain: self.path(chain.get_ref()),
                key: self.path(key.get_ref()),
            }),
            (Some(alone), None) => Err(self.source.at(
                alone,
                "a certificate without its key",
                "add key = \"key.pem\"",
            )),
            (None, Some(alone)) => {
                let remedy = "add certificate = \"certificate.pem\"";
                Err(self
                    .source
                    .at(alone, "a key without its certificate", remedy))
            }
        }
    }

    /// Without the feature `acme`, the section cannot be used.
    #[cfg(not(feature = "acme"))]
    fn acme(
        &self,
        _: &crate::config::document::Acme,
    ) -> Result<CertificateSource, ConfigFileError> {
        let problem = "this program was built without ACME";
        let remedy = "use a program with the feature `acme`, or certificate files";
        Err(self.source.key_error("server", "acme", problem, remedy))
    }
}
