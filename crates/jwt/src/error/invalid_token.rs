//! Why a token of a client is refused, while the service runs.
//!
//! One variant for each reason, so that audit records and metrics can tell them apart. The client
//! learns none of them: every reason but an outage gives the same response.

use std::{error::Error, fmt};

use super::DpopFault;

/// Why a token is refused.
///
/// For operators: the client receives `invalid_token` for all of them, or 503 for
/// [`KeysUnavailable`](Self::KeysUnavailable), [`ListUnavailable`](Self::ListUnavailable),
/// [`IntrospectionUnavailable`](Self::IntrospectionUnavailable) and
/// [`IntrospectionBusy`](Self::IntrospectionBusy). Use [`code`](Self::code) in metrics.
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
    /// The token is bound to a certificate of the client (RFC 8705), and the connection has another one,
    /// or none.
    CertificateMismatch,
    /// A required claim has a value that is not accepted. See
    /// [`Issuer::require_value`](crate::Issuer::require_value).
    ClaimMismatch(&'static str),
    /// A required claim is missing.
    ClaimMissing(&'static str),
    /// A claim has the wrong JSON type, or a value out of its bounds. It is not treated as absent.
    ClaimMalformed(&'static str),
    /// `cnf` is present: the token is bound to a key of its holder (RFC 7800), and that proof is
    /// not checked here. [`Verifier::verify`](crate::Verifier::verify) checks none.
    ConfirmationUnchecked,
    /// `crit` is present: it names an extension that must be understood, and none is supported.
    CriticalExtension,
    /// The proof of possession (RFC 9449) is missing or wrong. See
    /// [`DpopProofs`](crate::dpop::DpopProofs).
    Dpop(DpopFault),
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
    /// The issuer says that the token is not active (RFC 7662): it expired, was revoked, or never
    /// existed.
    Inactive,
    /// As many questions as are allowed are being asked (RFC 7662), so the issuer was not asked about
    /// this token. It may be valid. An older response is not used: a client can cause this.
    IntrospectionBusy,
    /// The issuer could not be asked about the token (RFC 7662). The token may be valid.
    IntrospectionUnavailable,
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
    /// This is an ID token (`nonce`, `at_hash`, `c_hash`, `token_use`, `typ`), a refresh token
    /// (`token_use`, `typ`) or an event (`events`), not an access token. Of an introspected token,
    /// also: `token_type` is not `Bearer`, or `token_use` is another than `access`.
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
            Self::CertificateMismatch => "certificate_mismatch",
            Self::ClaimMalformed(_) => "claim_malformed",
            Self::ClaimMismatch(_) => "claim_mismatch",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ConfirmationUnchecked => "confirmation_unchecked",
            Self::CriticalExtension => "critical_extension",
            Self::Dpop(fault) => fault.code(),
            Self::DuplicateMember => "duplicate_member",
            Self::EmbeddedKey => "embedded_key",
            Self::Expired => "expired",
            Self::Header => "header",
            Self::IssuedInFuture => "issued_in_future",
            Self::Inactive => "inactive",
            Self::IntrospectionBusy => "introspection_busy",
            Self::IntrospectionUnavailable => "introspection_unavailable",
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
