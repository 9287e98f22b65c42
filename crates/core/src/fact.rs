//! What the guards noticed about a request, for the audit trail and for metrics.

use std::{borrow::Cow, sync::Arc};

/// One observation. Never holds a secret, a token or the text of a request.
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
    /// A credential was shown and not accepted.
    CredentialFailed {
        /// The authenticator's kind.
        kind: &'static str,
        /// The code of the refusal.
        code: &'static str,
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
    /// The private reason of a refusal.
    Reason {
        /// The guard that refused, or would have.
        guard: &'static str,
        /// The reason, for operators only.
        text: Cow<'static, str>,
    },
    /// A guard refused.
    Refused {
        /// The guard's name.
        guard: &'static str,
        /// The stable code.
        code: &'static str,
    },
    /// A guard in shadow would have refused.
    WouldRefuse {
        /// The guard's name.
        guard: &'static str,
        /// The stable code.
        code: &'static str,
    },
}
