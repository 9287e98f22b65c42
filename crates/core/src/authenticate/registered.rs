//! An authenticator in a layer, with what it declared.

use std::sync::Arc;

use super::Authenticator;
use crate::credential::AuthenticatorInfo;

/// An authenticator and what it declared when the layer was built.
pub(super) struct RegisteredAuthenticator {
    pub(super) authenticator: Arc<dyn Authenticator>,
    /// Shared with the proof of each request that it admits.
    pub(super) info: Arc<AuthenticatorInfo>,
}

impl RegisteredAuthenticator {
    /// Reads the declarations of an authenticator, once.
    pub(super) fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        let info = AuthenticatorInfo {
            id: authenticator.id(),
            kind: authenticator.kind(),
            challenge: authenticator.challenge(),
            further: authenticator.further_challenges().into(),
            sources: authenticator.sources().into(),
        };
        Self {
            authenticator,
            info: Arc::new(info),
        }
    }
}
