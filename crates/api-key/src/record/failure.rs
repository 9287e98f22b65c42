//! Why a key is not accepted.
//!
//! [`KeyRecord`](crate::KeyRecord) and the layer return these reasons. They go to the audit trail
//! and to the limits on guessing, never to the client.

use palisade_core::CredentialFailure;

/// The private reason of a refusal.
///
/// The client receives the same 401 response for all of them. The exception is
/// [`ClientUnknown`](Self::ClientUnknown): it is an error of the server's setup, and the response
/// is 500.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyFailure {
    /// The key is bound to networks, but no layer determined the client's address. The response is 500.
    ///
    /// Put `ClientInfoLayer` outside this layer.
    ClientUnknown,
    /// An operator disabled the key, and may enable it again. This is checked after a revocation and before all dates.
    Disabled,
    /// The time of [`Grant::expires`](crate::Grant::expires) has come.
    Expired,
    /// The text is not a key of the format, or its checksum does not match.
    Malformed,
    /// The client's address is in none of the key's networks.
    NetworkNotAllowed,
    /// The time of [`Grant::not_before`](crate::Grant::not_before) has not come.
    NotYetValid,
    /// The record was made with another pepper or prefix.
    ///
    /// The server has the wrong pepper, or the store belongs to another server. See
    /// [`KeyScheme::made`](crate::KeyScheme::made), which finds such records at start.
    OtherScheme,
    /// The secret was rotated out, and the time in which both secrets are valid is over.
    PreviousSecretExpired,
    /// The key was revoked. This is checked before all dates.
    Revoked,
    /// The store has no record of this id.
    Unknown,
    /// The key belongs to an environment that the layer does not accept.
    WrongEnvironment,
    /// The id exists, but the secret does not match.
    WrongSecret,
}

impl KeyFailure {
    /// Returns the reason as it is written to the audit trail: a fixed text without parts of the
    /// key.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ClientUnknown => {
                "the key is bound to networks; ClientInfoLayer must stand outside ApiKeyLayer"
            }
            Self::Disabled => "key disabled",
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

    /// Returns a stable code for metrics and scripts, such as `revoked`.
    ///
    /// ```
    /// use palisade_api_key::KeyFailure;
    ///
    /// assert_eq!(KeyFailure::WrongSecret.code(), "wrong_secret");
    /// ```
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ClientUnknown => "client_unknown",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::NetworkNotAllowed => "network_not_allowed",
            Self::NotYetValid => "not_yet_valid",
            Self::OtherScheme => "other_scheme",
            Self::PreviousSecretExpired => "previous_secret_expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::WrongEnvironment => "wrong_environment",
            Self::WrongSecret => "wrong_secret",
        }
    }

    /// Returns the class of the failure, which limits on guessing use.
    ///
    /// Only [`CredentialFailure::Guess`] counts against a client there. A client that had the right
    /// secret was not guessing.
    #[must_use]
    pub const fn kind(self) -> CredentialFailure {
        match self {
            Self::Expired | Self::PreviousSecretExpired => CredentialFailure::Expired,
            Self::ClientUnknown | Self::NetworkNotAllowed | Self::WrongEnvironment => {
                CredentialFailure::NotAllowedHere
            }
            Self::NotYetValid => CredentialFailure::NotYetValid,
            Self::Disabled | Self::Revoked => CredentialFailure::Revoked,
            Self::Malformed | Self::OtherScheme | Self::Unknown | Self::WrongSecret => {
                CredentialFailure::Guess
            }
        }
    }

    /// Returns whether the client had the right secret.
    ///
    /// If so, the audit trail also has the key's id, so that its owner can be informed.
    #[must_use]
    pub const fn had_the_secret(self) -> bool {
        !matches!(
            self,
            Self::Malformed | Self::OtherScheme | Self::Unknown | Self::WrongSecret
        )
    }
}
