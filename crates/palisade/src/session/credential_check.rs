//! Ends a session with the credential that opened it, whatever its kind.

use std::net::IpAddr;

use palisade_core::MaybeReady;
use palisade_session::{CheckError, CheckReply, PrincipalCheck, SessionRecord};

use super::key_check::{self, KeyCheck};
#[cfg(feature = "jwt")]
use super::token_check::{self, TokenCheck};

/// Asks the check of the kind of credential that opened a session. The configuration file uses it.
///
/// | a session was opened by | it ends with its credential by | without that check |
/// |---|---|---|
/// | an API key | [`keys`](Self::keys) | it ends at once: nothing could end it with its key |
/// | a signed token | `tokens` (feature `jwt`) | it ends when the token expires |
/// | another credential | nothing | it ends with `Principal::expires`; other reasons need a check of your own |
///
/// ```
/// use palisade::api_key::MemoryKeyStore;
/// use palisade::session::{CredentialCheck, KeyCheck, MemorySessionStore, SessionLayer, Sessions};
///
/// let check = CredentialCheck::new().keys(KeyCheck::new(MemoryKeyStore::new()));
/// # #[cfg(feature = "jwt")]
/// let check = check.tokens(palisade::session::TokenCheck::new(
///     palisade::jwt::revocation::RevokedTokens::new(),
/// ));
/// let sessions = Sessions::new(MemorySessionStore::new());
/// let layer = SessionLayer::builder(sessions).check(check).build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug, Default)]
pub struct CredentialCheck {
    keys: Option<KeyCheck>,
    #[cfg(feature = "jwt")]
    tokens: Option<TokenCheck>,
}

impl CredentialCheck {
    /// Creates a check that ends the sessions of API keys, and keeps all others.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what ends sessions of API keys. Default: they end at once.
    #[must_use]
    pub fn keys(mut self, check: KeyCheck) -> Self {
        self.keys = Some(check);
        self
    }

    /// Sets what ends sessions of signed tokens before these expire. Default: nothing.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn tokens(mut self, check: TokenCheck) -> Self {
        self.tokens = Some(check);
        self
    }

    /// Returns the check for sessions of a kind of credential.
    fn check_of(&self, kind: &str) -> Option<&dyn PrincipalCheck> {
        match kind {
            key_check::KIND => self.keys.as_ref().map(|check| check as _),
            #[cfg(feature = "jwt")]
            token_check::KIND => self.tokens.as_ref().map(|check| check as _),
            _ => None,
        }
    }
}

impl PrincipalCheck for CredentialCheck {
    fn check(&self, session: &SessionRecord, client: Option<IpAddr>) -> CheckReply {
        let kind = session.principal.kind();
        match self.check_of(kind) {
            Some(check) => check.check(session, client),
            None if kind == key_check::KIND => {
                let error = CheckError::ended("no check could end the session with its API key");
                MaybeReady::Ready(Err(error))
            }
            None => MaybeReady::Ready(Ok(session.principal.clone())),
        }
    }
}
