//! The layer that authenticates requests by the cookie of a session.

mod builder;

use std::fmt;

use http::{HeaderValue, header::CACHE_CONTROL, request, response};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Guard, Mode,
    Presence, Principal, Rejection, SecurityContext, Verdict, layer,
};

pub use self::builder::SessionLayerBuilder;
use crate::{authenticator::SessionAuthenticator, sessions::Sessions};

/// Authenticates requests by the cookie of a session, and refuses those that another site made the browser
/// send.
///
/// On success the request has the [`Principal`] that signed in, and a
/// [`CurrentSession`](crate::CurrentSession) for handlers. The cookie and its `X-CSRF-Token` are removed from the
/// request, also where the session was not used; other cookies stay. Used by itself, the layer sets
/// `Cache-Control: no-store` on responses of a session that have none; in a list that is up to the layer of headers.
///
/// A session whose cookie came without TLS ends, if a guard tells ([`AuthenticateLayer::record_exposed`]). If the
/// store replies later, a task ends it after the request (feature `redis`), and the trail does not name it.
///
/// | case | response |
/// |---|---|
/// | no cookie, or one that opens no session | as a request without a credential: 401, or a guest |
/// | a read that another site caused (`Sec-Fetch-Site`) | the same: the user did not mean it |
/// | a write, or a WebSocket, that no page of this service sent | 403 `cross_site`; a write by [option](SessionLayerBuilder::foreign_writes_as_guest) as that of a guest |
/// | a write without the token of the session in `X-CSRF-Token` | 403 `csrf_token` |
/// | the principal may not use the service any more | 401, and the session ends |
/// | two cookies of the name | 400 `credentials_ambiguous` |
/// | the store cannot be asked | 503 with `Retry-After` |
///
/// A write is every method but `GET`, `HEAD` and `OPTIONS`. It needs a word of the browser that it comes
/// from a page of this service: `Sec-Fetch-Site: same-origin`, or an `Origin` with the host of the request.
/// If both are there, both must agree.
///
/// A cookie is an ambient credential: an API key or a token in the same request goes before it.
///
/// Use it as a layer by itself, or as one of several in an [`AuthenticateLayer`].
///
/// # Examples
///
/// A user signs in, and the cookie opens the service:
///
/// ```
/// use http::{Request, StatusCode, header};
/// use palisade_core::{Principal, testing::{EmptyOk, TestBody}};
/// use palisade_session::{MemorySessionStore, SessionLayer, Sessions};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = Sessions::new(MemorySessionStore::new());
/// let service = ServiceBuilder::new()
///     .layer(SessionLayer::new(sessions.clone()))
///     .service(EmptyOk::default());
///
/// // In a handler that has checked the password:
/// let opened = sessions.open(Principal::builder("user", "ann").build()).await?;
/// let set_cookie = opened.set_cookie();
///
/// // The next request of the browser:
/// let cookie = set_cookie.to_str()?.split(';').next().unwrap_or_default();
/// let request = Request::get("/").header(header::COOKIE, cookie).body(TestBody::default())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::OK);
///
/// let without = Request::get("/").body(TestBody::default())?;
/// assert_eq!(service.oneshot(without).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(()) }
/// ```
///
/// For pages with plain forms, which cannot send the header:
///
/// ```
/// use palisade_session::{MemorySessionStore, SessionLayer, Sessions};
///
/// let sessions = Sessions::new(MemorySessionStore::new());
/// let layer = SessionLayer::builder(sessions).without_csrf_token().optional().build();
/// # let _ = layer;
/// ```
#[derive(Clone)]
#[must_use]
pub struct SessionLayer {
    authenticator: SessionAuthenticator,
    /// The layer for use by itself, outside of a list of authenticators.
    alone: AuthenticateLayer,
}

layer!(SessionLayer);

impl SessionLayer {
    /// Accepts sessions. Requests without one are refused.
    pub fn new(sessions: Sessions) -> Self {
        Self::builder(sessions).build()
    }

    /// Starts to configure a layer.
    pub fn builder(sessions: Sessions) -> SessionLayerBuilder {
        SessionLayerBuilder::new(sessions)
    }

    /// Returns the sessions that the layer accepts, for handlers.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        self.authenticator.sessions()
    }
}

impl Guard for SessionLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        self.alone.name()
    }

    fn mode(&self) -> Mode {
        self.alone.mode()
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        self.alone.admit(cx, head)
    }

    /// What a session showed is not for a cache, unless the handler says otherwise.
    fn finish(&self, cx: &SecurityContext, (): &mut (), head: &mut response::Parts) -> Verdict<()> {
        if cx.proven_by() == Some(self.authenticator.kind()) {
            let entry = head.headers.entry(CACHE_CONTROL);
            entry.or_insert(const { HeaderValue::from_static("no-store") });
        }
        Verdict::Admit(())
    }
}

impl Authenticator for SessionLayer {
    fn id(&self) -> AuthenticatorId {
        self.authenticator.id()
    }

    fn kind(&self) -> &'static str {
        self.authenticator.kind()
    }

    fn sources(&self) -> Vec<CredentialSource> {
        self.authenticator.sources()
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        self.authenticator.presence(head)
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        self.authenticator.take(head)
    }

    fn strip_credential(&self, head: &mut request::Parts) {
        self.authenticator.strip_credential(head);
    }

    fn authenticate(
        &self,
        cx: &SecurityContext,
        head: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        self.authenticator.authenticate(cx, head, credential)
    }

    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        self.authenticator.recheck(cx, credential)
    }

    fn on_exposed(&self, cx: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        self.authenticator.on_exposed(cx, credential)
    }

    fn challenge(&self) -> HeaderValue {
        self.authenticator.challenge()
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("sessions", self.sessions())
            .field("alone", &self.alone)
            .finish()
    }
}
