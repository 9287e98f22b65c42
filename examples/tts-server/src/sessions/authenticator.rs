//! Authenticates the requests of the page by the session cookie.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, header::COOKIE, header::SET_COOKIE, request};
use palisade::Principal;
use palisade::api_key::{KeyRecord, KeyStore, StoreUnavailable};
use palisade::core::{
    Authenticator, AuthenticatorId, ClientInfo, Credential, CredentialSource, Fact, MaybeReady,
    Presence, Rejection, SecurityContext, SharedClock, Verdict,
};

use super::{
    Sessions,
    cookie::{self, SessionCookie},
    origin,
    store::LiveSession,
};

/// The kind of a principal that a session proved, in the trail.
const KIND: &str = "session";

const CHALLENGE: HeaderValue = HeaderValue::from_static("Session realm=\"tts\"");
const CSRF: &str = "x-csrf-token";

/// Proves a session by its cookie, and looks its key up in the key store each time: a revoked key ends its
/// sessions with the next request.
#[derive(Clone, Debug)]
pub(crate) struct SessionAuthenticator {
    id: AuthenticatorId,
    sessions: Arc<Sessions>,
    keys: Arc<dyn KeyStore>,
    clock: SharedClock,
    refusals: Arc<Refusals>,
}

#[derive(Debug)]
struct Refusals {
    csrf_token: Rejection,
    cross_site: Rejection,
    session_ended: Rejection,
}

impl SessionAuthenticator {
    /// Accepts sessions that were opened with keys of a store.
    pub(crate) fn new(
        sessions: Arc<Sessions>,
        keys: Arc<dyn KeyStore>,
        clock: SharedClock,
    ) -> Self {
        let forbidden =
            |code, detail| Rejection::new(StatusCode::FORBIDDEN, code, detail).prerendered();
        let refusals = Arc::new(Refusals {
            csrf_token: forbidden(
                "csrf_token",
                "The header X-CSRF-Token of this session is missing or wrong.",
            ),
            cross_site: forbidden(
                "cross_site",
                "The request did not come from this site's own page.",
            ),
            session_ended: Rejection::credentials_invalid(CHALLENGE)
                .with_header(SET_COOKIE, cookie::clear())
                .prerendered(),
        });
        Self {
            id: AuthenticatorId::unique(),
            sessions,
            keys,
            clock,
            refusals,
        }
    }

    fn live_session(&self, head: &request::Parts) -> Option<LiveSession> {
        match cookie::find(&head.headers) {
            SessionCookie::Single(token) => self.sessions.find(token),
            SessionCookie::Absent | SessionCookie::Repeated => None,
        }
    }

    /// Refuses what another site made the browser send.
    fn check_sender(
        &self,
        session: &LiveSession,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Result<(), Box<Rejection>> {
        if !origin::is_unsafe(&head.method) {
            return Ok(());
        }
        if !origin::is_own_write(head, cx.client()) {
            return Err(Box::new(self.refusals.cross_site.clone()));
        }
        let shown = head
            .headers
            .get(CSRF)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        if !self.sessions.csrf_matches(session, shown) {
            return Err(Box::new(self.refusals.csrf_token.clone()));
        }
        Ok(())
    }

    /// Checks that the key of the session is still valid, for this client.
    fn check_key(
        &self,
        session: &LiveSession,
        client: Option<IpAddr>,
        found: Result<Option<Arc<KeyRecord>>, StoreUnavailable>,
    ) -> Result<Principal, Box<Rejection>> {
        let Ok(found) = found else {
            let refusal = Rejection::unavailable(Duration::from_secs(1));
            return Err(Box::new(
                refusal.with_reason("the key store did not answer"),
            ));
        };
        let reason = match found.map(|record| {
            (
                record.check_without_secret(self.clock.unix_time(), client),
                record,
            )
        }) {
            // A session is its key by other means: limits count both as one.
            Some((Ok(()), record)) => return Ok(record.principal().clone()),
            Some((Err(failure), _)) => failure.reason(),
            None => "the key behind the session is gone",
        };
        self.sessions.close(&session.digest);
        Err(Box::new(
            self.refusals.session_ended.clone().with_reason(reason),
        ))
    }
}

impl Authenticator for SessionAuthenticator {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        KIND
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::cookie(cookie::NAME)]
    }

    /// A cookie that opens nothing (an old one, from before a restart) counts as none, so that the
    /// page still loads and can ask to sign in; so does one that another site made the browser send.
    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        if cookie::find(&head.headers) == SessionCookie::Repeated {
            return Err(Box::new(Rejection::credentials_ambiguous()));
        }
        match self.live_session(head) {
            Some(_) if !origin::is_foreign_read(head) => Ok(Presence::Ambient),
            _ => Ok(Presence::Absent),
        }
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        let credential = match cookie::find(&head.headers) {
            SessionCookie::Single(token) => Credential::bytes(token),
            SessionCookie::Absent | SessionCookie::Repeated => Credential::outside(),
        };
        head.headers.remove(COOKIE);
        credential
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let Some(session) = self.sessions.find(credential.as_bytes()) else {
            // It ended after the cookie was looked up.
            return self.refusals.session_ended.clone().into();
        };
        if let Err(refusal) = self.check_sender(&session, cx, head) {
            return refusal.into();
        }
        cx.record(Fact::Noted {
            key: "via",
            value: KIND.into(),
        });
        head.extensions.insert(CurrentSession(session));
        head.headers.remove(CSRF);
        let client = cx.client().map(ClientInfo::ip);
        match self.keys.find(session.key) {
            MaybeReady::Ready(found) => self.check_key(&session, client, found).into(),
            MaybeReady::Pending(found) => {
                let this = self.clone();
                Verdict::later(async move { this.check_key(&session, client, found.await) })
            }
        }
    }

    fn challenge(&self) -> HeaderValue {
        CHALLENGE
    }
}

/// The session of a request, for our own handlers: they see no cookie.
#[derive(Clone, Copy)]
pub(crate) struct CurrentSession(pub(crate) LiveSession);
