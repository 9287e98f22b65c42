//! Which setting of an [`Acme`](super::Acme) cannot be used.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
};

/// Which setting cannot be used, as part of [`AcmeError::Setting`](super::AcmeError::Setting).
///
/// `Display` is one line for the operator, with the remedy. It never contains a key.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::{Acme, AcmeError, AcmeSettingError};
///
/// let builder = Acme::builder(["tts.example"], "/var/lib/tts/acme").accept_terms();
/// let error = builder.root_file("/none.pem").build().unwrap_err();
/// assert!(matches!(error, AcmeError::Setting(AcmeSettingError::RootFile { .. })));
/// assert!(error.to_string().starts_with("/none.pem: "));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AcmeSettingError {
    /// A name is an address that no host has: an unspecified or a multicast one.
    AddressOfNoHost {
        /// The name.
        domain: Box<str>,
    },
    /// The directory of the authority is not an `https` address.
    Directory,
    /// A name is a wildcard.
    DomainIsWildcard {
        /// The name.
        domain: Box<str>,
    },
    /// The file with the key of the external account cannot be read.
    ExternalAccountFile {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The key of the external account is not base64url.
    ExternalAccountKey,
    /// A name is not that of a host.
    InvalidDomain {
        /// The name.
        domain: Box<str>,
    },
    /// There is no name.
    NoDomain,
    /// The machine has no trusted certificates, and none are set.
    NoTrustedRoots,
    /// The trusted certificates are not in PEM.
    Root,
    /// The file with the trusted certificates cannot be read.
    RootFile {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The terms of service of the authority are not accepted.
    TermsNotAccepted,
    /// The TLS library has no usable cipher suite.
    Tls,
    /// There are more than 100 names.
    TooManyDomains,
}

impl fmt::Display for AcmeSettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = |f: &mut fmt::Formatter<'_>, path: &Path, source: &io::Error| {
            write!(f, "{}: {source}", path.display())
        };
        let text = match self {
            Self::AddressOfNoHost { domain } => {
                let problem = "no host has this address; name the public address of this server";
                return write!(f, "`{domain}`: {problem}");
            }
            Self::Directory => "the directory of the authority must be an https address",
            Self::DomainIsWildcard { domain } => {
                let problem =
                    "a wildcard needs the challenge dns-01, which is not supported; name each host";
                return write!(f, "`{domain}`: {problem}");
            }
            Self::ExternalAccountFile { path, source } | Self::RootFile { path, source } => {
                return file(f, path, source);
            }
            Self::ExternalAccountKey => "the key of the external account is not base64url",
            Self::InvalidDomain { domain } => {
                let problem = "this is not a host name; write it without scheme, port and path";
                return write!(f, "`{domain}`: {problem}");
            }
            Self::NoDomain => "name at least one host",
            Self::NoTrustedRoots => {
                "there are no trusted certificates; install the package `ca-certificates`, \
                 or set `root` to the certificate of the authority in PEM"
            }
            Self::Root => "root: this is not a certificate in PEM",
            Self::TermsNotAccepted => "the terms of service of the authority must be accepted",
            Self::Tls => "the TLS library has no usable cipher suite",
            Self::TooManyDomains => "a certificate has at most 100 names",
        };
        f.write_str(text)
    }
}

impl error::Error for AcmeSettingError {}
