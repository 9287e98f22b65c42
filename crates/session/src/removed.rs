//! What was removed from a request, so that neither handlers nor services behind this one see it.

use http::{HeaderName, HeaderValue, request};

use crate::{
    cookie::{FoundCookie, SessionCookie},
    token::{SessionDigest, SessionToken},
};

const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// What was removed, for layers further in and for handlers that sign out. In the extensions of the request.
#[derive(Clone, Default)]
pub(crate) struct Removed {
    /// The digest of each session whose cookie was removed, by the name of the cookie.
    sessions: Vec<(Box<str>, SessionDigest)>,
    /// The token against forged requests.
    csrf: Option<HeaderValue>,
}

impl Removed {
    /// Removes the cookie and the token against forged requests. Without the cookie nothing is removed: the
    /// header may belong to another library.
    pub(crate) fn remove(cookie: &SessionCookie, head: &mut request::Parts) {
        let digest = match cookie.find(&head.headers) {
            FoundCookie::Absent => return,
            FoundCookie::Repeated => None,
            FoundCookie::Single(shown) => SessionToken::parse(shown).map(|token| token.digest()),
        };
        cookie.remove(&mut head.headers);
        let removed = head.extensions.get_or_insert_default::<Self>();
        if let Some(digest) = digest {
            removed
                .sessions
                .retain(|(name, _)| **name != *cookie.name());
            removed.sessions.push((cookie.name().into(), digest));
        }
        if let Some(mut csrf) = head.headers.remove(CSRF_HEADER) {
            csrf.set_sensitive(true);
            removed.csrf = Some(csrf);
        }
    }

    /// Returns the token against forged requests, whether or not a layer further out removed it.
    pub(crate) fn csrf_token(head: &request::Parts) -> Option<HeaderValue> {
        let shown = head.headers.get(CSRF_HEADER);
        let removed = || head.extensions.get::<Self>()?.csrf.as_ref();
        shown.or_else(removed).cloned()
    }

    /// Returns the digest of the session whose cookie was removed.
    pub(crate) fn session_digest(
        cookie: &SessionCookie,
        extensions: &http::Extensions,
    ) -> Option<SessionDigest> {
        let mut sessions = extensions.get::<Self>()?.sessions.iter();
        let found = sessions.find(|(name, _)| **name == *cookie.name());
        found.map(|(_, digest)| *digest)
    }
}
