//! Why a key is not accepted. Only the audit trail learns it.

use palisade_core::CredentialFailure;

/// The private reason of a refusal. All but [`ClientUnknown`](Self::ClientUnknown) look the same to the client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyFailure {
    /// The key is bound to networks and nobody decided who the client is: an error of assembly.
    ClientUnknown,
    /// The key has ended.
    Expired,
    /// The text is no key, or was mistyped.
    Malformed,
    /// The client's address is in none of the key's networks.
    NetworkNotAllowed,
    /// The key has not begun.
    NotYetValid,
    /// The record was made with another pepper or prefix: the server has the wrong one, or the store of another server.
    OtherScheme,
    /// The secret was replaced, and the time of both is over.
    PreviousSecretExpired,
    /// The key was revoked.
    Revoked,
    /// There is no key of this id.
    Unknown,
    /// The key is of an environment that does not count here.
    WrongEnvironment,
    /// The id exists, the secret is another one.
    WrongSecret,
}

impl KeyFailure {
    /// Returns the reason as it stands in the audit trail.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ClientUnknown => {
                "the key is bound to networks; ClientInfoLayer must stand outside ApiKeyLayer"
            }
            Self::Expired => "key expired",
            Self::Malformed => "malformed key",
            Self::NetworkNotAllowed => "key used from a network that it is not allowed from",
            Self::NotYetValid => "key not yet valid",
            Self::OtherScheme => {
                "the record of this key was made with another pepper or prefix than the server's"
            }
            Self::PreviousSecretExpired => "key used with a secret that was rotated out",
            Self::Revoked => "key revoked",
            Self::Unknown => "unknown key id",
            Self::WrongEnvironment => "key of another environment",
            Self::WrongSecret => "wrong secret",
        }
    }

    /// Returns whether the credential could be a guess, for limits on guessing: what had the right secret is none.
    #[must_use]
    pub const fn kind(self) -> CredentialFailure {
        match self {
            Self::Expired | Self::PreviousSecretExpired => CredentialFailure::Expired,
            Self::ClientUnknown | Self::NetworkNotAllowed | Self::WrongEnvironment => {
                CredentialFailure::NotAllowedHere
            }
            Self::NotYetValid => CredentialFailure::NotYetValid,
            Self::Revoked => CredentialFailure::Revoked,
            Self::Malformed | Self::OtherScheme | Self::Unknown | Self::WrongSecret => {
                CredentialFailure::Guess
            }
        }
    }

    /// Tells whether the client held the right secret, so that the key's owner should hear of it.
    #[must_use]
    pub const fn had_the_secret(self) -> bool {
        !matches!(
            self,
            Self::Malformed | Self::OtherScheme | Self::Unknown | Self::WrongSecret
        )
    }
}
