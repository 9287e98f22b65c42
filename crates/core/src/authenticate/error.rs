//! Errors of building an authentication layer.

use std::fmt;

use super::registered::RegisteredAuthenticator;
use crate::credential::CredentialSource;

/// Why an [`AuthenticateLayer`](super::AuthenticateLayer) cannot be built.
///
/// `Display` says what is wrong and how to correct it.
///
/// ```
/// use palisade_core::{AuthenticateBuildError, AuthenticateLayer};
///
/// let error = AuthenticateLayer::builder().build().unwrap_err();
/// assert_eq!(error, AuthenticateBuildError::NoAuthenticator);
/// assert_eq!(error.to_string(), "the list of authenticators is empty: name at least one");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthenticateBuildError {
    /// The list is empty: every request would be refused.
    NoAuthenticator,
    /// A source names `Authorization` or `Cookie` as a plain header, but the syntax
    /// of these is fixed.
    ReservedHeader {
        /// The kind of the authenticator.
        kind: &'static str,
        /// The source that it declares.
        source: CredentialSource,
    },
    /// Two authenticators read the same credential: every request with it would be ambiguous.
    SameSource {
        /// The kinds of the two authenticators.
        kinds: [&'static str; 2],
        /// The source that both declare.
        source: CredentialSource,
    },
}

impl fmt::Display for AuthenticateBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthenticator => {
                f.write_str("the list of authenticators is empty: name at least one")
            }
            Self::ReservedHeader { kind, source } => write!(
                f,
                "the authenticator `{kind}` reads {source} as a header of its own: \
                 use CredentialSource::bearer, ::Authorization or ::cookie"
            ),
            Self::SameSource {
                kinds: [one, two],
                source,
            } => write!(
                f,
                "the authenticators `{one}` and `{two}` both read {source}, so no request could say \
                 which one it means: put both issuers into one `Verifier`, both sets of keys into one \
                 store, or let one of them read another header or prefix"
            ),
        }
    }
}

impl std::error::Error for AuthenticateBuildError {}

/// Finds what would make every request ambiguous.
pub(super) fn check(all: &[RegisteredAuthenticator]) -> Result<(), AuthenticateBuildError> {
    if all.is_empty() {
        return Err(AuthenticateBuildError::NoAuthenticator);
    }
    for (index, one) in all.iter().enumerate() {
        let (kind, mut sources) = (one.info.kind, one.info.sources.iter());
        if let Some(source) = sources.find(|source| source.is_reserved()) {
            let source = source.clone();
            return Err(AuthenticateBuildError::ReservedHeader { kind, source });
        }
        for other in all.iter().skip(index + 1) {
            let shared = |source: &&_| other.info.sources.iter().any(|same| same.overlaps(source));
            if let Some(source) = one.info.sources.iter().find(shared) {
                let (kinds, source) = ([kind, other.info.kind], source.clone());
                return Err(AuthenticateBuildError::SameSource { kinds, source });
            }
        }
    }
    Ok(())
}
