//! The stack around an axum router (feature `axum`).
//!
//! The rule is decided outside the router, by the table of rules. A check inside the router
//! compares it with the route that axum matched: if they differ, the request gets status 500 and
//! the handler does not run.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, connect_info::IntoMakeServiceWithConnectInfo},
};
use futures_util::future::{self, Either, Ready};
use http::{Request, Response};
use palisade_core::{Rejection, RouteMatch, RouteTable, SecurityContext, refuse};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Protected, Shield, ShieldBuilder, ShieldError, Warning, explain::Explanation, router_paths,
};
use crate::routes::Routes;

impl ShieldBuilder {
    /// Builds the stack for the rules of [`Routes`], and puts it around their router.
    ///
    /// Serve the result with [`ProtectedRouter::into_make_service`]. For a router that was built
    /// elsewhere use [`Shield::protect`].
    ///
    /// # Errors
    /// [`ShieldError`] names the part or the rule that does not fit, and the remedy.
    pub fn protect(self, routes: Routes) -> Result<ProtectedRouter, ShieldError> {
        let (router, table) = routes.into_parts()?;
        let shield = self.build(table)?;
        Ok(ProtectedRouter {
            service: shield.wrap(router),
            explanation: shield.explanation,
        })
    }
}

impl Shield {
    /// Puts the stack around a router that was built elsewhere, with its state already given.
    ///
    /// A check inside refuses with status 500 every request that the router would serve under
    /// another rule than the one decided outside. Inside `nest_service` and fallbacks axum reports
    /// no template: there the table alone decides.
    ///
    /// A handler without a rule gets status 404. It is a warning (`handler-without-rule`), as is a
    /// rule without a handler (`rule-without-handler`). Both are logged, and returned by
    /// [`ProtectedRouter::warnings`].
    pub fn protect(&self, router: Router) -> ProtectedRouter {
        let more = router_paths::compare(&router, &self.table);
        more.iter().for_each(Warning::log);
        let explanation = match more.is_empty() {
            true => Arc::clone(&self.explanation),
            false => Arc::new(self.explanation.with(more)),
        };
        ProtectedRouter {
            service: self.wrap(self.check(router)),
            explanation,
        }
    }

    /// Adds only the inner check to a router, for one that is behind other services inside the
    /// shield.
    ///
    /// It does not protect a router alone: without a shield outside, every request is refused with
    /// status 500.
    pub fn check(&self, router: Router) -> Router {
        let table = Arc::clone(&self.table);
        router.layer(tower_layer::layer_fn(move |inner| SameRule {
            table: Arc::clone(&table),
            inner,
        }))
    }
}

/// An axum router behind a [`Shield`]. Made by [`Shield::protect`] and [`ShieldBuilder::protect`].
///
/// It is a service and not a router, so that no unprotected route can be added.
///
/// ```no_run
/// # async fn serve(app: palisade::ProtectedRouter) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, app.into_make_service()).await
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ProtectedRouter {
    service: Protected<Router>,
    explanation: Arc<Explanation>,
}

impl ProtectedRouter {
    /// Returns the service without axum's body type, which saves one allocation for each response.
    ///
    /// For `palisade::server::Server` and for hyper.
    #[must_use]
    pub fn into_inner(self) -> Protected<Router> {
        self.service
    }

    /// Describes the order of the guards, the rule of every route, the limits and the warnings, as
    /// [`Shield::explain`] does. The warnings about the router are included.
    #[must_use]
    pub fn explain(&self) -> String {
        self.explanation.to_string()
    }

    /// Returns what works but should be looked at again: the warnings of [`Shield::warnings`], then
    /// those about the router.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.explanation.warnings()
    }

    /// Returns the service for `axum::serve`, which then passes the address of the peer to the
    /// shield.
    ///
    /// Without that address, limits by client and trusted proxies cannot work.
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeServiceWithConnectInfo<Self, SocketAddr> {
        axum::ServiceExt::<Request<Body>>::into_make_service_with_connect_info(self)
    }
}

impl Service<Request<Body>> for ProtectedRouter {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ProtectedFuture;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.service, task)
    }

    fn call(&mut self, request: Request<Body>) -> ProtectedFuture {
        ProtectedFuture {
            answering: self.service.call(request),
        }
    }
}

impl fmt::Debug for ProtectedRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProtectedRouter")
            .field(&self.service)
            .finish()
    }
}

type Answering = <Protected<Router> as Service<Request<Body>>>::Future;

pin_project! {
    /// The future of a [`ProtectedRouter`]. Dropping it cancels the request, which the audit layer
    /// records.
    #[derive(Debug)]
    pub struct ProtectedFuture {
        #[pin]
        answering: Answering,
    }
}

impl Future for ProtectedFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.project().answering.poll(task))?;
        Poll::Ready(Ok(answer.map(Body::new)))
    }
}

/// Refuses a request that the router would serve under another rule than the one decided outside.
///
/// That happens after a rewrite of the path between the two, or if table and router differ.
#[derive(Clone)]
struct SameRule<S> {
    table: Arc<RouteTable>,
    inner: S,
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
        if same_rule(&self.table, &request) {
            return Either::Left(self.inner.call(request));
        }
        let (mut head, _) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let rejection =
            Rejection::misconfigured("the router serves another route than was decided");
        Either::Right(future::ready(Ok(refuse::<Body>(
            &cx,
            "same_rule",
            rejection,
        )
        .map(Body::new))))
    }
}

/// Returns whether the route that axum matched has the rule that was decided outside.
fn same_rule<B>(table: &RouteTable, request: &Request<B>) -> bool {
    let decided = SecurityContext::of(request.extensions()).and_then(SecurityContext::route);
    let Some(template) = request.extensions().get::<MatchedPath>() else {
        return decided.is_some(); // A fallback. The shield let the request in, so the table has a rule.
    };
    match decided {
        Some(RouteMatch::Found(rule)) => table
            .rule_at(template.as_str(), request.method())
            .is_some_and(|served| Arc::ptr_eq(served, rule)),
        Some(RouteMatch::Preflight) => true,
        _ => false,
    }
}
