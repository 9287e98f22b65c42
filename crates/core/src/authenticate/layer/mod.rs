//! The guard that calls authenticators, and decides whether a principal from an outer layer is
//! accepted.

mod builder;

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};

pub use self::builder::AuthenticateLayerBuilder;
use super::{
    Authenticator,
    registered::RegisteredAuthenticator,
    select::{self, FoundCredential, SelectError},
    shared::Shared,
};
use crate::{
    context::SecurityContext,
    credential::Presence,
    guard::{Guard, Mode, Verdict},
    layer,
};

/// Requires a credential, and stores its [`Principal`](crate::Principal) for all guards and handlers further in.
///
/// The one credential in the request decides: an explicit one goes before an ambient one (a cookie), two
/// explicit ones are refused with 400, and a failed one is never retried as another. An `Authorization`
/// that no authenticator reads counts as a failed credential: alone it is 401, beside another explicit
/// credential it is 400.
///
/// # Several layers
///
/// Authenticators in one list are *or*; layers inside each other are *and*. A layer accepts a principal that
/// an outer layer found only if **one of its own authenticators** proved it (clones count as one). Otherwise
/// its own authenticator verifies the credential again, and must find the same principal:
///
/// | the outer layer accepted | this layer |
/// |---|---|
/// | a credential that one of its own instances proved | admits |
/// | a credential that it reads too (another issuer, another store) | verifies it again |
/// | a credential of another kind | 403 `credential_kind` |
/// | a principal of its kind whose credential is not there to be verified | 500 `misconfigured` |
///
/// A request has one principal: if two layers find two, it is refused, with 400 if the client sent two
/// credentials, and with 500 `misconfigured` if they read one credential differently.
///
/// # Examples
///
/// One kind of credential, required on every route. `TestAuthenticator` stands for that of
/// `palisade-api-key` or `palisade-jwt`:
///
/// ```
/// use palisade_core::{AuthenticateLayer, testing::TestAuthenticator};
///
/// let layer = AuthenticateLayer::new(TestAuthenticator::new());
/// assert_eq!(layer.kinds(), ["test"]);
/// ```
///
/// Several kinds, for a stack in which [`AccessLayer`](crate::AccessLayer) decides who may be anonymous:
///
/// ```
/// use palisade_core::{AccessLayer, AuthenticateLayer, testing::TestAuthenticator};
///
/// # fn api_keys() -> TestAuthenticator { TestAuthenticator::new() }
/// # fn tokens() -> TestAuthenticator { TestAuthenticator::new() }
/// let authenticate = AuthenticateLayer::builder()
///     .authenticator(api_keys())
///     .authenticator(tokens())
///     .optional()
///     .build()?;
/// let access = AccessLayer::new(authenticate.challenges());
/// # Ok::<(), palisade_core::AuthenticateBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct AuthenticateLayer {
    pub(super) shared: Arc<Shared>,
    pub(super) optional: bool,
    pub(super) mode: Mode,
}

layer!(AuthenticateLayer);

impl AuthenticateLayer {
    /// Accepts one kind of credential. A request without it is refused with 401.
    ///
    /// What the authenticator declares is not checked here. Use the [`builder`](Self::builder) for
    /// authenticators of others, for several, and for other choices.
    pub fn new(authenticator: impl Authenticator) -> Self {
        let all = [RegisteredAuthenticator::new(Arc::new(authenticator))];
        Self {
            shared: Arc::new(Shared::new(all.into())),
            optional: false,
            mode: Mode::Enforce,
        }
    }

    /// Starts to configure a layer that accepts any one of several kinds of credential, or also
    /// requests without one.
    pub fn builder() -> AuthenticateLayerBuilder {
        AuthenticateLayerBuilder::default()
    }

    /// Returns the challenges of all authenticators, in their order, for
    /// [`AccessLayer`](crate::AccessLayer).
    #[must_use]
    pub fn challenges(&self) -> Vec<HeaderValue> {
        let all = self.shared.all.iter();
        all.flat_map(|one| one.info.challenges().cloned()).collect()
    }

    /// Returns the kinds of credential that are accepted, in the order of the authenticators.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.shared.all.iter().map(|one| one.info.kind).collect()
    }

    /// Decides by the one credential of a request.
    fn decide(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        let proven = cx.proof().map(|proof| proof.presence);
        match select::select_credential(&self.shared.all, head) {
            // An explicit credential goes before a cookie, also one that an outer layer accepted.
            Ok(FoundCredential::One(found))
                if found.presence < proven.unwrap_or(Presence::Absent) =>
            {
                self.without_credential(cx, head)
            }
            Ok(FoundCredential::One(found)) => self.verify(cx, head, found),
            Ok(FoundCredential::None) => self.without_credential(cx, head),
            // A credential that no authenticator reads has failed: it is neither anonymous nor a cookie.
            Ok(FoundCredential::Unread) => {
                let unread = Box::new(self.shared.unread.clone());
                self.shared
                    .record_failure(cx, "authorization", unread)
                    .into()
            }
            Err(SelectError::Ambiguous) => self.shared.ambiguous.clone().into(),
            Err(SelectError::Malformed) => self.shared.malformed.clone().into(),
            Err(SelectError::Refused(rejection)) => rejection.into(),
        }
    }
}

impl Guard for AuthenticateLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "authenticate"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        cx.mark_authentication_attempted();
        let verdict = self.decide(cx, head);
        if self.mode == Mode::Enforce {
            let all = self.shared.all.iter();
            all.for_each(|one| one.authenticator.strip_credential(head));
        }
        verdict
    }
}

impl fmt::Debug for AuthenticateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateLayer")
            .field("kinds", &self.kinds())
            .field("optional", &self.optional)
            .field("mode", &self.mode)
            .finish()
    }
}
