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
/// | [`foreign_writes_as_guest`](Self::foreign_writes_as_guest) | a write that no page of the service sent is refused with 403 |
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
///
/// For an administration page: a closed account is out with its next request.
///
/// ```
/// use std::net::IpAddr;
/// use palisade_core::MaybeReady;
/// use palisade_session::{
///     CheckError, CheckReply, MemorySessionStore, PrincipalCheck, SessionLayer, SessionRecord, Sessions,
/// };
///
/// #[derive(Debug)]
/// struct Accounts;
///
/// impl PrincipalCheck for Accounts {
///     fn check(&self, session: &SessionRecord, _: Option<IpAddr>) -> CheckReply {
///         MaybeReady::Ready(match session.principal.id() {
///             "mallory" => Err(CheckError::ended("the account is closed")),
///             _ => Ok(session.principal.clone()),
///         })
///     }
/// }
///
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new())).check(Accounts).build();
/// # let _ = layer;
/// ```
#[derive(Debug)]
#[must_use]
pub struct SessionLayerBuilder {
    sessions: Sessions,
    check: Box<dyn PrincipalCheck>,
    needs_csrf_token: bool,
    foreign_writes_are_guests: bool,
    optional: bool,
}

impl SessionLayerBuilder {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            check: Box::new(Unchecked),
            needs_csrf_token: true,
            foreign_writes_are_guests: false,
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

    /// Treats a write that no page of this service sent as that of a guest: its session is not used. Default:
    /// it is refused with 403 `cross_site`, and the trail names the session.
    ///
    /// For routes that pages of other sites may write to, such as the form of a sign-in service that sends the
    /// user back. Rules then decide as about every guest. A handler that signs in ends the session that the
    /// browser had. A WebSocket of another page stays refused.
    pub fn foreign_writes_as_guest(mut self) -> Self {
        self.foreign_writes_are_guests = true;
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
        let authenticator = SessionAuthenticator::new(
            self.sessions,
            self.check,
            self.needs_csrf_token,
            self.foreign_writes_are_guests,
        );
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
