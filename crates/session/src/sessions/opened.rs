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
///
/// # Examples
///
/// The response of a handler that signs in. A script gets the token for its writes in the body:
///
/// ```
/// use http::{Response, header::SET_COOKIE};
/// use palisade_session::OpenedSession;
///
/// fn signed_in(opened: &OpenedSession) -> Response<String> {
///     let mut response = Response::new(format!("{{\"csrf_token\":\"{}\"}}", opened.csrf_token()));
///     response.headers_mut().append(SET_COOKIE, opened.set_cookie());
///     response
/// }
/// ```
///
/// Without a script, the browser goes on to the first page:
///
/// ```
/// use http::{Response, StatusCode, header};
/// use palisade_session::OpenedSession;
///
/// fn to_the_start(opened: &OpenedSession) -> http::Result<Response<()>> {
///     let response = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, "/");
///     response.header(header::SET_COOKIE, opened.set_cookie()).body(())
/// }
/// ```
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

    /// Returns the public id, as it stands in the audit trail.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns how long it lasts at most: the lifetime of the builder, or the rest of the credential that opened it
    /// if that is shorter. The cookie has the same `Max-Age`.
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
