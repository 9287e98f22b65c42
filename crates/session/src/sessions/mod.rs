//! Opens, renews, lists and ends sessions: what handlers use.
//!
//! `builder` has the choices, `accessors` returns them, `of_principal` lists and ends the sessions of one principal,
//! `trail` has what the audit trail gets, `ended` what it gets of sessions that end by name, `opened` what a handler
//! sends to the browser, and `time` the clock that sessions end by.

mod builder;
mod accessors;
mod of_principal;
mod trail;
mod ended;
mod opened;
mod time;

use std::{sync::Arc, time::Duration};

use http::{Extensions, HeaderMap};
use palisade_core::{Principal, SecurityContext};

pub use self::{
    builder::{SessionsBuildError, SessionsBuilder},
    ended::{EndedBy, SessionsEnded},
    opened::OpenedSession,
};
use self::{
    ended::EndReport,
    time::SessionTime,
    trail::{note, warn_full},
};
use crate::{
    cookie::{FoundCookie, SessionCookie},
    current::CurrentSession,
    error::SessionError,
    record::{self, SessionRecord},
    removed::Removed,
    store::SessionStore,
    token::{SessionDigest, SessionToken},
};

/// Opens, renews, lists and ends sessions. Cheap to clone; clones are the same.
///
/// A handler that has verified who the user is opens a session and sends its cookie. From then on
/// [`SessionLayer`](crate::SessionLayer) proves the principal. A handler that changes what the user may
/// do calls [`renew`](Self::renew), so that no one who knew the old token has the new rights.
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
///
/// [`SessionsBuilder`] has customised ones.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

/// What clones share.
struct Inner {
    store: Box<dyn SessionStore>,
    cookie: SessionCookie,
    lifetime: Duration,
    idle: Duration,
    time: SessionTime,
    /// Tells of sessions that are ended by name or all together.
    ended: EndReport,
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
    /// A session that the browser still has ends, so that no one who planted it shares what follows (session
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
        let record = self.record(principal, Some(record::clean_label(label)), self.now())?;
        self.end_shown(headers, extensions).await?;
        self.insert(record, SecurityContext::of(extensions)).await
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
        let record = self.record(principal, Some(record::clean_label(label)), self.now())?;
        self.insert(record, None).await
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

    /// Adds a session, and tells the trail of the request, if there is one.
    async fn insert(
        &self,
        record: SessionRecord,
        cx: Option<&SecurityContext>,
    ) -> Result<OpenedSession, SessionError> {
        let (token, now) = (draw_token()?, record.opened);
        let insert = self.0.store.insert(token.digest(), record.clone(), now);
        let gave_way = insert
            .get()
            .await
            .inspect_err(|error| warn_full(error, cx))?;
        let opened = self.describe_opened(&token, &record, now)?;
        note(cx, "session_opened", opened.id());
        for digest in gave_way {
            note(cx, "session_gave_way", &digest.id());
        }
        Ok(opened)
    }

    /// Gives the session of a request a new token, a new principal and a new lifetime. The old token opens nothing
    /// from now on.
    ///
    /// For a change of rights: a second factor was shown, a role was chosen. The user must have shown something that
    /// who stole the cookie does not have: the new session lasts a whole lifetime again. Requests that the browser
    /// sent with the old token meanwhile get 401. The label stays.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use palisade_core::Principal;
    /// use palisade_session::{CurrentSession, SessionError, Sessions};
    ///
    /// /// The handler of the second factor, after it was verified. Returns the `Set-Cookie`.
    /// async fn with_second_factor(
    ///     sessions: &Sessions,
    ///     (user, current): (&Principal, &CurrentSession),
    /// ) -> Result<HeaderValue, SessionError> {
    ///     let stronger = Principal::builder(user.kind(), user.id()).scopes(["admin"]).build();
    ///     Ok(sessions.renew(current, stronger).await?.set_cookie())
    /// }
    /// ```
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
        let token = draw_token()?;
        let replace = self.0.store.replace(old, token.digest(), record.clone());
        match replace.get().await? {
            true => {
                let opened = self.describe_opened(&token, &record, now)?;
                note(Some(current.cx()), "session_renewed_as", opened.id());
                Ok(opened)
            }
            false => Err(SessionError::Ended),
        }
    }

    /// Ends the session of a request. Send [`clear_cookie`](Self::clear_cookie) with the response.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the store cannot be asked, and the session may go on.
    pub async fn end(&self, current: &CurrentSession) -> Result<(), SessionError> {
        let ended = self.0.store.remove(current.digest()).get().await?;
        if ended {
            note(Some(current.cx()), "session_ended", &current.id());
        }
        Ok(())
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
        let removed = || Removed::session_digest(cookie, extensions);
        let Some(digest) = current
            .or_else(removed)
            .or_else(|| shown_digest(cookie, headers))
        else {
            return Ok(false);
        };
        let ended = self.0.store.remove(digest).get().await?;
        if ended {
            note(
                SecurityContext::of(extensions),
                "session_ended",
                &digest.id(),
            );
        }
        Ok(ended)
    }

    fn describe_opened(
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
fn draw_token() -> Result<SessionToken, SessionError> {
    SessionToken::draw().map_err(|_| SessionError::NoRandomNumbers)
}

/// The digest of the session that a cookie of a request shows. `None` if there is none, or two.
pub(crate) fn shown_digest(cookie: &SessionCookie, headers: &HeaderMap) -> Option<SessionDigest> {
    match cookie.find(headers) {
        FoundCookie::Single(shown) => Some(SessionToken::parse(shown)?.digest()),
        FoundCookie::Absent | FoundCookie::Repeated => None,
    }
}
