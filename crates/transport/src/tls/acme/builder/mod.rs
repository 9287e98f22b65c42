//! Settings of an [`Acme`], checked before anything is requested.
//!
//! An authority counts refused orders against the account, so what can be known here is an error
//! here: wildcards, names with a port, terms that are not accepted, a cache that cannot be
//! written.
//!
//! `account` has the account with the authority, `self_check` the check that is made before it is asked.

mod account;
mod self_check;

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, RwLock, atomic::AtomicBool},
};

use palisade_core::{SharedClock, SystemClock};
use zeroize::Zeroizing;

use super::{
    Acme, AcmeError, AcmeSettingError, Inner,
    account::{AccountSettings, external_account},
    cache::Cache,
    challenge::{ChallengeKind, Challenges, SelfCheck},
    client::AuthorityClient,
    domains::checked_domains,
};
use crate::tls::files;

/// The directory of Let's Encrypt, whose certificates browsers trust.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The staging directory of Let's Encrypt: generous limits, and certificates that no browser trusts.
pub const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// Settings of an [`Acme`]. Returned by [`Acme::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`accept_terms`](Self::accept_terms) | not accepted: [`build`](Self::build) fails |
/// | [`directory`](Self::directory) | Let's Encrypt |
/// | [`root`](Self::root) | the trusted certificates of the machine |
/// | [`contact`](Self::contact) | none |
/// | [`challenge`](Self::challenge) | `tls-alpn-01` |
/// | [`external_account`](Self::external_account) | none |
/// | [`profile`](Self::profile) | the one that the authority chooses |
/// | [`without_self_check`](Self::without_self_check) | the check is made |
/// | [`validation_port`](Self::validation_port) | 443 for `tls-alpn-01`, 80 for `http-01` |
/// | [`resolve`](Self::resolve) | DNS |
/// | [`clock`](Self::clock) | the system clock |
///
/// # Examples
///
/// One certificate for two hosts from Let's Encrypt:
///
/// ```no_run
/// use palisade_transport::server::Acme;
///
/// let acme = Acme::builder(["tts.example.com", "www.example.com"], "/var/lib/tts/acme")
///     .accept_terms()
///     .contact("ops@example.com")
///     .build()?;
/// # drop(acme); Ok::<(), palisade_transport::server::AcmeError>(())
/// ```
///
/// The authority of a company, with its own root, account and addresses:
///
/// ```no_run
/// use palisade_transport::server::{Acme, ChallengeKind};
///
/// let acme = Acme::builder(["tts.corp.example"], "/var/lib/tts/acme")
///     .accept_terms()
///     .directory("https://ca.corp.example/acme/acme/directory")
///     .root(std::fs::read("/etc/ssl/corp-root.pem")?)
///     .external_account("kid-1", "c2VjcmV0LW9mLXRoZS1vcGVyYXRvcg")
///     .challenge(ChallengeKind::Http01)
///     .resolve("tts.corp.example", ["10.0.0.7".parse()?])
///     .build()?;
/// # drop(acme); Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct AcmeBuilder {
    /// As given. `build` checks them and makes them lower case.
    domains: Vec<String>,
    cache: PathBuf,
    contacts: Vec<String>,
    /// There is no default: the terms are a contract with the operator.
    terms_accepted: bool,
    directory: String,
    /// PEM. `None` for the trusted certificates of the machine.
    root: Option<Vec<u8>>,
    root_file: Option<PathBuf>,
    challenge: ChallengeKind,
    /// `None` for the choice of the authority.
    profile: Option<String>,
    /// The identifier and the key in base64url, decoded by `build`.
    external: Option<(String, Zeroizing<String>)>,
    /// The identifier, and the file with the key.
    external_file: Option<(String, PathBuf)>,
    self_check: bool,
    /// `None` for the port of the challenge.
    validation_port: Option<u16>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
    clock: SharedClock,
}

impl AcmeBuilder {
    pub(super) fn new(domains: Vec<String>, cache: PathBuf) -> Self {
        Self {
            domains,
            cache,
            contacts: Vec::new(),
            terms_accepted: false,
            directory: LETS_ENCRYPT.to_owned(),
            root: None,
            root_file: None,
            challenge: ChallengeKind::default(),
            profile: None,
            external: None,
            external_file: None,
            self_check: true,
            validation_port: None,
            addresses: BTreeMap::new(),
            clock: SystemClock::shared(),
        }
    }

    /// Sets the directory of the authority (RFC 8555, section 7.1.1): an `https` address. Default:
    /// [`LETS_ENCRYPT`]. For a trial use [`LETS_ENCRYPT_STAGING`].
    ///
    /// | authority | directory |
    /// |---|---|
    /// | Let's Encrypt | [`LETS_ENCRYPT`] |
    /// | Let's Encrypt, for trials | [`LETS_ENCRYPT_STAGING`] |
    /// | a private one, such as step-ca | `https://HOST/acme/NAME/directory` |
    pub fn directory(mut self, url: impl Into<String>) -> Self {
        self.directory = url.into();
        self
    }

    /// Trusts only these certificates, in PEM, when it connects to the authority. For a private
    /// authority. Default: the trusted certificates of the machine.
    pub fn root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Trusts only the certificates of this PEM file. It is read by [`build`](Self::build), and takes
    /// the place of [`root`](Self::root).
    pub fn root_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_file = Some(path.into());
        self
    }

    /// Sets how the authority checks the names. Default: [`ChallengeKind::TlsAlpn01`].
    pub fn challenge(mut self, kind: ChallengeKind) -> Self {
        self.challenge = kind;
        self
    }

    /// Sets the profile of the certificate, one of those that the directory of the authority names.
    /// Default: the authority chooses.
    ///
    /// Let's Encrypt has `classic`, `tlsserver` and `shortlived`. With a life of six days, as
    /// `shortlived` has, a certificate is renewed every four days, so a failure must be noticed soon. An
    /// unknown profile is refused by the authority.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use palisade_transport::server::Acme;
    ///
    /// let builder = Acme::builder(["tts.example.com"], "/var/lib/tts/acme")
    ///     .accept_terms()
    ///     .profile("shortlived");
    /// # let _ = builder;
    /// ```
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings, and creates the folder of the cache (mode 0700).
    ///
    /// # Errors
    ///
    /// [`AcmeError::Setting`] if a setting cannot be used, or the terms are not accepted.
    /// [`AcmeError::Cache`] if the cache cannot be created or read. A cache that is only readable
    /// is an error if it has no certificate: no order could be made.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{Acme, AcmeError};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let cache = folder.path();
    /// let refused = Acme::builder(["*.example.com"], cache).accept_terms().build().unwrap_err();
    /// assert!(matches!(refused, AcmeError::Setting(_)));
    /// assert!(refused.to_string().contains("name each host"), "{refused}");
    ///
    /// let refused = Acme::builder(["tts.example.com"], cache).build().unwrap_err();
    /// assert!(refused.to_string().contains("terms of service"), "{refused}");
    /// ```
    pub fn build(mut self) -> Result<Acme, AcmeError> {
        if !self.terms_accepted {
            return Err(AcmeSettingError::TermsNotAccepted.into());
        }
        self.read_files()?;
        let domains = checked_domains(self.domains)?;
        if !self.directory.starts_with("https://") {
            return Err(AcmeSettingError::Directory.into());
        }
        let cache = Cache::new(self.cache, &self.directory, &domains);
        if let Err(error) = cache.create() {
            match cache.certificate()? {
                Some(_) => tracing::warn!(%error, "the certificate cannot be renewed"),
                None => return Err(error),
            }
        }
        let port = self.validation_port.unwrap_or(match self.challenge {
            ChallengeKind::Http01 => 80,
            ChallengeKind::TlsAlpn01 => 443,
        });
        let inner = Inner {
            client: AuthorityClient::new(self.root.as_deref(), self.clock.clone())?,
            challenges: Challenges::new(cache.challenges(), domains.clone()),
            cache,
            account: AccountSettings {
                directory: self.directory,
                contacts: self.contacts,
                external: self.external.map(external_account).transpose()?,
            },
            self_check: SelfCheck {
                kind: self.challenge,
                port,
                addresses: self.addresses,
            },
            domains,
            profile: self.profile,
            needs_self_check: AtomicBool::new(self.self_check),
            clock: self.clock,
            observer: RwLock::default(),
            suggestion: Mutex::default(),
            last_problem: Mutex::default(),
        };
        Ok(Acme {
            inner: Arc::new(inner),
        })
    }
}

impl AcmeBuilder {
    /// Reads the files that are named.
    fn read_files(&mut self) -> Result<(), AcmeSettingError> {
        if let Some(path) = self.root_file.take() {
            match files::read_regular(&path) {
                Ok(pem) => self.root = Some(pem.to_vec()),
                Err(source) => return Err(AcmeSettingError::RootFile { path, source }),
            }
        }
        if let Some((key_id, path)) = self.external_file.take() {
            match files::read_regular(&path).and_then(|key| utf8(&key)) {
                Ok(key) => self.external = Some((key_id, key)),
                Err(source) => return Err(AcmeSettingError::ExternalAccountFile { path, source }),
            }
        }
        Ok(())
    }
}

/// Reads bytes as text.
fn utf8(bytes: &[u8]) -> io::Result<Zeroizing<String>> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(
        domains: &[&str],
        change: impl FnOnce(AcmeBuilder) -> AcmeBuilder,
    ) -> Result<Acme, AcmeError> {
        let folder = tempfile::tempdir().unwrap();
        change(Acme::builder(domains.iter().copied(), folder.path()).root(root())).build()
    }

    fn root() -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        made.cert.pem().into_bytes()
    }

    #[test]
    fn nothing_is_built_before_the_terms_are_accepted() {
        let refused = build(&["a.example"], |builder| builder).unwrap_err();
        assert!(refused.to_string().contains("terms of service"));
        let built = build(&["A.example", "a.example"], AcmeBuilder::accept_terms).unwrap();
        assert_eq!(built.domains(), ["a.example"]);
    }

    #[test]
    fn the_authority_is_reached_over_https_alone() {
        let refused = build(&["a.example"], |builder| {
            builder.accept_terms().directory("http://acme.example/dir")
        });
        assert!(matches!(refused, Err(AcmeError::Setting(_))));
    }
}
