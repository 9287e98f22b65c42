//! `[server.acme]`: certificates from an authority (RFC 8555).

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use palisade_core::SharedClock;
use palisade_transport::server::{
    Acme, AcmeBuilder, AcmeError, ChallengeKind, LETS_ENCRYPT, LETS_ENCRYPT_STAGING,
};

use crate::config::{CertificateSource, Config, ConfigFileError, document};

/// The settings of `[server.acme]`. Returned by [`Config::server`].
///
/// Nothing is opened or requested until [`open`](Self::open).
///
/// # Examples
///
/// ```
/// use palisade::config::{CertificateSource, Config};
///
/// let config = Config::parse(r#"
///     [server]
///     hosts = ["notes.example"]
///     acme = { domains = ["notes.example"], terms = "accepted" }
/// "#)?;
/// let CertificateSource::Acme(acme) = config.server()?.certificate else {
///     unreachable!("the file has the section");
/// };
/// assert_eq!(acme.domains, ["notes.example"]);
/// assert!(acme.self_check && acme.external_account.is_none());
/// # Ok::<(), palisade::config::ConfigFileError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AcmeSettings {
    /// The hosts of the certificate.
    pub domains: Vec<String>,
    /// E-mail addresses for warnings of the authority.
    pub contacts: Vec<String>,
    /// The `https` address of the directory of the authority. Default: Let's Encrypt.
    pub directory: String,
    /// The PEM file that the interface of a private authority is checked with. Default: the
    /// trusted certificates of the machine.
    pub root: Option<PathBuf>,
    /// The folder for account and certificate. Default: `acme` beside the file.
    pub cache: PathBuf,
    /// How the authority checks the hosts. Default: `tls-alpn-01`.
    pub challenge: ChallengeKind,
    /// The profile of the certificate. Default: the authority chooses.
    pub profile: Option<String>,
    /// The port at which the authority connects, if it is not that of the standard.
    pub validation_port: Option<u16>,
    /// Whether the server requests its own challenge before the first order. Default: yes.
    pub self_check: bool,
    /// The identifier of an external account, and the file with its key.
    pub external_account: Option<(String, PathBuf)>,
}

impl AcmeSettings {
    /// Opens the cache, and returns what orders the certificates.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a value cannot be used. See [`AcmeBuilder::build`].
    /// [`Config::acme_error`] tells the key that the error is about.
    pub fn open(&self, clock: SharedClock) -> Result<Acme, AcmeError> {
        self.builder(clock).build()
    }

    /// Returns the settings for code that changes some of them, such as the directory for a trial.
    /// The terms are accepted: the file says so.
    ///
    /// No file is read before [`AcmeBuilder::build`].
    pub fn builder(&self, clock: SharedClock) -> AcmeBuilder {
        let mut builder = Acme::builder(self.domains.iter().cloned(), &self.cache)
            .accept_terms()
            .directory(self.directory.as_str())
            .challenge(self.challenge)
            .clock(clock);
        for contact in &self.contacts {
            builder = builder.contact(contact);
        }
        if let Some(root) = &self.root {
            builder = builder.root_file(root);
        }
        if let Some(profile) = &self.profile {
            builder = builder.profile(profile.as_str());
        }
        if let Some(port) = self.validation_port {
            builder = builder.validation_port(port);
        }
        if let Some((key_id, file)) = &self.external_account {
            builder = builder.external_account_file(key_id.as_str(), file);
        }
        if !self.self_check {
            builder = builder.without_self_check();
        }
        builder
    }
}

impl Config {
    /// Reads `[server.acme]`, and compares it with the rest of `[server]`.
    ///
    /// # Errors
    ///
    /// A key cannot be used, or contradicts another key of `[server]`.
    pub(in crate::config) fn acme(
        &self,
        acme: &document::Acme,
    ) -> Result<CertificateSource, ConfigFileError> {
        self.refuse_other_certificates()?;
        self.check_terms(acme)?;
        self.check_domains(acme)?;
        let challenge = self.challenge(acme)?;
        let path = |path: &toml::Spanned<PathBuf>| self.path(path.get_ref());
        Ok(CertificateSource::Acme(AcmeSettings {
            domains: acme.domains.get_ref().clone(),
            contacts: acme.contact.clone(),
            directory: self.directory(acme)?,
            root: acme.root.as_ref().map(path),
            cache: acme
                .cache
                .as_ref()
                .map_or_else(|| self.path(Path::new("acme")), path),
            challenge,
            profile: acme.profile.clone(),
            validation_port: acme.validation_port.as_ref().map(|port| *port.get_ref()),
            self_check: acme.self_check.unwrap_or(true),
            external_account: self.external_account(acme)?,
        }))
    }

    /// Refuses a second source of the certificate, and a second program that responds to challenges.
    ///
    /// # Errors
    ///
    /// `certificate`, `key` or `acme_webroot` is there too.
    fn refuse_other_certificates(&self) -> Result<(), ConfigFileError> {
        let server = &self.document.server;
        let files = [&server.certificate, &server.key]
            .into_iter()
            .flatten()
            .next();
        let problem = "the certificate comes from [server.acme] already";
        if let Some(file) = files {
            let remedy = "remove it, or remove [server.acme]";
            return Err(self.source.at(file, problem, remedy));
        }
        match &server.acme_webroot {
            Some(folder) => {
                let remedy = "remove it: it is for another program that orders certificates";
                Err(self.source.at(folder, problem, remedy))
            }
            None => Ok(()),
        }
    }

    /// Refuses a section without the consent of the operator, which RFC 8555 section 7.3 requires.
    ///
    /// # Errors
    ///
    /// `terms` is not `"accepted"`.
    fn check_terms(&self, acme: &document::Acme) -> Result<(), ConfigFileError> {
        let remedy = "read the terms of service of the authority, then write terms = \"accepted\"";
        let problem = "the terms of service of the authority are not accepted";
        match &acme.terms {
            Some(terms) if terms.get_ref() == "accepted" => Ok(()),
            Some(terms) => Err(self.source.at(terms, problem, remedy)),
            None => Err(self.source.key_error("server", "acme", problem, remedy)),
        }
    }

    /// Every host of the certificate must be served. A host that is served and not in the
    /// certificate is a warning of `check_server`.
    ///
    /// # Errors
    ///
    /// There is no domain, or one that `hosts` does not serve.
    fn check_domains(&self, acme: &document::Acme) -> Result<(), ConfigFileError> {
        let hosts = self.allowed_hosts()?;
        let is_served = |domain: &&String| {
            let name = as_host(domain);
            hosts.allow(&name, palisade_core::Scheme::Https)
                || self
                    .hosts()
                    .any(|host| host.starts_with(&format!("{name}:")))
        };
        match acme
            .domains
            .get_ref()
            .iter()
            .find(|domain| !is_served(domain))
        {
            Some(domain) => {
                let problem = format!("`{domain}` is not served, so its certificate has no use");
                let remedy = "add it to `hosts` of [server], or remove it here";
                Err(self.source.at(&acme.domains, problem, remedy))
            }
            None => Ok(()),
        }
    }

    /// Reads the kind of challenge. `http-01` needs a listener without TLS, to which the authority
    /// connects.
    ///
    /// # Errors
    ///
    /// The kind is unknown, or `http-01` without `http`.
    fn challenge(&self, acme: &document::Acme) -> Result<ChallengeKind, ConfigFileError> {
        let Some(written) = &acme.challenge else {
            return Ok(ChallengeKind::default());
        };
        match written.get_ref().as_str() {
            "tls-alpn-01" => Ok(ChallengeKind::TlsAlpn01),
            "http-01" if self.document.server.http.is_some() => Ok(ChallengeKind::Http01),
            "http-01" => {
                let problem =
                    "http-01 challenges arrive without TLS, and no such listener is configured";
                Err(self
                    .source
                    .at(written, problem, "add http = \"0.0.0.0:80\" to [server]"))
            }
            _ => {
                let remedy = "write \"tls-alpn-01\" or \"http-01\"";
                Err(self.source.at(written, "no such challenge", remedy))
            }
        }
    }

    /// Reads the directory: an address, or the short name of a known one.
    ///
    /// # Errors
    ///
    /// It is neither a known name nor an `https` address.
    fn directory(&self, acme: &document::Acme) -> Result<String, ConfigFileError> {
        let Some(written) = &acme.directory else {
            return Ok(LETS_ENCRYPT.to_owned());
        };
        match written.get_ref().as_str() {
            "letsencrypt" => Ok(LETS_ENCRYPT.to_owned()),
            "letsencrypt-staging" => Ok(LETS_ENCRYPT_STAGING.to_owned()),
            url if url.starts_with("https://") => Ok(url.to_owned()),
            _ => {
                let remedy = "write \"letsencrypt\", \"letsencrypt-staging\" or an https address";
                Err(self.source.at(
                    written,
                    "this is not the address of an ACME directory",
                    remedy,
                ))
            }
        }
    }

    /// Both keys of the external account, or none.
    ///
    /// # Errors
    ///
    /// One of the two keys is there without the other.
    fn external_account(
        &self,
        acme: &document::Acme,
    ) -> Result<Option<(String, PathBuf)>, ConfigFileError> {
        match (&acme.eab_key_id, &acme.eab_key_file) {
            (None, None) => Ok(None),
            (Some(id), Some(file)) => Ok(Some((id.get_ref().clone(), self.path(file.get_ref())))),
            (Some(alone), None) => {
                let problem = "an external account without its key";
                Err(self
                    .source
                    .at(alone, problem, "add eab_key_file = \"eab.key\""))
            }
            (None, Some(alone)) => {
                let problem = "a key of an external account without its identifier";
                Err(self.source.at(alone, problem, "add eab_key_id = \"…\""))
            }
        }
    }
}

/// Returns a name of a certificate as `hosts` and the `Host` field have it: in lower case, IPv6 in
/// brackets.
fn as_host(domain: &str) -> String {
    match domain.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => domain.to_ascii_lowercase(),
    }
}
