//! Opens, renews, lists and ends sessions: what handlers use.
//!
//! `builder` has the choices, `opened` what a handler sends to the browser, and `time` the clock that
//! sessions end by.

mod builder;
mod opened;
mod time;

use std::{fmt, sync::Arc, time::Duration};

use http::{Extensions, HeaderMap, HeaderValue};
use palisade_core::{Fact, Principal, SecurityContext};

use self::time::SessionTime;
pub use self::{
    builder::{SessionsBuildError, SessionsBuilder},
    opened::OpenedSession,
};
use crate::{
    cookie::{FoundCookie, SessionCookie},
    current::CurrentSession,
    error::SessionError,
    record::{self, SessionInfo, SessionOwner, SessionRecord},
    removed::Removed,
    store::SessionStore,
    token::{SessionDigest, SessionId, SessionToken},
};

/// Opens, renews, lists and ends sessions. Cheap to clone; clones are the same.
///
/// A handler that has verified who the user is opens a session and sends its cookie. From then on
/// [`SessionLayer`](crate::SessionLayer) proves the principal. A handler that changes what the user may
/// do calls [`renew`](Self::renew), so that nobody who knew the old token has the new rights.
///
/// # Examples
///
/// ```
/// use palisade_core::Principal;
/// use palisade_session::{MemorySessionStore, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = Sessions::new(MemorySessionStore::new());
/// let ann = Principal::builder("user", "ann").scopes(["notes:read"]).build();
///
/// // In a handler that has verified who the user is; `head` is that of its request.
/// let (head, ()) = http::Request::post("/session").body(())?.into_parts();
/// let opened = sessions.sign_in(&head.headers, &head.extensions, ann.clone()).await?;
/// assert!(opened.set_cookie().to_str()?.starts_with("__Host-session="));
/// assert_eq!(sessions.list(&ann).await?.len(), 1);
///
/// // The password was changed: sign out everywhere.
/// assert_eq!(sessions.end_all(&ann).await?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

/// What clones share.
struct Inner {
    store: Box<dyn SessionStore>,
    cookie: SessionCookie,
    lifetime: Duration,
    idle: Duration,
    time: SessionTime,
}

impl Sessions {
    /// Keeps sessions in a store, with the defaults of [`SessionsBuilder`].
    #[must_use]
    #[allow(clippy::missing_panics_doc)] // It never panics: the defaults are within their bounds.
    pub fn new(store: impl SessionStore) -> Self {
        Self::builder(store)
            .build()
            .expect("the defaults are within their bounds, as a test shows")
    }

    /// Starts to configure how long sessions last, and their cookie.
    pub fn builder(store: impl SessionStore) -> SessionsBuilder {
        SessionsBuilder::new(Box::new(store))
    }

    /// Opens a session for the principal of a request, in the handler of a page that signs in.
    ///
    /// A session that the browser still has ends, so that nobody who planted it shares what follows (session
    /// fixation). A request whose principal a session proved is refused: otherwise a stolen session could
    /// open new ones for ever.
    ///
    /// # Errors
    ///
    /// [`SessionError::SignedIn`]: a session proved the principal of the request. Otherwise as
    /// [`open`](Self::open).
    ///
    /// ```
    /// use http::{Extensions, HeaderMap, HeaderValue};
    /// use palisade_core::Principal;
    /// use palisade_session::{SessionError, Sessions};
    ///
    /// /// `who` is what a key, a token or a password proved.
    /// async fn sign_in(
    ///     sessions: &Sessions,
    ///     (headers, extensions): (&HeaderMap, &Extensions),
    ///     who: Principal,
    /// ) -> Result<HeaderValue, SessionError> {
    ///     Ok(sessions.sign_in(headers, extensions, who).await?.set_cookie())
    /// }
    /// ```
    pub async fn sign_in(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        principal: Principal,
    ) -> Result<OpenedSession, SessionError> {
        let signed_in = self.sign_in_labelled(headers, extensions, principal, "");
        signed_in.await
    }

    /// Does the same as [`sign_in`](Self::sign_in), with a label as [`open_labelled`](Self::open_labelled).
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_labelled(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        principal: Principal,
        label: &str,
    ) -> Result<OpenedSession, SessionError> {
        if CurrentSession::of(extensions).is_some() {
            return Err(SessionError::SignedIn);
        }
        let record = self.record(principal, Some(record::label(label)), self.now())?;
        self.end_shown(headers, extensions).await?;
        let opened = self.insert(record).await?;
        if let Some(cx) = SecurityContext::of(extensions) {
            cx.record(Fact::Noted {
                key: "session_opened",
                value: opened.id().as_str().to_owned().into(),
            });
        }
        Ok(opened)
    }

    /// Opens a session for a principal, whatever the request shows. Handlers use [`sign_in`](Self::sign_in).
    ///
    /// It has a new token: what the browser sent before has no influence on it. Do not call it with a principal that
    /// a session proved: the new session would outlast it. It ends with [`Principal::expires`] at the latest.
    ///
    /// # Errors
    ///
    /// [`SessionError`]: the credential of the principal has expired, the store is full or cannot be asked,
    /// or there are no random numbers.
    pub async fn open(&self, principal: Principal) -> Result<OpenedSession, SessionError> {
        self.open_labelled(principal, "").await
    }

    /// Opens a session with a label that [`list`](Self::list) returns, such as the browser and the system.
    ///
    /// Control characters are removed, and 128 characters are kept.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_labelled(
        &self,
        principal: Principal,
        label: &str,
    ) -> Result<OpenedSession, SessionError> {
        let record = self.record(principal, Some(record::label(label)), self.now())?;
        self.insert(record).await
    }

    /// Makes the record of a session that is opened now.
    fn record(
        &self,
        principal: Principal,
        label: Option<Box<str>>,
        now: Duration,
    ) -> Result<SessionRecord, SessionError> {
        let mut record = SessionRecord::new(principal, now, self.0.lifetime, self.0.idle);
        record.label = label.filter(|label| !label.is_empty());
        match record.ends > now {
            true => Ok(record),
            false => Err(SessionError::CredentialExpired),
        }
    }

    async fn insert(&self, record: SessionRecord) -> Result<OpenedSession, SessionError> {
        let (token, now) = (draw()?, record.opened);
        let insert = self.0.store.insert(token.digest(), record.clone(), now);
        insert.get().await?;
        self.opened(&token, &record, now)
    }

    /// Gives the session of a request a new token, a new principal and a new lifetime. The old token opens nothing
    /// from now on.
    ///
    /// For a change of rights: a second factor was shown, a role was chosen. The user must have shown something that
    /// who stole the cookie does not have: the new session lasts a whole lifetime again. Requests that the browser
    /// sent with the old token meanwhile get 401. The label stays.
    ///
    /// # Errors
    ///
    /// [`SessionError::Ended`]: the session has ended meanwhile, or was renewed by another request.
    /// Otherwise as [`open`](Self::open).
    pub async fn renew(
        &self,
        current: &CurrentSession,
        principal: Principal,
    ) -> Result<OpenedSession, SessionError> {
        let now = self.now();
        let old = current.digest();
        let before = self.0.store.find(old).get().await?;
        let before = before.filter(|record| !record.is_over(now));
        let before = before.ok_or(SessionError::Ended)?;
        let record = self.record(principal, before.label, now)?;
        let token = draw()?;
        let replace = self.0.store.replace(old, token.digest(), record.clone());
        match replace.get().await? {
            true => self.opened(&token, &record, now),
            false => Err(SessionError::Ended),
        }
    }

    /// Ends the session of a request. Send [`clear_cookie`](Self::clear_cookie) with the response.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the store cannot be asked, and the session may go on.
    pub async fn end(&self, current: &CurrentSession) -> Result<(), SessionError> {
        self.0.store.remove(current.digest()).get().await.map(drop)
    }

    /// Ends the session that a request shows, whether or not a layer read it. Returns whether there was one.
    ///
    /// For a handler that signs in with another credential: the cookie of the browser was not read then.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_shown(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<bool, SessionError> {
        let current = CurrentSession::of(extensions).map(|current| current.digest());
        let cookie = &self.0.cookie;
        let removed = || Removed::session(cookie, extensions);
        match current.or_else(removed).or_else(|| shown(cookie, headers)) {
            Some(digest) => self.0.store.remove(digest).get().await,
            None => Ok(false),
        }
    }

    /// Ends one session of a principal, by the id that [`list`](Self::list) returned. `false`: the principal
    /// has no such session. Those of others are never ended.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_one(
        &self,
        principal: &Principal,
        id: &SessionId,
    ) -> Result<bool, SessionError> {
        let all = self.0.store.list(SessionOwner::of(principal)).get().await?;
        let found = all.iter().map(|(digest, _)| *digest);
        match found.into_iter().find(|digest| digest.id() == *id) {
            Some(digest) => self.0.store.remove(digest).get().await,
            None => Ok(false),
        }
    }

    /// Ends all sessions of a principal (sign out everywhere), and returns how many.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_all(&self, principal: &Principal) -> Result<usize, SessionError> {
        let owner = SessionOwner::of(principal);
        self.0.store.remove_all(owner, None).get().await
    }

    /// Ends all sessions of a principal but the current one, and returns how many.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_others(
        &self,
        principal: &Principal,
        current: &CurrentSession,
    ) -> Result<usize, SessionError> {
        let owner = SessionOwner::of(principal);
        let except = Some(current.digest());
        self.0.store.remove_all(owner, except).get().await
    }

    /// Lists the sessions of a principal that have not ended, the newest first.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the store cannot be asked.
    pub async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, SessionError> {
        let now = self.now();
        let all = self.0.store.list(SessionOwner::of(principal)).get().await?;
        let live = all.iter().filter(|(_, record)| !record.is_over(now));
        let mut live: Vec<SessionInfo> = live
            .map(|(digest, record)| SessionInfo::of(digest, record))
            .collect();
        live.sort_by_key(|session| std::cmp::Reverse(session.opened));
        Ok(live)
    }

    /// Returns the `Set-Cookie` that removes the cookie from the browser.
    #[must_use]
    pub fn clear_cookie(&self) -> HeaderValue {
        self.0.cookie.clear()
    }

    /// Returns the name of the cookie.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.name()
    }

    /// Returns how long a session lasts at most.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    pub(crate) fn cookie(&self) -> &SessionCookie {
        &self.0.cookie
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.0.store
    }

    /// Returns the time that sessions end by.
    pub(crate) fn now(&self) -> Duration {
        self.0.time.now()
    }

    fn opened(
        &self,
        token: &SessionToken,
        record: &SessionRecord,
        now: Duration,
    ) -> Result<OpenedSession, SessionError> {
        let lasts = record.ends.saturating_sub(now);
        let cookie = self.0.cookie.set(&token.encode(), lasts);
        // A token is base64url, so a header may have it.
        let cookie = cookie.ok_or(SessionError::NoRandomNumbers)?;
        Ok(OpenedSession::new(cookie, token, record, now))
    }
}

/// Draws the token of a new session.
fn draw() -> Result<SessionToken, SessionError> {
    SessionToken::draw().map_err(|_| SessionError::NoRandomNumbers)
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("store", &self.0.store)
            .field("cookie", &self.0.cookie.name())
            .field("lifetime", &self.0.lifetime)
            .field("idle", &self.0.idle)
            .finish()
    }
}

/// The digest of the session that a cookie of a request shows. `None` if there is none, or two.
pub(crate) fn shown(cookie: &SessionCookie, headers: &HeaderMap) -> Option<SessionDigest> {
    match cookie.find(headers) {
        FoundCookie::Single(shown) => Some(SessionToken::parse(shown)?.digest()),
        FoundCookie::Absent | FoundCookie::Repeated => None,
    }
}
