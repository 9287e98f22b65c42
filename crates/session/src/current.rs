//! The session of a request, for handlers. They see neither cookie nor token.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::Extensions;
use palisade_core::SecurityContext;

use crate::token::{CsrfToken, SessionDigest, SessionId};

/// The session that proved the principal of a request. Cheap to clone.
///
/// [`SessionLayer`](crate::SessionLayer) puts it into the extensions of the request. With the feature `axum` it
/// is an extractor: `Option<CurrentSession>` is `None` for a guest and for a client with another credential,
/// and `CurrentSession` refuses these with 403 `session_required`.
///
/// # Examples
///
/// The token that a page sends back with each write, for the template of a handler:
///
/// ```
/// use http::request::Parts;
/// use palisade_session::CurrentSession;
///
/// /// `None`: the client is a guest, or it has a credential that needs no such token.
/// fn csrf_token(head: &Parts) -> Option<&str> {
///     CurrentSession::of(&head.extensions).map(CurrentSession::csrf_token)
/// }
/// ```
///
/// The page "where am I signed in", which marks the session that shows it:
///
/// ```
/// use palisade_core::Principal;
/// use palisade_session::{CurrentSession, SessionError, Sessions};
///
/// /// Returns a line for each session of the user.
/// async fn devices(
///     sessions: &Sessions,
///     (user, current): (&Principal, &CurrentSession),
/// ) -> Result<Vec<String>, SessionError> {
///     let line = |session: &palisade_session::SessionInfo| {
///         let mark = if session.id == current.id() { "this browser" } else { "sign out" };
///         format!("{} ({mark})", session.label.as_deref().unwrap_or("unknown browser"))
///     };
///     Ok(sessions.list(user).await?.iter().map(line).collect())
/// }
/// ```
///
/// As an extractor of axum (feature `axum`):
///
/// ```
/// # #[cfg(feature = "axum")] mod handlers {
/// use palisade_session::CurrentSession;
///
/// async fn greeting(session: Option<CurrentSession>) -> &'static str {
///     match session {
///         Some(_) => "Welcome back.",
///         None => "Please sign in.",
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct CurrentSession(Arc<Facts>);

/// What clones share.
struct Facts {
    /// By which the store finds the session, to renew or end it.
    digest: SessionDigest,
    /// The token against forged requests.
    csrf: CsrfToken,
    /// From the request to the end of the session.
    lasts: Duration,
    /// Of the request, for what its handler does with the session.
    cx: SecurityContext,
}

/// A place in the extensions that is filled when the session is found. The store may answer later, when the head of the
/// request is out of reach.
#[derive(Clone, Default)]
pub(crate) struct SessionPlace(Arc<OnceLock<CurrentSession>>);

impl SessionPlace {
    pub(crate) fn fill(&self, current: CurrentSession) {
        let _ = self.0.set(current);
    }
}

impl CurrentSession {
    pub(crate) fn new(
        digest: SessionDigest,
        csrf: CsrfToken,
        lasts: Duration,
        cx: SecurityContext,
    ) -> Self {
        Self(Arc::new(Facts {
            digest,
            csrf,
            lasts,
            cx,
        }))
    }

    /// Finds the session of a request, from the extensions of its head.
    ///
    /// `None`: no session proved its principal. That is so for a guest, for a client that another credential
    /// proved, and where no [`SessionLayer`](crate::SessionLayer) is around the handler.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<SessionPlace>()?.0.get()
    }

    /// Returns the public id: the one that [`Sessions::list`](crate::Sessions::list) shows, and the audit trail
    /// as `session`. It opens nothing.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.digest.id()
    }

    /// Returns the token that the page sends in `X-CSRF-Token` with requests that change something. It
    /// stays the same while the session lasts, and is another one after [`Sessions::renew`](crate::Sessions::renew).
    ///
    /// Put it into the page (a `<meta>` element, for example), and never into a cookie or a URL. It is computed
    /// from the secret token of the cookie, so the store does not know it.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        self.0.csrf.as_str()
    }

    /// Returns how long the session lasts at most, from the request on. It can end earlier: when it is not used
    /// ([`idle_timeout`](crate::SessionsBuilder::idle_timeout)), when it is signed out, and with its principal.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.0.lasts
    }

    pub(crate) fn digest(&self) -> SessionDigest {
        self.0.digest
    }

    pub(crate) fn cx(&self) -> &SecurityContext {
        &self.0.cx
    }
}

impl fmt::Debug for CurrentSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentSession")
            .field("id", &self.id())
            .field("lasts", &self.lasts())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "axum")]
mod extract {
    use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
    use http::{StatusCode, request};
    use palisade_core::{Rejection, SecurityContext, extract::Refused};

    use super::CurrentSession;

    impl<S: Sync> FromRequestParts<S> for CurrentSession {
        type Rejection = Refused;

        async fn from_request_parts(head: &mut request::Parts, state: &S) -> Result<Self, Refused> {
            if let Some(current) = Self::of(&head.extensions) {
                return Ok(current.clone());
            }
            let cx = SecurityContext::from_request_parts(head, state).await?;
            let rejection = Rejection::new(
                StatusCode::FORBIDDEN,
                "session_required",
                "This needs a session of a browser.",
            );
            Err(Refused::new(&cx, rejection))
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for CurrentSession {
        type Rejection = std::convert::Infallible;

        async fn from_request_parts(
            head: &mut request::Parts,
            _: &S,
        ) -> Result<Option<Self>, Self::Rejection> {
            Ok(Self::of(&head.extensions).cloned())
        }
    }
}
