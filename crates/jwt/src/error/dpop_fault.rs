//! Why a proof of possession is refused.

/// Why a DPoP proof (RFC 9449) is refused. Part of [`InvalidToken::Dpop`](crate::InvalidToken::Dpop).
///
/// For operators: the client receives `invalid_dpop_proof` for most of them.
///
/// ```
/// use palisade_jwt::{DpopFault, InvalidToken};
///
/// assert_eq!(InvalidToken::Dpop(DpopFault::Replayed).code(), "dpop_replayed");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DpopFault {
    /// `ath` is not the digest of the token.
    AccessTokenHash,
    /// `alg` is not an accepted asymmetric algorithm.
    Algorithm,
    /// `iat` is before this process remembers proofs, or less than the leeway after that, so an earlier
    /// one may have accepted it. The client receives 503.
    BeforeStart,
    /// `iat` is in the future, by more than the leeway.
    FromFuture,
    /// `typ` is not `dpop+jwt`, or the header has members that are not allowed.
    Header,
    /// `jwk` is missing, private, weak or malformed.
    Key,
    /// The token is bound to another key.
    KeyMismatch,
    /// The proof has another form than a signed token, or a claim is missing or of a wrong type.
    Malformed,
    /// `htm` is not the method of the request.
    Method,
    /// There is no proof.
    Missing,
    /// `nonce` is missing, unknown or too old. The client receives a new one.
    Nonce,
    /// The token is bound to no key, but was sent with the scheme `DPoP`, or proofs are
    /// [required](crate::dpop::DpopProofsBuilder::require_proofs).
    NotBound,
    /// There are several proofs.
    Repeated,
    /// The proof was used before.
    Replayed,
    /// The signature was not made with the key in the proof.
    Signature,
    /// Too many proofs are remembered. The client receives 503.
    StoreFull,
    /// `iat` is longer ago than a proof is accepted.
    TooOld,
    /// `htu` is not the address of the request.
    Url,
}

impl DpopFault {
    /// Returns a stable code for audit records and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccessTokenHash => "dpop_access_token_hash",
            Self::Algorithm => "dpop_algorithm",
            Self::BeforeStart => "dpop_before_start",
            Self::FromFuture => "dpop_from_future",
            Self::Header => "dpop_header",
            Self::Key => "dpop_key",
            Self::KeyMismatch => "dpop_key_mismatch",
            Self::Malformed => "dpop_malformed",
            Self::Method => "dpop_method",
            Self::Missing => "dpop_missing",
            Self::Nonce => "dpop_nonce",
            Self::NotBound => "dpop_not_bound",
            Self::Repeated => "dpop_repeated",
            Self::Replayed => "dpop_replayed",
            Self::Signature => "dpop_signature",
            Self::StoreFull => "dpop_store_full",
            Self::TooOld => "dpop_too_old",
            Self::Url => "dpop_url",
        }
    }
}
