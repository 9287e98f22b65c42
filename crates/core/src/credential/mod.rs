//! Credentials as values: how they are sent, found and remembered.
//!
//! Nothing here verifies anything. An [`Authenticator`](crate::Authenticator) declares its
//! [`CredentialSource`]s; `authenticate` finds the credential by them, removes it from the request
//! and stores it in a [`Proof`] in the context.

mod authorization;
pub(crate) mod challenge;
mod failure;
mod proof;
pub(crate) mod query;
mod source;
mod state;

use std::{
    fmt, str,
    sync::atomic::{AtomicU64, Ordering},
};

use http::HeaderValue;

use crate::{client_certificate::ClientCertificate, secret::Secret};

pub(crate) use self::{
    authorization::{Authorization, AuthorizationError},
    proof::{AuthenticatorInfo, CredentialPlace, Proof},
};
pub use self::{
    failure::CredentialFailure,
    source::{CredentialSource, TokenShape},
    state::CredentialState,
};

/// A credential as the client sent it, not verified yet.
///
/// The core removes it from the request before an authenticator is called, and keeps it until the
/// response is over. A second authenticator further in can then verify it again. Handlers cannot
/// reach it, and `Debug` shows nothing of it.
///
/// An [`Authenticator`](crate::Authenticator) receives it. One that finds its credential itself also
/// makes it, in [`take`](crate::Authenticator::take):
///
/// ```
/// use palisade_core::Credential;
///
/// let session = Credential::bytes("s3ss10n");
/// assert_eq!(session.as_str(), Some("s3ss10n"));
/// assert_eq!(session.scheme(), None);
/// assert_eq!(format!("{session:?}"), "Credential([redacted])");
///
/// let of_the_connection = Credential::outside();
/// assert!(of_the_connection.as_bytes().is_empty());
/// ```
pub struct Credential {
    value: Value,
    /// The offset of the token in the value: the length of the scheme and the space, or 0.
    start: usize,
}

/// The ways to hold a credential.
enum Value {
    /// A copy, wiped on drop.
    Bytes(Secret),
    /// The value of a header field.
    Header(HeaderValue),
    /// The certificate of the connection, which is no part of the request.
    Certificate(ClientCertificate),
    /// Something else that is no part of the request.
    Outside,
}

impl Credential {
    /// Holds the whole value of a header field.
    #[must_use]
    pub fn header(value: HeaderValue) -> Self {
        Self {
            value: Value::Header(value),
            start: 0,
        }
    }

    /// Holds bytes. They are wiped on drop.
    #[must_use]
    pub fn bytes(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Value::Bytes(Secret::new(value)),
            start: 0,
        }
    }

    /// Represents a credential that is no part of the request head. Its bytes are empty.
    #[must_use]
    pub const fn outside() -> Self {
        Self {
            value: Value::Outside,
            start: 0,
        }
    }

    /// Holds the certificate of the connection, so that it can be [verified
    /// again](crate::Authenticator::recheck) when the request is gone. Its bytes are empty.
    ///
    /// ```
    /// use palisade_core::{ClientCertificate, Credential};
    ///
    /// let credential = Credential::certificate(ClientCertificate::new([7; 32]));
    /// assert_eq!(credential.client_certificate().unwrap().sha256(), &[7; 32]);
    /// assert!(credential.as_bytes().is_empty());
    /// ```
    #[must_use]
    pub const fn certificate(certificate: ClientCertificate) -> Self {
        Self {
            value: Value::Certificate(certificate),
            start: 0,
        }
    }

    /// Returns the certificate of the connection. `None`: the credential is none.
    #[must_use]
    pub const fn client_certificate(&self) -> Option<&ClientCertificate> {
        match &self.value {
            Value::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// Holds an `Authorization` whose token begins at `start`.
    pub(crate) fn authorization(value: HeaderValue, start: usize) -> Self {
        let value = Value::Header(value);
        Self { value, start }
    }

    /// Returns the credential: the token without its scheme, the value of the header, or the
    /// decoded parameter.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let all = match &self.value {
            Value::Bytes(bytes) => bytes.expose(),
            Value::Header(value) => value.as_bytes(),
            Value::Certificate(_) | Value::Outside => &[],
        };
        all.get(self.start..).unwrap_or_default()
    }

    /// Returns the credential as text. `None` if it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        str::from_utf8(self.as_bytes()).ok()
    }

    /// Returns the scheme as the client wrote it. `None` if it did not come in `Authorization`.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        let Value::Header(value) = &self.value else {
            return None;
        };
        let end = self.start.checked_sub(1)?;
        str::from_utf8(value.as_bytes().get(..end)?).ok()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential([redacted])")
    }
}

/// Identifies one instance of an [`Authenticator`](crate::Authenticator) within this process.
///
/// A layer accepts a principal from an outer layer only if one of its own instances proved it. The
/// kind alone is not enough: two issuers of tokens are of one kind, and each trusts other clients.
///
/// ```
/// use palisade_core::AuthenticatorId;
///
/// let (customers, staff) = (AuthenticatorId::unique(), AuthenticatorId::unique());
/// assert_ne!(customers, staff);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AuthenticatorId(u64);

impl AuthenticatorId {
    /// Makes an id that no other instance has. Call it once, and store it where clones share it.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether a request has a credential, and whether the client sent it on purpose.
///
/// A browser sends a cookie with requests that another site causes. A client that also sends a key
/// means the key, so an explicit credential goes first:
///
/// ```
/// use palisade_core::Presence;
///
/// assert!(Presence::Explicit > Presence::Ambient);
/// assert!(Presence::Ambient > Presence::Absent);
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // The choice among credentials must know every kind of presence.
pub enum Presence {
    /// It has none.
    Absent,
    /// It has one that clients send automatically: a cookie, a client certificate. An explicit one
    /// goes first.
    Ambient,
    /// It has one that the client sent on purpose. Two explicit ones are refused with 400.
    Explicit,
}
