//! The errors of this crate.
//!
//! [`KeyError`] and [`JwtBuildError`] are for the operator, when the service starts. [`InvalidToken`]
//! is for the audit trail, while it runs. None of them has a token or a key in it.

use std::{error::Error, fmt, path::PathBuf};

use crate::algorithm::Algorithm;

/// Why a token is refused.
///
/// For operators: the client receives `invalid_token` for all of them, or 503 for
/// [`KeysUnavailable`](Self::KeysUnavailable) and [`ListUnavailable`](Self::ListUnavailable). Use
/// [`code`](Self::code) in metrics.
///
/// | when it is found | what it says of the token |
/// |---|---|
/// | before the signature is checked: form, header, issuer, types of claims | anyone can have written it |
/// | by the signature: key, algorithm, signature | it is not of the issuer, or a key is missing here |
/// | after the signature: audience, dates, required claims, kind, revocation | the issuer signed it, and it is not for this service now |
///
/// Only the first two count as guesses in limits on failed credentials.
///
/// ```
/// use palisade_jwt::InvalidToken;
///
/// assert_eq!(InvalidToken::Expired.code(), "expired");
/// let missing = InvalidToken::ClaimMissing("aud");
/// assert_eq!(missing.to_string(), "token refused: claim_missing (aud)");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidToken {
    /// The key that the token names is bound to another algorithm than the token's `alg`.
    AlgorithmMismatch,
    /// `alg` is not one of [`Issuer::algorithms`](crate::Issuer::algorithms).
    AlgorithmNotAllowed,
    /// `alg` is not a supported algorithm. `none`, in any spelling, is such a name.
    AlgorithmUnknown,
    /// No value of `aud` is an audience of this service. See
    /// [`Issuer::or_audience`](crate::Issuer::or_audience).
    AudienceMismatch,
    /// A part is not base64url without padding (RFC 4648, 5), or has unused bits set.
    Base64,
    /// A required claim has a value that is not accepted. See
    /// [`Issuer::require_value`](crate::Issuer::require_value).
    ClaimMismatch(&'static str),
    /// A required claim is missing.
    ClaimMissing(&'static str),
    /// A claim has the wrong JSON type, or a value out of its bounds. It is not treated as absent.
    ClaimMalformed(&'static str),
    /// `cnf` is present: the token is bound to a key of its holder (RFC 7800), and that proof is
    /// not checked here.
    ConfirmationUnchecked,
    /// `crit` is present: it names an extension that must be understood, and none is supported.
    CriticalExtension,
    /// A JSON object has two members of one name: parsers differ in which one counts, so none does.
    DuplicateMember,
    /// The header has its own key (`jwk`, `jku`, `x5c`, `x5u`). Such a key is never used.
    EmbeddedKey,
    /// `exp` has passed, leeway included.
    Expired,
    /// A member of the header has the wrong JSON type, or `alg` is missing.
    Header,
    /// `iat` is in the future, by more than the leeway.
    IssuedInFuture,
    /// `iss` is not a configured issuer.
    IssuerUnknown,
    /// A part is not a JSON object.
    Json,
    /// No key of the issuer has the token's `kid` and algorithm.
    KeyUnknown,
    /// The keys of the issuer could not be fetched or read, or are too old. The token may be valid.
    KeysUnavailable,
    /// It is not known whether the token is revoked. The token may be valid.
    ListUnavailable,
    /// The time from `iat` to `exp` exceeds [`Issuer::max_lifetime`](crate::Issuer::max_lifetime).
    /// Without `iat`, the time from now to `exp` does.
    LifetimeTooLong,
    /// This is an ID token (`nonce`, `at_hash`, `c_hash`, `token_use`, `typ`) or an event
    /// (`events`), not an access token.
    NotAccessToken,
    /// The condition of [`JwtLayerBuilder::check`](crate::JwtLayerBuilder::check) is not met. The
    /// client receives 403.
    NotAllowed,
    /// `nbf` is in the future, by more than the leeway.
    NotYetValid,
    /// The token is on the list of
    /// [`JwtLayerBuilder::revocation_list`](crate::JwtLayerBuilder::revocation_list).
    Revoked,
    /// There are not exactly three non-empty parts. Encrypted tokens and JSON serialisation are
    /// refused so.
    Shape,
    /// The signature was not made with the key.
    SignatureMismatch,
    /// The token is longer than
    /// [`VerifierBuilder::longest_token`](crate::VerifierBuilder::longest_token).
    TooLarge,
    /// `typ` is not one of [`VerifierBuilder::types`](crate::VerifierBuilder::types).
    TypeMismatch,
}

impl InvalidToken {
    /// Returns a stable code for audit records and metrics, such as `expired`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::AlgorithmUnknown => "algorithm_unknown",
            Self::AudienceMismatch => "audience_mismatch",
            Self::Base64 => "base64",
            Self::ClaimMalformed(_) => "claim_malformed",
            Self::ClaimMismatch(_) => "claim_mismatch",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ConfirmationUnchecked => "confirmation_unchecked",
            Self::CriticalExtension => "critical_extension",
            Self::DuplicateMember => "duplicate_member",
            Self::EmbeddedKey => "embedded_key",
            Self::Expired => "expired",
            Self::Header => "header",
            Self::IssuedInFuture => "issued_in_future",
            Self::IssuerUnknown => "issuer_unknown",
            Self::Json => "json",
            Self::KeyUnknown => "key_unknown",
            Self::KeysUnavailable => "keys_unavailable",
            Self::LifetimeTooLong => "lifetime_too_long",
            Self::ListUnavailable => "list_unavailable",
            Self::NotAccessToken => "not_an_access_token",
            Self::NotAllowed => "not_allowed",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Shape => "shape",
            Self::SignatureMismatch => "signature_mismatch",
            Self::TooLarge => "too_large",
            Self::TypeMismatch => "type_mismatch",
        }
    }
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token refused: ")?;
        f.write_str(self.code())?;
        match self {
            Self::ClaimMalformed(claim)
            | Self::ClaimMismatch(claim)
            | Self::ClaimMissing(claim) => write!(f, " ({claim})"),
            _ => Ok(()),
        }
    }
}

impl Error for InvalidToken {}

/// Why a key cannot be used. Each message has the remedy where there is one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// The algorithm needs another kind of key, or another curve.
    AlgorithmMismatch,
    /// The key names no algorithm, and its kind leaves the choice open.
    AlgorithmMissing,
    /// The key's algorithm is not supported, or not for signatures.
    AlgorithmUnsupported,
    /// Two different keys of the set have the same `kid` and algorithm.
    Ambiguous,
    /// The PEM section is a certificate. Its dates and its subject are not checked here; pass its
    /// public key.
    Certificate,
    /// The key has a member twice. Parsers differ in which one they use.
    DuplicateMember,
    /// The private key is encrypted with a password.
    Encrypted,
    /// A member is missing, has the wrong type, or its value is no key (a point off the curve, for
    /// example).
    Malformed,
    /// The key is for something else: `use` is not `sig`, or `key_ops` lacks `verify`.
    NotForVerification,
    /// The private key is not in PKCS #8 (`-----BEGIN PRIVATE KEY-----`).
    NotPkcs8,
    /// The private half is present. A private key that was published must be replaced.
    Private,
    /// The RSA modulus has the structure of ROCA (CVE-2017-15361): it can be factored.
    Roca,
    /// A secret is among public keys, or in a document that anyone can fetch.
    Symmetric,
    /// The set has more than 100 keys, and this is one of those after them.
    TooMany,
    /// The entry of the set is not a JSON object that can be read: too deep, a number out of range,
    /// half a surrogate pair.
    Unreadable,
    /// Too small: an RSA modulus under 2048 bits or exponent under 65537, or a secret that is
    /// shorter than the hash or has fewer than eight different bytes.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlgorithmMismatch => "the key is of another kind than its algorithm needs",
            Self::AlgorithmMissing => {
                "the key names no algorithm and its kind leaves the choice open"
            }
            Self::AlgorithmUnsupported => "the key's algorithm is not supported for signatures",
            Self::Ambiguous => "another key has the same kid and algorithm",
            Self::Certificate => {
                "this is a certificate; take its public key with `openssl x509 -pubkey -noout -in FILE`"
            }
            Self::DuplicateMember => "a member of the key is there twice",
            Self::Encrypted => {
                "this private key is encrypted; decrypt it with `openssl pkcs8 -in FILE`"
            }
            Self::Malformed => "this is not a valid public key",
            Self::NotForVerification => "the key's `use` or `key_ops` forbid verification",
            Self::NotPkcs8 => {
                "this private key is not in PKCS #8; convert it with `openssl pkcs8 -topk8 -nocrypt -in FILE`"
            }
            Self::Private => "this is a private key where a public key belongs",
            Self::Roca => "the RSA modulus is of the ROCA kind and can be factored",
            Self::Symmetric => "a secret does not belong among public keys",
            Self::TooMany => "the set holds more keys than are read",
            Self::Unreadable => "the entry is not a JSON object that can be read",
            Self::Weak => {
                "the key is too weak for its algorithm: an RSA key needs 2048 bits, a secret as many random bytes as the hash"
            }
        })
    }
}

impl Error for KeyError {}

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
    /// An algorithm of another family: only an RSA algorithm can be bound to RSA keys.
    Algorithm(Algorithm),
    /// [`VerifierBuilder::max_clock_step`](crate::VerifierBuilder::max_clock_step) is over a week.
    ClockStep,
    /// The deadline of a fetch is zero or over 30 seconds.
    FetchTimeout,
    /// The hard age of keys is over a week, or under their lifetime.
    HardAge,
    /// A rule of an issuer has an empty list, so that no token can follow it.
    ImpossibleRule(Box<str>),
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
            Self::AudienceClaimAlone(name) => {
                return write!(
                    f,
                    "the issuer {name:?} has an audience claim other than `aud`; add require_value, so that its ID tokens are not accepted"
                );
            }
            Self::ClockStep => "the clock step that is ignored is over a week",
            Self::FetchTimeout => "the deadline of a fetch is zero or over 30 seconds",
            Self::HardAge => "the hard age of keys is over a week, or under their lifetime",
            Self::ImpossibleRule(name) => {
                return write!(
                    f,
                    "a list of required values or algorithms of the issuer {name:?} is empty, so no token could be accepted"
                );
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

/// Why nothing was revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RevocationError {
    /// The list has
    /// [`RevocationEntries::MAX_ENTRIES`](crate::revocation::RevocationEntries::MAX_ENTRIES)
    /// entries.
    Full,
    /// The id of a token or principal is empty or over 1024 bytes.
    Name,
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "the list of revoked tokens has 100000 entries; remove old ones, or revoke all tokens issued before a moment"
            }
            Self::Name => "the id of a token or principal has 1 to 1024 bytes",
        })
    }
}

impl Error for RevocationError {}

impl From<RevocationError> for JwtBuildError {
    fn from(error: RevocationError) -> Self {
        Self::Revocation(error)
    }
}
