//! `[server]` as far as the sockets are concerned.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use palisade_transport::TrustedProxies;
use toml::Spanned;

use super::{Config, ConfigFileError};

/// How long a server that is probed goes on accepting after it said that it stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Where to listen, and with which certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where to speak TLS.
    pub https: Option<SocketAddr>,
    /// Where to listen in clear, for redirects.
    pub http: Option<SocketAddr>,
    /// Where the certificate comes from.
    pub certificate: CertificateSource,
    /// The folder in which another program puts responses to ACME http-01 challenges.
    pub acme_webroot: Option<PathBuf>,
    /// What load balancers ask.
    pub health: Option<HealthSettings>,
    /// How long a stopping server goes on accepting, while [`health`](Self::health) answers 503.
    /// Default: 5 s with `health`, otherwise nothing.
    pub drain: Duration,
}

/// What load balancers ask to learn whether the service wants requests.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HealthSettings {
    /// The path.
    pub path: String,
    /// Who is answered without any other check. Default: this machine and the trusted proxies.
    pub from: TrustedProxies,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateSource {
    /// A development authority of this service, made at the first start.
    #[default]
    Development,
    /// PEM files, read again when they change.
    Files {
        /// The certificate, and the intermediate ones after it.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

impl Config {
    /// Reads where to listen, and what belongs to it.
    ///
    /// # Errors
    /// An address or a network is none, a certificate is named without its key, or the path of the
    /// probes is none.
    pub fn server(&self) -> Result<ServerSettings, ConfigFileError> {
        let server = &self.document.server;
        let health = self.health()?;
        let drain = server.drain_seconds.map(Duration::from_secs);
        let drain = drain.or(health.is_some().then_some(DRAIN));
        let webroot = server.acme_webroot.as_ref();
        Ok(ServerSettings {
            https: self.address(server.https.as_ref())?,
            http: self.address(server.http.as_ref())?,
            certificate: self.certificate()?,
            acme_webroot: webroot.map(|folder| self.path(folder.get_ref())),
            health,
            drain: drain.unwrap_or_default(),
        })
    }

    fn address(
        &self,
        written: Option<&Spanned<String>>,
    ) -> Result<Option<SocketAddr>, ConfigFileError> {
        let parse = |written: &Spanned<String>| {
            let remedy = "write address and port, such as \"0.0.0.0:443\"";
            let parsed = written.get_ref().parse::<SocketAddr>();
            parsed.map_err(|problem| self.source.at(written, problem, remedy))
        };
        written.map(parse).transpose()
    }

    fn health(&self) -> Result<Option<HealthSettings>, ConfigFileError> {
        let server = &self.document.server;
        let path = match (&server.health, server.health_from.as_deref()) {
            (Some(path), _) => path,
            (None, Some([first, ..])) => {
                let problem = "networks of probes are named, and no path that they ask";
                return Err(self.source.at(first, problem, "add health = \"/health\""));
            }
            (None, _) => return Ok(None),
        };
        if !path.get_ref().starts_with('/') || path.get_ref().contains(['?', '#', ' ']) {
            let remedy = "write a path, such as \"/health\"";
            return Err(self.source.at(path, "this is no path", remedy));
        }
        Ok(Some(HealthSettings {
            path: path.get_ref().clone(),
            from: match &server.health_from {
                Some(written) => self.networks(written)?,
                None => TrustedProxies::loopback().and(&self.proxies()?),
            },
        }))
    }

    fn certificate(&self) -> Result<CertificateSource, ConfigFileError> {
        let server = &self.document.server;
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
}
