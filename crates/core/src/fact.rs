//! What the guards noticed about a request, for the audit trail and for metrics.
//!
//! Guards record a [`Fact`] with [`SecurityContext::record`](crate::SecurityContext::record). The
//! core records each [`Refusal`] and [`FailedCredential`]. [`Observations`](crate::Observations)
//! holds all three.

use std::{borrow::Cow, sync::Arc};

/// One observation. Never holds a secret, a token or the text of a request.
///
/// Refusals and failed credentials are not facts. [`Observations`](crate::Observations) stores them
/// apart, so that no number of facts can displace them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// Code points were removed from a field of the request, or replaced.
    Cleaned {
        /// The name of the field, from the configuration.
        field: Arc<str>,
        /// How many code points were removed or replaced. Facts of one field are added up.
        removed: u32,
    },
    /// A guard panicked in [`Guard::close`](crate::Guard::close). The other guards were closed
    /// nevertheless.
    ClosePanicked {
        /// The guard's name.
        guard: &'static str,
    },
    /// A credential was sent without TLS, where others could read it. It must be replaced.
    CredentialExposed {
        /// The authenticator's kind, or the name of the header that held it.
        kind: Cow<'static, str>,
        /// Its public id, such as the id of an API key, if it was genuine and has one.
        id: Option<Box<str>>,
    },
    /// A guard works in a reduced way, for example while its store is unreachable.
    Degraded {
        /// The guard's name.
        guard: &'static str,
        /// What is reduced.
        what: &'static str,
    },
    /// A value that gets a field of its own in the audit record. At most 4 different values of a
    /// key are kept.
    Noted {
        /// The field's name.
        key: &'static str,
        /// Its value.
        value: Cow<'static, str>,
    },
}

/// A guard's refusal, as the audit trail and metrics see it.
///
/// Read refusals with [`Observations::refusals`](crate::Observations::refusals).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The guard that refused, or would have refused in shadow.
    pub guard: &'static str,
    /// The stable code, as in [`Rejection::code`](crate::Rejection::code).
    pub code: &'static str,
    /// The private reason, for operators only. Never sent to the client.
    pub reason: Option<Cow<'static, str>>,
}

/// A credential that the request contained and that was not accepted.
///
/// Read it with [`Observations::credential_failures`](crate::Observations::credential_failures).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FailedCredential {
    /// The authenticator's kind.
    pub kind: &'static str,
    /// The code of the refusal.
    pub code: &'static str,
    /// What was wrong with it.
    pub failure: CredentialFailure,
}

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
            Self::Expired => "expired",
            Self::Guess => "guess",
            Self::NotAllowedHere => "not_allowed_here",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
        }
    }
}
