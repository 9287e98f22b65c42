//! The three guards of the route table: look up the rule first, refuse unknown paths early, check
//! access last.

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};

use super::{Access, RouteMatch, RouteTable, Rule};
use crate::{
    Guard, Identity, Mode, Rejection, SecurityContext, Verdict, authenticate::Proof, layer,
};

const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// Looks up the rule of a request, once, for all guards further in. Refuses nothing.
///
/// Read the result with [`SecurityContext::route`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteLayer {
    table: Arc<RouteTable>,
}

layer!(RouteLayer);

impl RouteLayer {
    /// Uses a table. Clones of the layer share it.
    pub fn new(table: Arc<RouteTable>) -> Self {
        Self { table }
    }
}

impl Guard for RouteLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "route"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        cx.set_route(self.table.look_up(head));
        Verdict::Admit(())
    }
}

/// Refuses requests that the table has no rule for: 404, or 405 with `Allow`.
///
/// Place it inside [`RouteLayer`] and the limit by address, and outside authentication. Scanners
/// then cost little and learn nothing. Without a `RouteLayer` outside it responds 500
/// `misconfigured`.
///
/// A path without a rule and a path without a handler get the same response. Its private reason in
/// the audit trail is `route_without_rule`.
///
/// ```
/// use std::sync::Arc;
/// use palisade_core::{GuardLayer, NotFoundLayer, RouteLayer, RouteTable, Rule};
///
/// let table = RouteTable::builder().any("/health", Rule::public()).build()?;
/// let layer = GuardLayer((RouteLayer::new(Arc::new(table)), NotFoundLayer::new()));
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct NotFoundLayer {
    not_found: Arc<Rejection>,
}

layer!(NotFoundLayer);

impl NotFoundLayer {
    /// Makes the guard. It needs a [`RouteLayer`] outside it.
    pub fn new() -> Self {
        Self {
            not_found: Arc::new(
                Rejection::not_found()
                    .prerendered()
                    .with_reason("route_without_rule"),
            ),
        }
    }
}

impl Default for NotFoundLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for NotFoundLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotFoundLayer")
    }
}

impl Guard for NotFoundLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "not_found"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.route() {
            Some(RouteMatch::Found(_) | RouteMatch::Preflight) => Verdict::Admit(()),
            Some(RouteMatch::MethodNotAllowed(rejection)) => rejection.clone().into(),
            Some(RouteMatch::NotFound) => Rejection::clone(&self.not_found).into(),
            None => Rejection::misconfigured("NotFoundLayer needs RouteLayer outside it").into(),
        }
    }
}

/// Decides whether the principal may use the route. Denies by default. Place it inside
/// authentication.
///
/// - No credential where one is required: 401 `unauthenticated`.
/// - A principal without the scopes of the rule: 403 `insufficient_scope` with a challenge that
///   names them (RFC 6750, 3): `WWW-Authenticate: Bearer realm="api", error="insufficient_scope",
///   scope="tts:speak"`.
/// - No rule: 404 or 405, as by [`NotFoundLayer`].
/// - No [`RouteLayer`], or no authenticator, outside it: 500 `misconfigured`.
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
    /// Makes the guard. The challenges tell an anonymous client which credentials are accepted.
    /// Default, if there are none: `Bearer`.
    ///
    /// Take them from [`AuthenticateLayer::challenges`](crate::AuthenticateLayer::challenges).
    pub fn new(challenges: impl IntoIterator<Item = HeaderValue>) -> Self {
        let mut challenges: Vec<HeaderValue> = challenges.into_iter().collect();
        if challenges.is_empty() {
            challenges.push(BEARER);
        }
        let challenge = challenges.first().cloned();
        let missing = Rejection::unauthenticated(challenges)
            .prerendered()
            .with_reason("no credential");
        Self {
            challenge: challenge.unwrap_or(BEARER),
            missing: Arc::new(missing),
            mode: Mode::Enforce,
        }
    }

    /// Records what would be refused and lets it pass. Default: off. Use it only while rolling out
    /// a table.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Checks the identity against a rule.
    fn check(&self, cx: &SecurityContext, rule: &Rule) -> Result<(), Box<Rejection>> {
        match (rule.access(), cx.identity()) {
            (Access::Public, _) => Ok(()),
            (_, Identity::Known(who)) => {
                let proven = cx.proof().and_then(Proof::challenge);
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

impl Guard for AccessLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "access"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.route() {
            Some(RouteMatch::Found(rule)) => self.check(cx, rule).into(),
            Some(RouteMatch::Preflight) => Verdict::Admit(()),
            Some(RouteMatch::MethodNotAllowed(rejection)) => rejection.clone().into(),
            Some(RouteMatch::NotFound) => Rejection::not_found().into(),
            None => Rejection::misconfigured("AccessLayer needs RouteLayer outside it").into(),
        }
    }
}
