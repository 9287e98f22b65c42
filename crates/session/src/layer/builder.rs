//! The choices of a session layer.

use palisade_core::AuthenticateLayer;

use super::SessionLayer;
use crate::{
    authenticator::SessionAuthenticator,
    check::{PrincipalCheck, Unchecked},
    sessions::Sessions,
};

/// Configures a [`SessionLayer`]. Made by [`SessionLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`check`](Self::check) | none: a principal stays what it was when it signed in |
/// | [`without_csrf_token`](Self::without_csrf_token) | a write needs the token of its session |
/// | [`optional`](Self::optional) | a request without a session is refused with 401 |
///
/// ```
/// use palisade_session::{MemorySessionStore, SessionLayer, Sessions};
///
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new())).build();
/// # let _ = layer;
/// ```
///
/// For pages with forms that guests see too:
///
/// ```
/// use palisade_session::{MemorySessionStore, SessionLayer, Sessions};
///
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new()))
///     .without_csrf_token()
///     .optional()
///     .build();
/// # let _ = layer;
/// ```
#[derive(Debug)]
#[must_use]
pub struct SessionLayerBuilder {
    sessions: Sessions,
    check: Box<dyn PrincipalCheck>,
    needs_csrf_token: bool,
    optional: bool,
}

impl SessionLayerBuilder {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            check: Box::new(Unchecked),
            needs_csrf_token: true,
            optional: false,
        }
    }

    /// Asks with each request whether the principal may still use the service. Default: it is not asked, and a
    /// principal stays what it was when it signed in.
    pub fn check(mut self, check: impl PrincipalCheck) -> Self {
        self.check = Box::new(check);
        self
    }

    /// Accepts writes without `X-CSRF-Token`, for plain forms. Default: the token is needed.
    ///
    /// `Sec-Fetch-Site` or `Origin` must still tell that the page is one of this service, and the
    /// cookie is still not sent with requests of other sites (`SameSite`). The token is a third barrier,
    /// against a proxy or an extension that changes these headers.
    pub fn without_csrf_token(mut self) -> Self {
        self.needs_csrf_token = false;
        self
    }

    /// Lets requests without a session pass as a guest's, where this layer is used by itself. Default:
    /// they are refused with 401.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Makes the layer.
    #[allow(clippy::missing_panics_doc)] // It never panics: one authenticator is no conflict.
    pub fn build(self) -> SessionLayer {
        let authenticator =
            SessionAuthenticator::new(self.sessions, self.check, self.needs_csrf_token);
        let alone = AuthenticateLayer::builder().authenticator(authenticator.clone());
        let alone = match self.optional {
            true => alone.optional(),
            false => alone,
        };
        let alone = alone.build();
        SessionLayer {
            alone: alone.expect("one authenticator, which reads a cookie, is no conflict"),
            authenticator,
        }
    }
}
