//! Why the parts of this crate cannot be built when the service starts.
//!
//! Each message says what is wrong with the setting, with the range where it has one.

use std::{error::Error, fmt, path::PathBuf};

use palisade_core::AuthenticateBuildError;

use super::{KeyError, RevocationError};
use crate::algorithm::Algorithm;

/// Why a set of keys, a [`Verifier`](crate::Verifier) or a [`JwtLayer`](crate::JwtLayer) cannot be
/// built.
///
/// ```
/// use palisade_jwt::{JwtBuildError, Verifier};
///
/// let problem = Verifier::builder().build().unwrap_err();
/// assert!(matches!(problem, JwtBuildError::NoIssuer));
/// assert_eq!(problem.to_string(), "a verifier needs at least one issuer");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum JwtBuildError {
    /// [`Issuer::audience_claim`](crate::Issuer::audience_claim) without
    /// [`Issuer::require_value`](crate::Issuer::require_value): any token of the client, an ID
    /// token included, would be an access token.
    AudienceClaimAlone(Box<str>),
    /// The core cannot read tokens from this place.
    Authenticate(AuthenticateBuildError),
    /// An algorithm of another family: only an RSA algorithm can be bound to RSA keys.
    Algorithm(Algorithm),
    /// [`VerifierBuilder::max_clock_step`](crate::VerifierBuilder::max_clock_step) is over a week.
    ClockStep,
    /// No algorithm of proofs (RFC 9449) is accepted, or one for shared secrets is.
    DpopAlgorithms,
    /// The age of proofs is not between a second and 10 minutes, their leeway is over 10 minutes, or
    /// not between 16 and 10 million of them are remembered.
    DpopBounds,
    /// The secret of nonces is shorter than 32 bytes, or none could be drawn.
    DpopNonceSecret,
    /// The origin of this service is not a scheme, a host and perhaps a port.
    DpopOrigin(Box<str>),
    /// The deadline of a fetch is zero or over 30 seconds.
    FetchTimeout,
    /// The hard age of keys is over a week, or under their lifetime.
    HardAge,
    /// A rule of an issuer has an empty list, so that no token can follow it.
    ImpossibleRule(Box<str>),
    /// A bound of `TokenIntrospection` is out of its own bounds.
    IntrospectionBounds,
    /// Introspection has no credential of this service, or one that cannot be sent.
    IntrospectionCredential,
    /// Introspection has no audience.
    IntrospectionAudience,
    /// An issuer is listed twice, or has an empty name or audience.
    Issuer(Box<str>),
    /// A single key is refused.
    Key(KeyError),
    /// The lifetime of fetched keys is not between a minute and a day.
    KeyLifetime,
    /// With several issuers each needs a label, different and without `:`.
    ///
    /// Otherwise `sub` of one issuer could be the same principal as `sub` of another.
    Label(Box<str>),
    /// [`VerifierBuilder::leeway`](crate::VerifierBuilder::leeway) is over 5 minutes.
    Leeway,
    /// [`Issuer::max_lifetime`](crate::Issuer::max_lifetime) is zero or over 10 years.
    MaxLifetime,
    /// The verifier has no issuer.
    NoIssuer,
    /// There is no key that could verify a token.
    NoKeys,
    /// Neither a type of token (`typ`) nor a token without type is accepted.
    NoTokenType,
    /// The document is not a JWK set (RFC 7517 section 5).
    NotAKeySet,
    /// A file cannot be read, or others may write it.
    Read(PathBuf, std::io::Error),
    /// The realm is not printable ASCII of at most 128 bytes without quotes and backslashes.
    Realm,
    /// More than a million tokens would be remembered.
    RememberedTokens,
    /// A change of a list of revoked tokens is refused.
    Revocation(RevocationError),
    /// A name in [`JwtLayerBuilder::scope_implies`](crate::JwtLayerBuilder::scope_implies) is no scope
    /// (RFC 6749 section 3.3).
    Scope(Box<str>),
    /// [`VerifierBuilder::longest_token`](crate::VerifierBuilder::longest_token) is not between 256
    /// bytes and 64 KiB.
    TokenLength,
    /// A layer has more than 16 attributes.
    TooManyAttributes,
    /// No certificate authority could be loaded to check the server of a key set.
    TrustAnchors,
    /// The URL of a key set is not an absolute `https` URL. Shown without user and query, which may
    /// be secret.
    Url(Box<str>),
}

impl fmt::Display for JwtBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Algorithm(algorithm) => {
                return write!(
                    f,
                    "RSA keys cannot be bound to {algorithm}; use RS256, PS256 or another RSA algorithm"
                );
            }
            Self::Authenticate(error) => return error.fmt(f),
            Self::AudienceClaimAlone(name) => {
                return write!(
                    f,
                    "the issuer {name:?} has an audience claim other than `aud`; add require_value, so that its ID tokens are not accepted"
                );
            }
            Self::ClockStep => "the clock step that is ignored is over a week",
            Self::DpopAlgorithms => {
                "no algorithm of DPoP proofs is accepted, or one for shared secrets is; name asymmetric ones"
            }
            Self::DpopBounds => {
                "a DPoP proof is accepted for 1 second to 10 minutes, with a leeway of at most 10 minutes, and 16 to 10 million are remembered"
            }
            Self::DpopNonceSecret => "the secret of DPoP nonces is shorter than 32 bytes",
            Self::DpopOrigin(origin) => {
                return write!(f, "{origin:?} is no origin; write https://HOST or https://HOST:PORT");
            }
            Self::FetchTimeout => "the deadline of a fetch is zero or over 30 seconds",
            Self::HardAge => "the hard age of keys is over a week, or under their lifetime",
            Self::ImpossibleRule(name) => {
                return write!(
                    f,
                    "a list of required values or algorithms of the issuer {name:?} is empty, so no token could be accepted"
                );
            }
            Self::IntrospectionAudience => {
                "introspection needs the audience of this service: call audience(..), or dangerously_accept_any_audience()"
            }
            Self::IntrospectionBounds => {
                "a response of introspection is kept for at most 10 minutes, in an outage for an hour, a negative one for a minute; at most a million are kept; the timeout is at most 30 seconds"
            }
            Self::IntrospectionCredential => {
                "introspection needs the credential of this service: call client(..) or bearer(..)"
            }
            Self::Issuer(name) => {
                return write!(
                    f,
                    "the issuer {name:?} is listed twice, or its name or audience is empty"
                );
            }
            Self::Key(error) => return error.fmt(f),
            Self::KeyLifetime => "the lifetime of keys is not between a minute and a day",
            Self::Label(name) => {
                return write!(
                    f,
                    "the issuer {name:?} needs a label of its own without `:`, since there are several issuers"
                );
            }
            Self::Leeway => "the leeway is over 5 minutes",
            Self::MaxLifetime => "the longest lifetime of a token is zero or over 10 years",
            Self::NoIssuer => "a verifier needs at least one issuer",
            Self::NoKeys => "there is no usable key",
            Self::NoTokenType => "no type of token is accepted",
            Self::NotAKeySet => "the document is not a JSON Web Key Set (RFC 7517 section 5)",
            Self::Read(path, cause) => return write!(f, "cannot read {}: {cause}", path.display()),
            Self::Realm => {
                "the realm is not printable ASCII of at most 128 bytes without quotes and backslashes"
            }
            Self::RememberedTokens => "more than a million tokens would be remembered",
            Self::Revocation(error) => return error.fmt(f),
            Self::Scope(scope) => {
                return write!(
                    f,
                    "{scope:?} is no scope: use printable ASCII without space, quote and backslash"
                );
            }
            Self::TokenLength => "the longest token is not between 256 bytes and 64 KiB",
            Self::TooManyAttributes => "the layer has more than 16 attributes",
            Self::TrustAnchors => "no trust anchor for fetching keys could be loaded",
            Self::Url(url) => {
                return write!(
                    f,
                    "{url:?} is not an absolute https URL without user and fragment"
                );
            }
        })
    }
}

impl Error for JwtBuildError {}

impl From<KeyError> for JwtBuildError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<RevocationError> for JwtBuildError {
    fn from(error: RevocationError) -> Self {
        Self::Revocation(error)
    }
}
