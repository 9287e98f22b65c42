//! Errors of building an authentication layer.

use std::fmt;

use super::CredentialSource;

/// Why an [`AuthenticateLayer`](super::AuthenticateLayer) cannot be built.
///
/// `Display` says what is wrong and how to correct it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthenticateBuildError {
    /// The list is empty: every request would be refused.
    NoAuthenticator,
    /// A source names `Authorization` or `Cookie` as a plain header, but these have a syntax of
    /// their own.
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
