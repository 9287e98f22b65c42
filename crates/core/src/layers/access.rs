//! The guard that compares the principal with the rule of the route.

use std::sync::Arc;

use http::{HeaderValue, request};

use crate::{
    client_certificate::ClientCertificate,
    context::{Identity, SecurityContext},
    credential::Proof,
    guard::{Guard, Mode, Verdict},
    layer,
    rejection::Rejection,
    routes::{Access, RouteMatch, Rule},
};

const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// Decides whether the principal may use the route. Denies by default. Place it inside
/// authentication.
///
/// - No credential where one is required: 401 `unauthenticated`.
/// - A principal without the scopes of the rule: 403 `insufficient_scope` with a challenge that
///   names them (RFC 6750, 3): `WWW-Authenticate: Bearer realm="api", error="insufficient_scope",
///   scope="tts:speak"`.
/// - No certificate of the client where the rule demands one: 403 `client_certificate_required`.
/// - No rule: 404 or 405, as by [`NotFoundLayer`](crate::NotFoundLayer).
/// - No [`RouteLayer`](crate::RouteLayer), or no authenticator, outside it: 500 `misconfigured`.
///
/// The shortest stack that enforces rules, here with a fake credential of
/// `testing`:
///
/// ```
/// use std::sync::Arc;
/// use http::StatusCode;
/// use palisade_core::{
///     AccessLayer, AuthenticateLayer, GuardLayer, RouteLayer, RouteTable, Rule,
///     testing::{EmptyOk, TestAuthenticator, empty_body, request},
/// };
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let table = RouteTable::builder()
///     .any("/health", Rule::public())
///     .any("/speak", Rule::scope("tts:speak"))
///     .build()?;
/// let authenticate = AuthenticateLayer::builder()
///     .authenticator(TestAuthenticator::new())
///     .optional()
///     .build()?;
/// let access = AccessLayer::new(authenticate.challenges());
/// let stack = GuardLayer((RouteLayer::new(Arc::new(table)), authenticate, access));
/// let service = stack.layer(EmptyOk::default());
///
/// let status = async |path: &str| {
///     let request = request(&format!("https://api.example{path}")).body(empty_body()).unwrap();
///     service.clone().oneshot(request).await.unwrap().status()
/// };
/// assert_eq!(status("/health").await, StatusCode::OK);
/// assert_eq!(status("/speak").await, StatusCode::UNAUTHORIZED);
/// assert_eq!(status("/other").await, StatusCode::NOT_FOUND);
/// # Ok(()) }
/// ```
///
/// Why authentication is `optional` there: public routes need it. This guard refuses anonymous clients
/// where the rule requires a credential.
#[derive(Clone, Debug)]
#[must_use]
pub struct AccessLayer {
    /// For principals that no authenticator proved; the others have the challenge of their
    /// authenticator.
    challenge: HeaderValue,
    missing: Arc<Rejection>,
    mode: Mode,
}

layer!(AccessLayer);

impl AccessLayer {
    /// Makes the guard, which enforces its refusals. The challenges tell an anonymous client which
    /// credentials are accepted. Default, if there are none: `Bearer`.
    ///
    /// Take them from [`AuthenticateLayer::challenges`](crate::AuthenticateLayer::challenges).
    pub fn new(challenges: impl IntoIterator<Item = HeaderValue>) -> Self {
        Self::builder(challenges).build()
    }

    /// Starts to configure the guard. The challenges are those of [`new`](Self::new).
    pub fn builder(challenges: impl IntoIterator<Item = HeaderValue>) -> AccessLayerBuilder {
        AccessLayerBuilder {
            challenges: challenges.into_iter().collect(),
            mode: Mode::Enforce,
        }
    }

    /// Checks certificate and identity against a rule.
    fn check(
        &self,
        cx: &SecurityContext,
        rule: &Rule,
        head: &request::Parts,
    ) -> Result<(), Box<Rejection>> {
        let certificate = ClientCertificate::of(&head.extensions);
        if rule.needs_client_certificate() && certificate.is_none() {
            return Err(Box::new(Rejection::client_certificate_required()));
        }
        match (rule.access(), cx.identity()) {
            (Access::Public, _) => Ok(()),
            (_, Identity::Known(who)) => {
                let proven = cx.proof().map(Proof::challenge);
                rule.check_scopes(who, proven.unwrap_or(&self.challenge))
            }
            (_, Identity::Anonymous) => Err(Box::new(Rejection::clone(&self.missing))),
            (_, Identity::Unknown) => {
                let reason = "AccessLayer needs an authenticator outside it";
                Err(Box::new(Rejection::misconfigured(reason)))
            }
        }
    }
}

/// Configures an [`AccessLayer`]. Made by [`AccessLayer::builder`].
///
/// Default: refusals are enforced.
///
/// ```
/// use palisade_core::{AccessLayer, Guard, Mode};
///
/// let shadow = AccessLayer::builder([]).dangerously_only_shadow().build();
/// assert_eq!(shadow.mode(), Mode::Shadow);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AccessLayerBuilder {
    challenges: Vec<HeaderValue>,
    mode: Mode,
}

impl AccessLayerBuilder {
    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out
    /// a table.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Builds the layer, with its refusal rendered.
    pub fn build(self) -> AccessLayer {
        let mut challenges = self.challenges;
        if challenges.is_empty() {
            challenges.push(BEARER);
        }
        let challenge = challenges.first().cloned();
        let missing = Rejection::unauthenticated(challenges)
            .prerendered()
            .with_reason("no credential");
        AccessLayer {
            challenge: challenge.unwrap_or(BEARER),
            missing: Arc::new(missing),
            mode: self.mode,
        }
    }
}

impl Guard for AccessLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "access"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        match cx.route() {
            Some(RouteMatch::Found(rule)) => self.check(cx, rule, head).into(),
            Some(RouteMatch::Preflight) => Verdict::Admit(()),
            Some(RouteMatch::MethodNotAllowed(rejection)) => Rejection::clone(rejection).into(),
            Some(RouteMatch::NotFound) => Rejection::not_found().into(),
            None => Rejection::misconfigured("AccessLayer needs RouteLayer outside it").into(),
        }
    }
}
