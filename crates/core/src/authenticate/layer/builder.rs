//! The choices of an authentication layer, and the check of its authenticators.

use std::{fmt, sync::Arc};

use super::AuthenticateLayer;
use crate::{
    authenticate::{
        AuthenticateBuildError, Authenticator, error::check, registered::RegisteredAuthenticator,
        shared::Shared,
    },
    guard::Mode,
};

/// Configures an [`AuthenticateLayer`]. Made by [`AuthenticateLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`authenticator`](Self::authenticator) | none; one is needed |
/// | [`optional`](Self::optional) | a request without a credential is refused |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | refusals are enforced |
///
/// ```
/// use palisade_core::{AuthenticateBuildError, AuthenticateLayer, testing::TestAuthenticator};
///
/// let layer = AuthenticateLayer::builder()
///     .authenticator(TestAuthenticator::new())
///     .optional()
///     .build()?;
/// assert_eq!(layer.kinds(), ["test"]);
///
/// let empty = AuthenticateLayer::builder().build();
/// assert_eq!(empty.unwrap_err(), AuthenticateBuildError::NoAuthenticator);
/// # Ok::<(), AuthenticateBuildError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct AuthenticateLayerBuilder {
    /// In the order in which their challenges are sent.
    all: Vec<Arc<dyn Authenticator>>,
    /// Whether a request without a credential passes.
    optional: bool,
    /// Whether refusals are enforced.
    mode: Mode,
}

impl AuthenticateLayerBuilder {
    /// Accepts one more kind of credential. Call it once for each authenticator.
    ///
    /// Two that read the same credential are an error of [`build`](Self::build).
    pub fn authenticator(mut self, one: impl Authenticator) -> Self {
        self.all.push(Arc::new(one));
        self
    }

    /// Accepts several more kinds of credential, in their order.
    ///
    /// For lists that are put together at run time:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use palisade_core::{AuthenticateLayer, Authenticator, testing::TestAuthenticator};
    ///
    /// let configured: Vec<Arc<dyn Authenticator>> = vec![Arc::new(TestAuthenticator::new())];
    /// let layer = AuthenticateLayer::builder().authenticators(configured).build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_core::AuthenticateBuildError>(())
    /// ```
    pub fn authenticators(mut self, all: impl IntoIterator<Item = Arc<dyn Authenticator>>) -> Self {
        self.all.extend(all);
        self
    }

    /// Lets requests without a credential pass as
    /// [`Identity::Anonymous`](crate::Identity::Anonymous). Default: they are refused with 401. A
    /// wrong credential is refused in any case.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out
    /// authentication: every request passes.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// There is no authenticator, two read the same credential, or one reads `Authorization` or
    /// `Cookie` as a plain header; see [`AuthenticateBuildError`].
    pub fn build(self) -> Result<AuthenticateLayer, AuthenticateBuildError> {
        let all: Box<[_]> = self
            .all
            .into_iter()
            .map(RegisteredAuthenticator::new)
            .collect();
        check(&all)?;
        Ok(AuthenticateLayer {
            shared: Arc::new(Shared::new(all)),
            optional: self.optional,
            mode: self.mode,
        })
    }
}

/// Shows the kinds of the authenticators, since they do not implement `Debug`.
impl fmt::Debug for AuthenticateLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.all.iter().map(|one| one.kind()).collect();
        f.debug_struct("AuthenticateLayerBuilder")
            .field("kinds", &kinds)
            .field("optional", &self.optional)
            .field("mode", &self.mode)
            .finish()
    }
}
