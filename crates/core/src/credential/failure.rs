//! What was wrong with a credential that was not accepted.

/// What was wrong with a credential: whether it could be a guess.
///
/// Limits on guessing charge only [`Guess`](Self::Guess). The other variants mean that the
/// credential is genuine: the signature was checked, or the secret compared. A client with an
/// expired token is not an attacker.
///
/// ```
/// use palisade_core::CredentialFailure;
///
/// assert!(CredentialFailure::default().is_guess());
/// assert!(!CredentialFailure::Expired.is_guess());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CredentialFailure {
    /// An ambient credential that opens nothing, such as the cookie of a session that has ended. The
    /// request counts as one without a credential, and nothing is recorded. For explicit credentials use
    /// another variant.
    Absent,
    /// It is genuine and has expired.
    Expired,
    /// Nothing shows that it was ever issued: a wrong secret, a wrong signature, an unknown id, or
    /// a malformed credential. The default.
    #[default]
    Guess,
    /// It is genuine and meant for another purpose: another audience, network or environment.
    NotAllowedHere,
    /// It is genuine and not valid yet.
    NotYetValid,
    /// It is genuine and was revoked.
    Revoked,
}

impl CredentialFailure {
    /// Tells whether the credential could be a guess, which limits on guessing charge.
    #[must_use]
    pub const fn is_guess(self) -> bool {
        matches!(self, Self::Guess)
    }

    /// Returns a stable name, for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Expired => "expired",
            Self::Guess => "guess",
            Self::NotAllowedHere => "not_allowed_here",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
        }
    }
}
