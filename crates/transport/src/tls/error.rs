//! Errors of certificates and keys.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
};

/// Why a certificate cannot be used.
///
/// `Display` is one line for the operator, with the file and the remedy. It never contains key
/// material.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::{CertificateError, Certificates};
///
/// let error = Certificates::from_pem(b"no certificate", b"no key").unwrap_err();
/// assert!(matches!(error, CertificateError::Unreadable { .. }));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// The certificate of the server is in the chain, but not first (RFC 8446, section 4.4.2).
    ChainOrder {
        /// Where the chain was read.
        path: PathBuf,
    },
    /// The certificate has expired, or is not valid yet.
    Expired {
        /// Where it was read.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A certificate or a key cannot be created.
    Make(MakeProblem),
    /// The key is of another certificate.
    Mismatch {
        /// Where the certificate was read.
        path: PathBuf,
    },
    /// Others than the owner can read a key.
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A file does not contain what it should.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
}

/// Why a certificate cannot be created.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MakeProblem {
    /// No key can be generated.
    Key,
    /// A host is no name that a certificate can have.
    Name,
    /// The certificate cannot be encoded or signed.
    Signature,
}

impl CertificateError {
    /// Returns the file that the error is about. `None` if there is none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::ChainOrder { path }
            | Self::Expired { path }
            | Self::File { path, .. }
            | Self::Mismatch { path }
            | Self::Open { path }
            | Self::Unreadable { path, .. } => Some(path),
            Self::Make(_) => None,
        }
    }

    /// Returns whether a file does not exist.
    #[cfg(feature = "acme")]
    pub(in crate::tls) fn is_missing_file(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn unreadable(path: &Path, expected: &'static str) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            expected,
        }
    }

    pub(super) fn make(error: &rcgen::Error) -> Self {
        // The text of the library is for developers of this crate.
        tracing::debug!(%error, "a certificate cannot be made");
        Self::Make(match error {
            rcgen::Error::InvalidAsn1String(_)
            | rcgen::Error::InvalidNameType
            | rcgen::Error::InvalidIpAddressOctetLength(_) => MakeProblem::Name,
            rcgen::Error::KeyGenerationUnavailable | rcgen::Error::CouldNotParseKeyPair => {
                MakeProblem::Key
            }
            _ => MakeProblem::Signature,
        })
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChainOrder { path } => write!(
                f,
                "{}: the chain is in the wrong order; put the certificate of the server first, \
                 then the one that signed it, and so on",
                path.display()
            ),
            Self::Expired { path } => {
                write!(f, "{}: not valid today; renew it", path.display())
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Make(problem) => write!(
                f,
                "cannot make a certificate: {}",
                match problem {
                    MakeProblem::Key => "its key cannot be generated",
                    MakeProblem::Name => "a host is no name that a certificate can have",
                    MakeProblem::Signature => "the library cannot encode or sign it",
                }
            ),
            Self::Mismatch { path } => {
                write!(
                    f,
                    "{}: the private key does not belong to this certificate; use the key that \
                     the certificate was requested with",
                    path.display()
                )
            }
            Self::Open { path } => {
                let path = path.display();
                write!(f, "{path}: others can read this key; `chmod 600 {path}`")
            }
            Self::Unreadable { path, expected } => {
                write!(f, "{}: this is not {expected}", path.display())
            }
        }
    }
}

impl error::Error for CertificateError {}
