//! `[server]` as far as the sockets see it.

use std::{net::SocketAddr, path::PathBuf};

use toml::Spanned;

use super::{Config, ConfigFileError};

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
}

/// Where a certificate comes from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateSource {
    /// A development authority of one's own, made at the first start.
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
    /// Reads where to listen.
    ///
    /// # Errors
    /// An address is none, or a certificate is named without its key.
    pub fn server(&self) -> Result<ServerSettings, ConfigFileError> {
        let server = &self.document.server;
        let address = |written: &Option<Spanned<String>>| {
            let parse = |written: &Spanned<String>| {
                let parsed = written.get_ref().parse::<SocketAddr>();
                parsed.map_err(|problem| {
                    self.source.at(
                        written,
                        problem,
                        "write address and port, such as \"0.0.0.0:443\"",
                    )
                })
            };
            written.as_ref().map(parse).transpose()
        };
        Ok(ServerSettings {
            https: address(&server.https)?,
            http: address(&server.http)?,
            certificate: self.certificate()?,
        })
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
