//! Which authenticator proved the principal of a request, and by which credential.
//!
//! The context of a request stores one [`Proof`]. A second layer of authenticators compares its own
//! instances with it, and verifies the credential again if none of them made it.

use std::sync::Arc;

use http::HeaderValue;

use super::{AuthenticatorId, Credential, CredentialSource, Presence};

/// What an authenticator declared when its layer was built.
pub(crate) struct AuthenticatorInfo {
    pub(crate) id: AuthenticatorId,
    pub(crate) kind: &'static str,
    pub(crate) challenge: HeaderValue,
    /// Those of further schemes.
    pub(crate) further: Box<[HeaderValue]>,
    pub(crate) sources: Box<[CredentialSource]>,
}

impl AuthenticatorInfo {
    /// Returns the challenges of all schemes.
    pub(crate) fn challenges(&self) -> impl Iterator<Item = &HeaderValue> {
        std::iter::once(&self.challenge).chain(&self.further)
    }
}

impl Proof {
    /// Returns the challenge for the scheme of the credential.
    pub(crate) fn challenge(&self) -> &HeaderValue {
        let is_of = |challenge: &&HeaderValue, scheme: &str| {
            let text = challenge.to_str().unwrap_or_default();
            let written = text.split(' ').next().unwrap_or_default();
            written.eq_ignore_ascii_case(scheme)
        };
        let further = &self.authenticator.further;
        let scheme = match further.is_empty() {
            true => None,
            false => self.credential.scheme(),
        };
        let found = scheme.and_then(|scheme| further.iter().find(|it| is_of(it, scheme)));
        found.unwrap_or(&self.authenticator.challenge)
    }
}

/// Where a credential was found.
#[derive(Clone, Copy)]
pub(crate) enum CredentialPlace {
    /// In `Authorization`.
    Authorization {
        /// The offset of the token in the value of the header.
        token_start: usize,
    },
    /// Where only the authenticator can look, such as a cookie.
    Custom,
    /// In the declared source of this index.
    Source(usize),
}

/// The authenticator that proved the principal, and its credential.
pub(crate) struct Proof {
    /// The authenticator.
    pub(crate) authenticator: Arc<AuthenticatorInfo>,
    /// Whether the client sent the credential on purpose.
    pub(crate) presence: Presence,
    /// Where it was found.
    pub(crate) place: CredentialPlace,
    /// The credential, removed from the request and kept until the response is over.
    pub(crate) credential: Credential,
}
