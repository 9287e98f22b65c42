//! Opens the certificate of a server, so that every error names the key of the file that is wrong.

use std::path::PathBuf;

use palisade_core::SharedClock;
#[cfg(feature = "acme")]
use palisade_transport::server::{Acme, AcmeError, AcmeSettingError};
use palisade_transport::server::{
    CertificateError, Certificates, DevAuthority, DevAuthorityBuilder,
};
use toml::Spanned;

use crate::config::{CertificateSource, Config, ConfigFileError};

/// What helps if a file of `certificate` or `key` cannot be used.
const FILES_REMEDY: &str = "name a chain and its key in PEM that this user can read";

/// The certificate of a server, opened. Returned by [`Config::open_certificate`].
///
/// # Examples
///
/// ```
/// use palisade::{config::{Config, OpenedCertificate}, core::SystemClock};
///
/// let config = Config::parse("server.hosts = ['notes.example']")?;
/// let opened = config.open_certificate(&SystemClock::shared())?;
/// assert!(matches!(opened, OpenedCertificate::Development));
/// # Ok::<(), palisade::config::ConfigFileError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenedCertificate {
    /// From `[server.acme]`.
    #[cfg(feature = "acme")]
    Acme {
        /// What orders and renews the certificates.
        acme: Acme,
        /// What handshakes use.
        certificates: Certificates,
    },
    /// The file names no certificate: the server makes a development authority, or has no TLS.
    Development,
    /// From the files `certificate` and `key`.
    Files(Certificates),
}

impl OpenedCertificate {
    /// Returns what a server shows to clients. If the file names no certificate, the development
    /// authority is opened, or made.
    ///
    /// A certificate of a development authority is for one machine: clients must be told to trust it.
    ///
    /// # Errors
    ///
    /// The files of the development authority cannot be read or written. Certificates that the file
    /// names give none.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{config::Config, core::SystemClock, server::DevAuthority};
    ///
    /// # let folder = std::env::temp_dir().join(format!("palisade-docs-tls-{}", std::process::id()));
    /// let config = Config::parse("server.hosts = ['notes.example']")?;
    /// let authority = DevAuthority::builder(&folder).hosts(config.hosts());
    /// let opened = config.open_certificate(&SystemClock::shared())?;
    /// let tls = opened.or_development(authority)?;
    /// assert!(tls.authority.is_some());
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn or_development(
        self,
        authority: DevAuthorityBuilder,
    ) -> Result<ServerTls, CertificateError> {
        Ok(match self {
            #[cfg(feature = "acme")]
            Self::Acme { acme, certificates } => ServerTls {
                acme: Some(acme),
                ..ServerTls::of(certificates)
            },
            Self::Development => {
                let authority = authority.open_or_create()?;
                ServerTls {
                    certificates: authority.certificates()?,
                    authority: Some(authority),
                    #[cfg(feature = "acme")]
                    acme: None,
                }
            }
            Self::Files(certificates) => ServerTls::of(certificates),
        })
    }
}

/// What a server shows to clients, and where it comes from. Returned by
/// [`OpenedCertificate::or_development`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerTls {
    /// What handshakes use. It can be replaced while the server runs.
    pub certificates: Certificates,
    /// The development authority. `None` if the configuration names a certificate.
    pub authority: Option<DevAuthority>,
    /// What orders and renews the certificates. `None` unless `[server.acme]` is there.
    #[cfg(feature = "acme")]
    pub acme: Option<Acme>,
}

impl ServerTls {
    /// Takes certificates that are not from an authority of this server.
    fn of(certificates: Certificates) -> Self {
        Self {
            certificates,
            authority: None,
            #[cfg(feature = "acme")]
            acme: None,
        }
    }
}

impl Config {
    /// Opens the certificate that `[server]` names: the files `certificate` and `key`, or the files and
    /// the cache of `[server.acme]`.
    ///
    /// Nothing is requested from an authority. The folder of the ACME cache is created.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or is not what it should be; or the cache cannot be used. The error names
    /// the line and the key that names the file. Also the errors of [`server`](Self::server).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{config::Config, core::SystemClock};
    ///
    /// let text = "[server]\nhosts = ['a.example']\ncertificate = '/none.pem'\nkey = '/none.key'";
    /// let error = Config::parse(text)?.open_certificate(&SystemClock::shared()).unwrap_err();
    /// assert_eq!((error.line(), error.key()), (Some(3), Some("server.certificate")));
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn open_certificate(
        &self,
        clock: &SharedClock,
    ) -> Result<OpenedCertificate, ConfigFileError> {
        match self.server()?.certificate {
            #[cfg(feature = "acme")]
            CertificateSource::Acme(settings) => {
                let acme = settings.open(clock.clone());
                let acme = acme.map_err(|error| self.acme_error(&error))?;
                let certificates = acme.certificates();
                let certificates = certificates
                    .map_err(|error| self.acme_error(&AcmeError::Certificate(error)))?;
                Ok(OpenedCertificate::Acme { acme, certificates })
            }
            CertificateSource::Development => Ok(OpenedCertificate::Development),
            CertificateSource::Files { chain, key } => Certificates::builder(&chain, &key)
                .clock(clock.clone())
                .open()
                .map(OpenedCertificate::Files)
                .map_err(|error| self.certificate_error(&error, &key)),
        }
    }

    /// Makes the error about `certificate` or `key`, whichever file is wrong.
    fn certificate_error(&self, error: &CertificateError, key: &PathBuf) -> ConfigFileError {
        let server = &self.document.server;
        let is_key = error.path().is_some_and(|path| path == key);
        let named = match is_key {
            true => server.key.as_ref(),
            false => server.certificate.as_ref(),
        };
        self.at_or_section(named, "certificate", &error.to_string(), FILES_REMEDY)
    }

    /// Makes the error about an `[server.acme]` that cannot be opened, with the key that it is about.
    ///
    /// `error` is one of [`AcmeSettings::open`](crate::config::AcmeSettings::open).
    #[cfg(feature = "acme")]
    #[must_use]
    pub fn acme_error(&self, error: &AcmeError) -> ConfigFileError {
        let acme = self.document.server.acme.as_ref();
        let file = "name a file that this user can read";
        let problem = error.to_string();
        let at = |named: Option<&Spanned<PathBuf>>, remedy: &str| {
            self.at_or_section(named, "acme", &problem, remedy)
        };
        match error {
            AcmeError::Setting(AcmeSettingError::RootFile { .. }) => {
                at(acme.and_then(|acme| acme.root.as_ref()), file)
            }
            AcmeError::Setting(AcmeSettingError::Root) => {
                let remedy = "name a PEM file with the certificate of the authority";
                at(acme.and_then(|acme| acme.root.as_ref()), remedy)
            }
            AcmeError::Setting(AcmeSettingError::ExternalAccountFile { .. }) => {
                at(acme.and_then(|acme| acme.eab_key_file.as_ref()), file)
            }
            AcmeError::Setting(AcmeSettingError::ExternalAccountKey) => {
                let remedy = "name a file with the key as the authority shows it";
                at(acme.and_then(|acme| acme.eab_key_file.as_ref()), remedy)
            }
            AcmeError::Setting(
                AcmeSettingError::AddressOfNoHost { .. }
                | AcmeSettingError::DomainIsWildcard { .. }
                | AcmeSettingError::InvalidDomain { .. },
            ) => {
                let domains = acme.map(|acme| &acme.domains);
                self.at_or_section(domains, "acme", &problem, "correct or remove it")
            }
            AcmeError::Cache { .. } | AcmeError::Certificate(_) => {
                let remedy = "name a folder that this user can write to as `cache`";
                at(acme.and_then(|acme| acme.cache.as_ref()), remedy)
            }
            _ => at(None, "correct the section [server.acme]"),
        }
    }

    /// Makes an error about a value, or about a key of `[server]` if the value is not there.
    fn at_or_section<T>(
        &self,
        named: Option<&Spanned<T>>,
        key: &str,
        problem: &str,
        remedy: &str,
    ) -> ConfigFileError {
        match named {
            Some(value) => self.source.at(value, problem, remedy),
            None => self.source.key_error("server", key, problem, remedy),
        }
    }
}
