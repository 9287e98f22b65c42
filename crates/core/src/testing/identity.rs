//! A fake identity: a principal in the extensions of a request, and the authenticator that takes it.

use http::{HeaderValue, request};

use crate::{
    authenticate::Authenticator,
    context::SecurityContext,
    credential::{AuthenticatorId, Credential, CredentialSource, Presence},
    guard::Verdict,
    principal::Principal,
    rejection::Rejection,
};

/// The principal that a test request has. Made by [`signed_in`].
///
/// Each request needs one: the authenticator removes it, as it removes every credential.
#[derive(Clone, Debug)]
pub struct SignedIn(Principal);

/// Signs a test request in: insert the result into its extensions.
///
/// [`TestAuthenticator`] accepts it as the one explicit credential of the request. Other
/// authenticators do not see it.
///
/// ```
/// use palisade_core::{Principal, testing};
///
/// let ann = Principal::builder("test", "ann").tier("gold").build();
/// let request = testing::request("https://api.example/")
///     .extension(testing::signed_in(ann))
///     .body(testing::empty_body())?;
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub const fn signed_in(principal: Principal) -> SignedIn {
    SignedIn(principal)
}

/// Accepts the principal that [`signed_in`] put into a request, whatever it is.
///
/// Use it in tests in place of API keys or tokens. A request without one is anonymous, as one
/// without a credential. Its kind is `test`; the principal may name another one.
///
/// ```
/// use palisade_core::{AuthenticateLayer, testing::TestAuthenticator};
///
/// let layer = AuthenticateLayer::new(TestAuthenticator::new());
/// assert_eq!(layer.kinds(), ["test"]);
/// ```
///
/// A test of a rule: the user has the scope, and another one has not.
///
/// ```
/// use std::sync::Arc;
/// use http::StatusCode;
/// use palisade_core::{
///     AccessLayer, AuthenticateLayer, GuardLayer, Principal, RouteLayer, RouteTable, Rule,
///     testing::{EmptyOk, TestAuthenticator, empty_body, request, signed_in},
/// };
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let table = RouteTable::builder().any("/notes", Rule::scope("notes:read")).build()?;
/// let authenticate = AuthenticateLayer::new(TestAuthenticator::new());
/// let access = AccessLayer::new(authenticate.challenges());
/// let service = GuardLayer((RouteLayer::new(Arc::new(table)), authenticate, access)).layer(EmptyOk::default());
///
/// for (scope, status) in [("notes:read", StatusCode::OK), ("notes:write", StatusCode::FORBIDDEN)] {
///     let user = Principal::builder("test", "ann").scopes([scope]).build();
///     let request = request("https://api.example/notes").extension(signed_in(user)).body(empty_body())?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TestAuthenticator(AuthenticatorId);

impl TestAuthenticator {
    /// Makes an authenticator. Its clones are one instance, as those of every authenticator.
    pub fn new() -> Self {
        Self(AuthenticatorId::unique())
    }
}

impl Default for TestAuthenticator {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator for TestAuthenticator {
    fn id(&self) -> AuthenticatorId {
        self.0
    }

    fn kind(&self) -> &'static str {
        "test"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        Vec::new()
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        Ok(match head.extensions.get::<SignedIn>() {
            Some(_) => Presence::Explicit,
            None => Presence::Absent,
        })
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        head: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        match head.extensions.remove::<SignedIn>() {
            Some(SignedIn(principal)) => Verdict::Admit(principal),
            None => Rejection::credentials_invalid(self.challenge()).into(),
        }
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Test")
    }
}
