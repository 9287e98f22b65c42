//! The decision about the session of a request, shared by all clones of a layer.
//!
//! | step | what is checked | otherwise |
//! |---|---|---|
//! | 1 | the request has one cookie of this name | two: 400; none: no credential |
//! | 2 | a request that only reads was not made by another site | the cookie counts as absent |
//! | 3 | the store has the session, and it has not ended | the cookie counts as absent |
//! | 4 | a write was sent by a page of this service | 403 `cross_site` |
//! | 5 | a write has the token of its session in `X-CSRF-Token` | 403 `csrf_token` |
//! | 6 | the principal is still what it was at the sign-in | 401, and the session ends |
//! | 7 | the use of the session is stored, if that is due | recorded; the request is not refused |
//!
//! The session is named in the trail between steps 3 and 4, so a forged request shows whose session it used.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, request};
use palisade_core::{
    Authenticator, AuthenticatorId, ClientInfo, Credential, CredentialSource, Fact, MaybeReady,
    Presence, Principal, Rejection, SecurityContext, Verdict,
};
#[cfg(feature = "redis")]
use palisade_internal::background_tasks::BackgroundTasks;

use crate::{
    check::{CheckError, PrincipalCheck, principal_difference},
    cookie::FoundCookie,
    current::{CurrentSession, SessionPlace},
    error::{CHALLENGE, SessionError},
    origin::{self, RequestKind},
    record::SessionRecord,
    refusals::Refusals,
    removed::Removed,
    sessions::{Sessions, shown_digest},
    token::{SessionDigest, SessionToken},
};

/// The kind of credential, in the trail.
pub(crate) const KIND: &str = "session";
/// The `Retry-After` of a 503 response while the check of principals fails.
const RETRY: Duration = Duration::from_secs(1);

/// So many sessions are ended at the same time whose cookie was sent in clear, where the store replies later.
#[cfg(feature = "redis")]
const EXPOSED_REMOVALS: usize = 64;

/// Proves a principal by the cookie of its session.
#[derive(Clone)]
pub(crate) struct SessionAuthenticator(Arc<Inner>);

/// What the clones of an authenticator share.
struct Inner {
    /// Clones prove principals as one instance.
    id: AuthenticatorId,
    /// The cookie, the store and the clock.
    sessions: Sessions,
    /// Tells with each request whether the principal may still use the service.
    check: Box<dyn PrincipalCheck>,
    /// Whether a write needs the token in `X-CSRF-Token`.
    needs_csrf_token: bool,
    /// Whether a write that no page of the service sent is that of a guest, in place of a refusal.
    foreign_writes_are_guests: bool,
    refusals: Refusals,
    /// Ends sessions whose cookie was sent in clear, where the store replies later.
    #[cfg(feature = "redis")]
    removals: BackgroundTasks,
}

/// What the head of a request tells, read before the store is asked.
struct Attempt {
    /// The token in the cookie.
    token: SessionToken,
    /// Its digest, by which the store finds the session.
    digest: SessionDigest,
    /// The address of the client. `None`: no layer further out determined it.
    client: Option<IpAddr>,
    /// Whether the request reads, writes, or opens a WebSocket.
    kind: RequestKind,
    /// Whether the browser tells that a page of this service sent it.
    is_own: bool,
    /// The token against forged requests.
    csrf: Option<HeaderValue>,
    /// Where handlers find the session, once it is decided.
    place: SessionPlace,
}

impl SessionAuthenticator {
    /// Makes an authenticator. `check` is asked with each request; the two switches are those of the builder of the layer.
    pub(crate) fn new(
        sessions: Sessions,
        check: Box<dyn PrincipalCheck>,
        needs_csrf_token: bool,
        foreign_writes_are_guests: bool,
    ) -> Self {
        let refusals = Refusals::new();
        Self(Arc::new(Inner {
            id: AuthenticatorId::unique(),
            sessions,
            check,
            needs_csrf_token,
            foreign_writes_are_guests,
            refusals,
            #[cfg(feature = "redis")]
            removals: BackgroundTasks::at_most(EXPOSED_REMOVALS),
        }))
    }

    /// Returns the sessions that it accepts.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }
}

impl Inner {
    /// Decides about a request. Everything that the head tells is in `attempt`.
    ///
    /// # Errors
    ///
    /// A refusal: the cookie opens nothing, another site sent the request, the principal has changed, or the store
    /// cannot be asked (503).
    async fn decide(
        &self,
        cx: &SecurityContext,
        attempt: Attempt,
    ) -> Result<Principal, Box<Rejection>> {
        let (digest, now) = (attempt.digest, self.sessions.now());
        let is_foreign_write = attempt.kind == RequestKind::Write && !attempt.is_own;
        if self.foreign_writes_are_guests && is_foreign_write {
            return Err(Box::new(self.refusals.absent.clone()));
        }
        let Some(record) = self.find(digest).await? else {
            return Err(Box::new(self.refusals.absent.clone()));
        };
        // Before anything can refuse, so that the trail names the session of a forged request too.
        for (key, value) in [
            ("via", KIND.into()),
            ("session", digest.id().as_str().to_owned().into()),
        ] {
            cx.record(Fact::Noted { key, value });
        }
        self.check_sender(&attempt)?;
        let principal = self
            .current_principal(digest, &record, attempt.client)
            .await?;
        if record.is_due(now)
            && self
                .sessions
                .store()
                .touch(digest, now)
                .get()
                .await
                .is_err()
        {
            // The session ends earlier than it should, and no request is refused for it.
            cx.record(Fact::Degraded {
                guard: KIND,
                what: "session_use_not_written",
            });
        }
        let lasts = record.ends.saturating_sub(now);
        let current = CurrentSession::new(digest, attempt.token.csrf_token(), lasts, cx.clone());
        attempt.place.fill(current);
        Ok(principal)
    }

    /// Finds a session that has not ended.
    ///
    /// An ended one is left to the store: if the clock of this process is ahead, the session still lasts for
    /// all other processes.
    ///
    /// # Errors
    ///
    /// 503: the store cannot be asked. A session is never taken for valid then.
    async fn find(&self, digest: SessionDigest) -> Result<Option<SessionRecord>, Box<Rejection>> {
        let found = self.sessions.store().find(digest).get().await;
        let found = found.map_err(refusal)?;
        Ok(found.filter(|record| !record.is_over(self.sessions.now())))
    }

    /// Refuses what another site made the browser send: writes, and the opening of a WebSocket.
    ///
    /// # Errors
    ///
    /// 403 `cross_site` or `csrf_token`. Neither counts as a guess.
    fn check_sender(&self, attempt: &Attempt) -> Result<(), Box<Rejection>> {
        if attempt.kind == RequestKind::Read {
            return Ok(());
        }
        if !attempt.is_own {
            return Err(Box::new(self.refusals.cross_site.clone()));
        }
        // A page cannot add a header to the request that opens a WebSocket; `Origin` decides there.
        let needs_token = self.needs_csrf_token && attempt.kind == RequestKind::Write;
        let sent = attempt.csrf.as_ref().map(HeaderValue::as_bytes);
        if needs_token && !attempt.token.csrf_matches(sent.unwrap_or_default()) {
            return Err(Box::new(self.refusals.csrf_token.clone()));
        }
        Ok(())
    }

    /// Asks whether the principal is still what it was when it signed in. If it is not, the session ends.
    ///
    /// # Errors
    ///
    /// 401 if the session has ended or may not be used from there, 503 if that cannot be decided now.
    async fn current_principal(
        &self,
        digest: SessionDigest,
        record: &SessionRecord,
        client: Option<IpAddr>,
    ) -> Result<Principal, Box<Rejection>> {
        let time = self.sessions.now();
        let reason = match self.check.check(record, client).get().await {
            Ok(now) => match principal_difference(&record.principal, &now, time) {
                None => return Ok(now),
                Some(reason) => reason.into(),
            },
            Err(CheckError::Ended(reason)) => reason,
            Err(CheckError::Refused(reason)) => {
                let refusal = self.refusals.not_now.clone();
                return Err(Box::new(refusal.with_reason(reason)));
            }
            Err(CheckError::Unavailable(reason)) => {
                let refusal = Rejection::unavailable(RETRY);
                return Err(Box::new(refusal.with_reason(reason)));
            }
        };
        // If the store cannot remove it, the next request asks again.
        let _ = self.sessions.store().remove(digest).get().await;
        Err(Box::new(self.refusals.ended.clone().with_reason(reason)))
    }

    /// Decides again, for what a request opened and what outlives it: a WebSocket, a long stream.
    ///
    /// Nothing is stored, so what is only open does not prolong the session.
    ///
    /// # Errors
    ///
    /// As [`current_principal`](Self::current_principal); 401 if there is no session any more.
    async fn decide_again(
        &self,
        digest: SessionDigest,
        client: Option<IpAddr>,
    ) -> Result<Principal, Box<Rejection>> {
        match self.find(digest).await? {
            Some(record) => self.current_principal(digest, &record, client).await,
            None => Err(Box::new(self.refusals.ended.clone())),
        }
    }
}

impl Authenticator for SessionAuthenticator {
    fn id(&self) -> AuthenticatorId {
        self.0.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::cookie(self.0.sessions.cookie_name())]
    }

    /// A cookie that opens nothing (an old one, from before a restart) counts as none, so that a public
    /// page still loads and can offer to sign in. So does one that another site made the browser send.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        let cookie = self.0.sessions.cookie();
        if cookie.find(&head.headers) == FoundCookie::Repeated {
            return Err(Box::new(Rejection::credentials_ambiguous()));
        }
        let Some(digest) = shown_digest(cookie, &head.headers) else {
            return Ok(Presence::Absent);
        };
        let is_foreign = origin::is_foreign_read(head, cookie.is_sent_from_links());
        match is_foreign || self.0.sessions.store().is_surely_absent(digest) {
            true => Ok(Presence::Absent),
            false => Ok(Presence::Ambient),
        }
    }

    /// Removes every session cookie. The token of the one that counts is the credential.
    fn take(&self, head: &mut request::Parts) -> Credential {
        let cookie = self.0.sessions.cookie();
        let credential = match cookie.find(&head.headers) {
            FoundCookie::Single(token) => Credential::bytes(token),
            FoundCookie::Absent | FoundCookie::Repeated => Credential::outside(),
        };
        self.strip_credential(head);
        credential
    }

    /// Removes the cookie and the token against forged requests, also where another credential was used.
    fn strip_credential(&self, head: &mut request::Parts) {
        Removed::remove(self.0.sessions.cookie(), head);
    }

    /// Reads what the head tells at once, since the store may answer after the request was passed on.
    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let Some(token) = SessionToken::parse(credential.as_bytes()) else {
            return self.0.refusals.absent.clone().into();
        };
        let attempt = Attempt {
            digest: token.digest(),
            token,
            client: cx.client().map(ClientInfo::ip),
            kind: RequestKind::of(head),
            is_own: origin::is_own_write(head, cx.client()),
            csrf: Removed::csrf_token(head),
            place: SessionPlace::default(),
        };
        head.extensions.insert(attempt.place.clone());
        let (inner, cx) = (Arc::clone(&self.0), cx.clone());
        Verdict::later(async move { inner.decide(&cx, attempt).await })
    }

    /// Asks the store and the check again, with the address of the client.
    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        let digest = SessionToken::parse(credential.as_bytes())?.digest();
        let client = cx.client().map(ClientInfo::ip);
        let inner = Arc::clone(&self.0);
        let decision = async move { inner.decide_again(digest, client).await };
        Some(Verdict::later(decision))
    }

    /// Ends the session: who read the cookie on its way could use it. A task waits for a store that replies later.
    fn on_exposed(&self, _: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let digest = SessionToken::parse(credential.as_bytes())?.digest();
        match self.0.sessions.store().remove(digest) {
            MaybeReady::Ready(Ok(true)) => Some(digest.id().as_str().into()),
            MaybeReady::Ready(_) => None,
            #[cfg(feature = "redis")]
            MaybeReady::Pending(removed) => {
                self.0.removals.begin(async move { drop(removed.await) });
                None
            }
            #[cfg(not(feature = "redis"))]
            MaybeReady::Pending(_) => None,
        }
    }

    fn challenge(&self) -> HeaderValue {
        CHALLENGE
    }
}

/// Makes the refusal for a store that cannot be asked.
fn refusal(error: SessionError) -> Box<Rejection> {
    Box::new(error.into())
}
