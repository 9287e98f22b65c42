//! Why a resource server cannot be built.

use std::{error::Error, fmt};

use super::uri::ResourceUriProblem;
use crate::error::JwtBuildError;

/// Why a [`ResourceServer`](super::ResourceServer) cannot be built.
///
/// ```
/// use palisade_jwt::resource_server::{ResourceServer, ResourceServerBuildError};
///
/// let error = ResourceServer::builder("https://tts.example/mcp").build().unwrap_err();
/// assert!(matches!(error, ResourceServerBuildError::NoAuthorizationServer));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ResourceServerBuildError {
    /// An issuer accepts another audience than the resource, or compares another claim.
    ///
    /// A token that a client got for another service would then be valid here (RFC 8707 section 2).
    Audience {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The canonical identifier of the resource: the audience that it should accept.
        resource: Box<str>,
    },
    /// Two resources have the same identifier.
    Duplicate(Box<str>),
    /// Introspection has an audience of its own. Tokens of another resource would then be valid here.
    IntrospectionAudience,
    /// Introspection beside required proofs: its tokens are sent without one.
    IntrospectionWithRequiredProofs,
    /// An issuer was given to the verifier. Its audience would not be compared with the resource, and
    /// the metadata would not name it.
    IssuersInVerifier,
    /// A part of the token verification cannot be built.
    Jwt(JwtBuildError),
    /// No authorization server was named.
    NoAuthorizationServer,
    /// The proofs are for another origin than that of the resource.
    OriginInDpop,
    /// Two resources of one service are on different hosts. Their metadata would have one address.
    OtherHost {
        /// Scheme, host and port of the first resource.
        first: Box<str>,
        /// Those of the other.
        other: Box<str>,
    },
    /// Proofs were given to the layer. The metadata would not name them.
    ProofsInTokens,
    /// A scope has characters that are not allowed in one (RFC 6749 section 3.3).
    Scope(Box<str>),
    /// The identifier of the resource cannot be used.
    Uri(Box<str>, ResourceUriProblem),
    /// The layer has another verifier. It would not compare the audience with the resource.
    VerifierInTokens,
}

impl fmt::Display for ResourceServerBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audience { issuer, resource } => write!(
                f,
                "the issuer {issuer:?} accepts tokens for another audience than the resource: \
                 give it {resource:?} as its only audience, or call `dangerously_accept_other_audiences()`"
            ),
            Self::Duplicate(uri) => write!(f, "the resource {uri:?} is there twice"),
            Self::IntrospectionAudience => f.write_str(
                "`introspection(..)` has an audience: leave it out, since the resource is the audience, or call `dangerously_accept_other_audiences()`",
            ),
            Self::IntrospectionWithRequiredProofs => f.write_str(
                "proofs of possession are required, and tokens that the issuer is asked about are sent without one: remove `introspection(..)` or `require_proofs()`",
            ),
            Self::IssuersInVerifier => f.write_str(
                "`verifier(..)` added an issuer: add it with `authorization_server(..)`, which compares its audience",
            ),
            Self::Jwt(error) => error.fmt(f),
            Self::NoAuthorizationServer => f.write_str(
                "no authorization server: name one with `authorization_server(..)` or `discover(..)`",
            ),
            Self::OriginInDpop => f.write_str(
                "`dpop(..)` returned a builder of another origin: change the one that it is given",
            ),
            Self::OtherHost { first, other } => write!(
                f,
                "the resources are on {first:?} and {other:?}: use one service for each host"
            ),
            Self::ProofsInTokens => f.write_str(
                "`tokens(..)` accepts proofs: accept them with `dpop(..)` of the resource server",
            ),
            Self::Scope(scope) => write!(
                f,
                "{scope:?} is no scope: use printable ASCII without space, quote and backslash"
            ),
            Self::VerifierInTokens => f.write_str(
                "`tokens(..)` returned a builder with another verifier: change the one that it is given",
            ),
            Self::Uri(uri, problem) => write!(f, "the resource {uri:?} {problem}"),
        }
    }
}

impl Error for ResourceServerBuildError {}

impl From<JwtBuildError> for ResourceServerBuildError {
    fn from(error: JwtBuildError) -> Self {
        match error {
            JwtBuildError::Scope(scope) => Self::Scope(scope),
            other => Self::Jwt(other),
        }
    }
}
