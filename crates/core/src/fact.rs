//! What the guards noticed about a request, for the audit trail and for metrics.

use std::{borrow::Cow, sync::Arc};

/// One observation. Never holds a secret, a token or the text of a request.
///
/// Refusals and failed credentials are no facts: they have places of their own in the
/// [`Observations`](crate::Observations), from which no number of facts can displace them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// A field of the request was cleaned of so many code points.
    Cleaned {
        /// The field's name, from the configuration.
        field: Arc<str>,
        /// How many code points were dropped or replaced.
        removed: u32,
    },
    /// A guard panicked while it closed; the others were closed all the same.
    ClosePanicked {
        /// The guard's name.
        guard: &'static str,
    },
    /// A credential was sent in clear, where everyone on the way could read it. It must be replaced.
    CredentialExposed {
        /// The authenticator's kind, or the name of the header that held it.
        kind: Cow<'static, str>,
        /// Its public id, such as the id of an API key, if it was genuine and has one.
        id: Option<Box<str>>,
    },
    /// A guard works in a reduced way (its store is away, for example).
    Degraded {
        /// The guard's name.
        guard: &'static str,
        /// What is reduced.
        what: &'static str,
    },
    /// Something worth a field of its own in the audit record.
    Noted {
        /// The field's name.
        key: &'static str,
        /// Its value.
        value: Cow<'static, str>,
    },
}

/// A guard's refusal, as the audit trail and metrics see it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// The guard that refused, or would have.
    pub guard: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// The private reason, for operators only.
    pub reason: Option<Cow<'static, str>>,
}

/// A credential that was shown and not accepted.
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
/// Limits on guessing charge only [`Guess`](Self::Guess). The others say that the credential is genuine: the
/// issuer's signature was checked, or the secret compared. A client with an expired token is no attacker.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CredentialFailure {
    /// It has ended.
    Expired,
    /// Nothing shows that it was ever issued: a wrong secret, a wrong signature, an unknown name, no
    /// credential at all in form. The default.
    #[default]
    Guess,
    /// It is genuine, and for another purpose: another audience, network or environment.
    NotAllowedHere,
    /// It has not begun.
    NotYetValid,
    /// It was revoked.
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
