//! The three guards of the table: find the rule first, close unknown paths early, judge late.

use std::{fmt, sync::Arc};

use http::{HeaderValue, request};

use super::{Access, RouteMatch, RouteTable, Rule};
use crate::{
    Guard, Identity, Mode, Rejection, SecurityContext, Verdict, authenticate::Proof, layer,
};

const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// Looks up the rule of a route, once, for all guards further in. Refuses nothing.
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteLayer {
    table: Arc<RouteTable>,
}

layer!(RouteLayer);

impl RouteLayer {
    /// Uses a table.
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

/// Closes what is not in the table: 404, or 405 with `Allow`. Stands after the limit by address and
/// before any credential is looked at, so that scanners cost little and learn nothing.
#[derive(Clone)]
#[must_use]
pub struct KnownLayer {
    unknown: Arc<Rejection>,
}

layer!(KnownLayer);

impl KnownLayer {
    /// Makes the guard. It needs a [`RouteLayer`] outside it.
    pub fn new() -> Self {
        Self {
            unknown: Arc::new(
                Rejection::not_found()
                    .prerendered()
                    .with_reason("route_without_rule"),
            ),
        }
    }
}

impl Default for KnownLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KnownLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownLayer")
    }
}

impl Guard for KnownLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "known"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.route() {
            Some(RouteMatch::Found(_) | RouteMatch::Preflight) => Verdict::Admit(()),
            Some(RouteMatch::MethodNotAllowed(rejection)) => rejection.clone().into(),
            Some(RouteMatch::Unknown) => Rejection::clone(&self.unknown).into(),
            None => Rejection::misconfigured("KnownLayer needs RouteLayer outside it").into(),
        }
    }
}

/// Decides whether the principal may use the route. Deny by default. Stands inside authentication.
///
/// A principal without the scopes of the rule is refused with 403 `insufficient_scope` and a challenge that
/// names them (RFC 6750, 3): `WWW-Authenticate: Bearer realm="api", error="insufficient_scope", scope="tts:speak"`.
#[derive(Clone, Debug)]
#[must_use]
pub struct AccessLayer {
    /// For principals that no authenticator proved; the others have the challenge of theirs.
    challenge: HeaderValue,
    missing: Arc<Rejection>,
    mode: Mode,
}

layer!(AccessLayer);

impl AccessLayer {
    /// Makes the guard. The challenges tell a guest how to prove who they are.
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

    /// Records what would be refused and lets it pass. For the days of a roll-out only.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

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
            Some(RouteMatch::Unknown) => Rejection::not_found().into(),
            None => Rejection::misconfigured("AccessLayer needs RouteLayer outside it").into(),
        }
    }
}
