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
#[derive(Clone)]
pub struct CurrentSession(Arc<Facts>);

struct Facts {
    digest: SessionDigest,
    csrf: CsrfToken,
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

    /// Finds the session of a request. `None`: no session proved its principal.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<SessionPlace>()?.0.get()
    }

    /// Returns the public id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.digest.id()
    }

    /// Returns the token that the page sends in `X-CSRF-Token` with requests that change something. It
    /// stays the same while the session lasts.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        self.0.csrf.as_str()
    }

    /// Returns how long the session lasts at most, from the request on.
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
