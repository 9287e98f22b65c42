//! What the guards noticed about a request, for the audit trail and for metrics.
//!
//! Guards record a [`Fact`] with [`SecurityContext::record`](crate::SecurityContext::record). The
//! core records each [`Refusal`] and [`FailedCredential`]. [`Observations`](crate::Observations)
//! holds all three.

use std::{borrow::Cow, sync::Arc};

use crate::{credential::CredentialFailure, rejection::Rejection};

/// One observation. Never holds a secret, a token or the text of a request.
///
/// Refusals and failed credentials are not facts. [`Observations`](crate::Observations) stores them
/// apart, so that no number of facts can displace them.
///
/// ```
/// use http::Request;
/// use palisade_core::{Fact, SecurityContext};
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// cx.record(Fact::Noted { key: "voice", value: "lin".into() });
/// cx.record(Fact::Degraded { guard: "rate_limit", what: "local counts only" });
/// assert_eq!(cx.facts().len(), 2);
/// ```
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
    /// The policy that decided, as in [`Rejection::policy`](crate::Rejection::policy).
    pub policy: Option<Arc<str>>,
    /// The private reason, for operators only. Never sent to the client.
    pub reason: Option<Cow<'static, str>>,
}

impl Refusal {
    /// Makes one of a rejection, with the reason that was taken out of it.
    pub(in crate::context) fn new(
        guard: &'static str,
        rejection: &Rejection,
        reason: Option<Cow<'static, str>>,
    ) -> Self {
        Self {
            guard,
            code: rejection.code(),
            policy: rejection.policy_name(),
            reason,
        }
    }

    /// Tells whether two differ at most in their reason.
    pub(in crate::context) fn is_alike(&self, other: &Self) -> bool {
        (self.guard, self.code, &self.policy) == (other.guard, other.code, &other.policy)
    }
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
