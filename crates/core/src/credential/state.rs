//! Whether a credential that was accepted may still be used.

use super::CredentialFailure;

/// Whether a credential that was accepted may still be used.
///
/// Returned by [`AuthenticateLayer::recheck`](crate::AuthenticateLayer::recheck).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredentialState {
    /// It may not: end what it opened.
    Ended(CredentialFailure),
    /// Its store or issuer cannot be asked now. Ask again, and do not wait for ever.
    Unknown,
    /// It may.
    Valid,
}

impl CredentialState {
    /// The credential is genuine, and not for what it opened.
    pub(crate) const fn other_kind() -> Self {
        Self::Ended(CredentialFailure::NotAllowedHere)
    }
}
