//! Why a layer for client certificates cannot be built.

use std::{error::Error, fmt};

use palisade_core::AuthenticateBuildError;

/// Why a [`ClientCertificateLayer`](super::ClientCertificateLayer) cannot be built.
///
/// ```
/// use palisade_transport::{ClientCertificateBuildError, ClientCertificateLayer};
///
/// let error = ClientCertificateLayer::builder().build().unwrap_err();
/// assert_eq!(error, ClientCertificateBuildError::NoCertificate);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientCertificateBuildError {
    /// The core refuses the authenticator.
    Authenticate(AuthenticateBuildError),
    /// Two entries have the same name.
    Duplicate(Box<str>),
    /// A name, or the id of a principal, is empty.
    Empty,
    /// There is neither an entry nor a function: every request would be refused.
    NoCertificate,
}

impl fmt::Display for ClientCertificateBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticate(error) => error.fmt(f),
            Self::Duplicate(name) => write!(f, "{name} is there twice: remove one entry"),
            Self::Empty => f.write_str(
                "a name of a certificate or the id of its principal is empty: write both",
            ),
            Self::NoCertificate => f.write_str(
                "no certificate is accepted: name one with `uri(..)`, `subject(..)`, `sha256(..)` or `function(..)`",
            ),
        }
    }
}

impl Error for ClientCertificateBuildError {}
