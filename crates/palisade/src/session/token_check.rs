//! Ends a session with the token that opened it, if the token is revoked.

use std::{net::IpAddr, sync::Arc};

use palisade_core::MaybeReady;
use palisade_jwt::revocation::{ListUnavailable, RevocationList, RevokedToken};
use palisade_session::{CheckError, CheckReply, PrincipalCheck, SessionRecord};

/// The kind of the principals of signed tokens.
pub(super) const KIND: &str = "jwt";

/// Looks the token of a session up in a list of revoked tokens with each request.
///
/// | the token | the session |
/// |---|---|
/// | has expired | has ended: it never lasts longer than `exp` |
/// | is revoked: itself, all of its principal or all tokens that were issued before a moment | ends: 401, also with all further requests |
/// | has no time of issue (`iat`), and older tokens of its principal are revoked | ends, as the token itself is refused |
/// | cannot be looked up: the list is not known well enough | stays, and the request gets 503 |
///
/// Use the list of the `JwtLayer`. It is not a list of sessions: a user who signs in again with a newer token has
/// a new session. A session that another kind of credential opened ends: use
/// [`CredentialCheck`](super::CredentialCheck) if the service accepts these too.
///
/// ```
/// use palisade::jwt::revocation::RevokedTokens;
/// use palisade::session::{MemorySessionStore, SessionLayer, Sessions, TokenCheck};
///
/// let revoked = RevokedTokens::new();
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new()))
///     .check(TokenCheck::new(revoked.clone()))
///     .build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct TokenCheck(Arc<dyn RevocationList>);

impl TokenCheck {
    /// Looks tokens up in a list.
    #[must_use]
    pub fn new(revoked: impl RevocationList) -> Self {
        Self(Arc::new(revoked))
    }

    /// Returns why the session of a token may not be used.
    fn decide(&self, session: &SessionRecord) -> Result<(), CheckError> {
        let who = &session.principal;
        if who.kind() != KIND {
            return Err(CheckError::ended("no signed token opened this session"));
        }
        match self.0.is_revoked(&RevokedToken::of(who)) {
            Ok(false) => Ok(()),
            Ok(true) => Err(CheckError::ended("the token of the session was revoked")),
            Err(ListUnavailable) => Err(CheckError::unavailable(ListUnavailable.to_string())),
        }
    }
}

impl PrincipalCheck for TokenCheck {
    fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
        let decided = self.decide(session);
        MaybeReady::Ready(decided.map(|()| session.principal.clone()))
    }
}
