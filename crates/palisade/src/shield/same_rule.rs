//! The check inside an axum router: the route that axum matched must have the rule that was decided
//! outside.
//!
//! Without it, a rewrite of the path between the shield and the router would serve a handler under
//! the rule of another one.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use axum::{body::Body, extract::MatchedPath};
use futures_util::future::{self, Either, Ready};
use http::{Method, Request, Response};
use palisade_core::{Rejection, RouteMatch, RouteTable, Rule, SecurityContext, refuse};
use tower_service::Service;

/// The rules, as a router sees them.
#[derive(Clone, Debug)]
pub(super) struct RouterRules {
    /// All rules, those of the fallback last.
    pub(super) table: Arc<RouteTable>,
    /// Rules from this index on are those of the fallback.
    pub(super) fallback_from: usize,
}

impl RouterRules {
    /// Returns the rule of a handler. The rule of the fallback opens no handler that has a path.
    pub(super) fn of_handler(&self, template: &str, method: &Method) -> Option<&Arc<Rule>> {
        let rule = self.table.rule_at(template, method);
        rule.filter(|rule| rule.index() < self.fallback_from)
    }
}

/// Refuses a request that the router would serve under another rule than the one decided outside.
///
/// That happens after a rewrite of the path between the two, or if table and router differ.
#[derive(Clone)]
pub(super) struct SameRule<S> {
    /// The rules of the shield outside.
    pub(super) rules: RouterRules,
    /// The handler of one route, as axum wraps it.
    pub(super) inner: S,
}

impl<S, B> Service<Request<B>> for SameRule<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(rejection) = mismatch(&self.rules, &request) else {
            return Either::Left(self.inner.call(request));
        };
        let (mut head, _) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let response = refuse::<Body>(&cx, "same_rule", rejection);
        Either::Right(future::ready(Ok(response.map(Body::new))))
    }
}

/// Compares the rule that was decided outside with the route that axum matched. Returns the refusal
/// if they do not belong together.
fn mismatch<B>(rules: &RouterRules, request: &Request<B>) -> Option<Rejection> {
    let differs = || {
        Some(Rejection::misconfigured(
            "the router serves another route than was decided",
        ))
    };
    let cx = SecurityContext::of(request.extensions());
    let Some(decided) = cx.and_then(SecurityContext::route) else {
        return differs();
    };
    let Some(template) = request.extensions().get::<MatchedPath>() else {
        return None; // A fallback. The shield let the request in, so there is a rule.
    };
    match decided {
        RouteMatch::Preflight => None,
        RouteMatch::Found(decided) => {
            let served = rules.of_handler(template.as_str(), request.method());
            match served {
                Some(served) if Arc::ptr_eq(served, decided) => None,
                None if decided.index() >= rules.fallback_from => {
                    let reason = "only the rule of the fallback opens this handler";
                    Some(Rejection::not_found().with_reason(reason))
                }
                _ => differs(),
            }
        }
        _ => differs(),
    }
}
