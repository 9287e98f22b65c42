//! The way to prove who one is by a session.

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
    cookie::{self, Shown},
    origin,
    store::Live,
};

/// How this way of proving is called.
const KIND: &str = "session";

const CHALLENGE: HeaderValue = HeaderValue::from_static("Session realm=\"tts\"");
const CSRF: &str = "x-csrf-token";

/// Proves a session by its cookie, and asks the key store each time whether the key behind it still
/// stands: a revoked key ends its sessions with the next request.
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
    csrf: Rejection,
    foreign: Rejection,
    over: Rejection,
}

impl SessionAuthenticator {
    /// Accepts sessions that stand on keys of a store.
    pub(crate) fn new(
        sessions: Arc<Sessions>,
        keys: Arc<dyn KeyStore>,
        clock: SharedClock,
    ) -> Self {
        let forbidden =
            |code, detail| Rejection::new(StatusCode::FORBIDDEN, code, detail).prerendered();
        let refusals = Arc::new(Refusals {
            csrf: forbidden(
                "csrf_token",
                "The header X-CSRF-Token of this session is missing or wrong.",
            ),
            foreign: forbidden(
                "cross_site",
                "The request did not come from this site's own page.",
            ),
            over: Rejection::credentials_invalid(CHALLENGE)
                .with_header(SET_COOKIE, cookie::CLEAR)
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

    fn live(&self, head: &request::Parts) -> Option<Live> {
        match cookie::find(&head.headers) {
            Shown::Once(token) => self.sessions.find(token),
            Shown::Nothing | Shown::Twice => None,
        }
    }

    /// Refuses what another site made the browser send.
    fn judge_sender(
        &self,
        session: &Live,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Result<(), Box<Rejection>> {
        if !origin::is_unsafe(&head.method) {
            return Ok(());
        }
        if !origin::is_own_write(head, cx.client()) {
            return Err(Box::new(self.refusals.foreign.clone()));
        }
        let shown = head
            .headers
            .get(CSRF)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        if !self.sessions.csrf_matches(session, shown) {
            return Err(Box::new(self.refusals.csrf.clone()));
        }
        Ok(())
    }

    /// Decides whether the key behind a session still stands, for this client.
    fn judge_key(
        &self,
        session: &Live,
        client: Option<IpAddr>,
        found: Result<Option<Arc<KeyRecord>>, StoreUnavailable>,
    ) -> Result<Principal, Box<Rejection>> {
        let Ok(found) = found else {
            let refusal = Rejection::unavailable(Duration::from_secs(1));
            return Err(Box::new(
                refusal.with_reason("the key store could not response"),
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
        Err(Box::new(self.refusals.over.clone().with_reason(reason)))
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
        if cookie::find(&head.headers) == Shown::Twice {
            return Err(Box::new(Rejection::credentials_ambiguous()));
        }
        match self.live(head) {
            Some(_) if !origin::is_foreign_read(head) => Ok(Presence::Ambient),
            _ => Ok(Presence::Absent),
        }
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        let credential = match cookie::find(&head.headers) {
            Shown::Once(token) => Credential::bytes(token),
            Shown::Nothing | Shown::Twice => Credential::outside(),
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
            // It ended between the look and this moment.
            return self.refusals.over.clone().into();
        };
        if let Err(refusal) = self.judge_sender(&session, cx, head) {
            return refusal.into();
        }
        cx.record(Fact::Noted {
            key: "via",
            value: KIND.into(),
        });
        head.extensions.insert(Current(session));
        head.headers.remove(CSRF);
        let client = cx.client().map(ClientInfo::ip);
        match self.keys.find(session.key) {
            MaybeReady::Ready(found) => self.judge_key(&session, client, found).into(),
            MaybeReady::Pending(found) => {
                let this = self.clone();
                Verdict::later(async move { this.judge_key(&session, client, found.await) })
            }
        }
    }

    fn challenge(&self) -> HeaderValue {
        CHALLENGE
    }
}

/// The session of a request, for our own handlers: they see no cookie.
#[derive(Clone, Copy)]
pub(crate) struct Current(pub(crate) Live);
