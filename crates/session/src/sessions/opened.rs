//! What a handler sends to the browser after it has opened a session.

use std::{fmt, time::Duration};

use http::HeaderValue;

use crate::{
    record::SessionRecord,
    token::{CsrfToken, SessionId, SessionToken},
};

/// A session that was opened or renewed now: the cookie for the browser, and what its page needs.
///
/// Returned by [`Sessions::open`](super::Sessions::open). Send [`set_cookie`](Self::set_cookie) in a
/// `Set-Cookie` header; otherwise no request can use the session. `Debug` shows neither token.
#[must_use = "the browser has no session until it gets the cookie"]
pub struct OpenedSession {
    cookie: HeaderValue,
    csrf: CsrfToken,
    id: SessionId,
    lasts: Duration,
}

impl OpenedSession {
    pub(super) fn new(
        cookie: HeaderValue,
        token: &SessionToken,
        record: &SessionRecord,
        now: Duration,
    ) -> Self {
        Self {
            cookie,
            csrf: token.csrf_token(),
            id: token.digest().id(),
            lasts: record.ends.saturating_sub(now),
        }
    }

    /// Returns the value of `Set-Cookie`. It is marked as sensitive: it opens the session.
    #[must_use]
    pub fn set_cookie(&self) -> HeaderValue {
        self.cookie.clone()
    }

    /// Returns the token that the page sends in `X-CSRF-Token` with requests that change something.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        self.csrf.as_str()
    }

    /// Returns the public id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns how long it lasts at most.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.lasts
    }
}

impl fmt::Debug for OpenedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedSession")
            .field("id", &self.id)
            .field("lasts", &self.lasts)
            .finish_non_exhaustive()
    }
}
