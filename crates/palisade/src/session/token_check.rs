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
/// | is of an issuer whose [label](Self::labels) is not accepted | ends |
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
pub struct TokenCheck {
    revoked: Arc<dyn RevocationList>,
    /// `None`: sessions of every issuer are accepted.
    labels: Option<Arc<[Box<str>]>>,
}

impl TokenCheck {
    /// Looks tokens up in a list.
    #[must_use]
    pub fn new(revoked: impl RevocationList) -> Self {
        Self {
            revoked: Arc::new(revoked),
            labels: None,
        }
    }

    /// Accepts sessions of the issuers with these labels only, and ends all others. Default: of every issuer.
    /// Without labels no issuer is accepted, so every session of a token ends.
    ///
    /// For services that remove an issuer and keep the sessions, as `[session]` of a file does. Sessions of one
    /// issuer without a label cannot be told from those of another one.
    ///
    /// ```
    /// use palisade::jwt::revocation::RevokedTokens;
    /// use palisade::session::TokenCheck;
    ///
    /// let check = TokenCheck::new(RevokedTokens::new()).labels(["staff", "partners"]);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn labels<L: Into<Box<str>>>(mut self, accepted: impl IntoIterator<Item = L>) -> Self {
        self.labels = Some(accepted.into_iter().map(Into::into).collect());
        self
    }

    /// Tells whether a principal is of an issuer that is accepted.
    fn accepts(&self, principal: &str) -> bool {
        let Some(labels) = &self.labels else {
            return true;
        };
        let label = principal.split_once(':').map(|(label, _)| label);
        label.is_some_and(|label| labels.iter().any(|accepted| **accepted == *label))
    }

    /// Returns why the session of a token may not be used.
    fn decide(&self, session: &SessionRecord) -> Result<(), CheckError> {
        let who = &session.principal;
        if who.kind() != KIND {
            return Err(CheckError::ended("no signed token opened this session"));
        }
        if !self.accepts(who.id()) {
            let reason = "the issuer of the session's token is not accepted";
            return Err(CheckError::ended(reason));
        }
        match self.revoked.is_revoked(&RevokedToken::of(who)) {
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
