//! The stack around an axum router.

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
use crate::Routes;

impl ShieldBuilder {
    /// Builds the stack for the rules of [`Routes`], and puts it around their router.
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
    /// Puts the stack around a router that was built elsewhere. A check inside refuses (500) every
    /// request that the router would serve under another rule than the one decided outside.
    ///
    /// Inside `nest_service` and fallbacks axum tells no template: there the table alone decides.
    ///
    /// A handler without a rule and a rule without a handler are warnings (`handler-without-rule`,
    /// `rule-without-handler`) of the returned value and in the log.
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

    /// Puts only the inner check into a router: for one that stands behind other services of the
    /// application, somewhere inside the shield.
    pub fn check(&self, router: Router) -> Router {
        let table = Arc::clone(&self.table);
        router.layer(tower_layer::layer_fn(move |inner| SameRule {
            table: Arc::clone(&table),
            inner,
        }))
    }
}

/// An axum router behind a [`Shield`]: a service, not a router, so that no route can be added beside the guarded ones.
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
    /// Returns the service with the machine's own body, which saves one box: for `palisade::Server` and hyper.
    #[must_use]
    pub fn into_inner(self) -> Protected<Router> {
        self.service
    }

    /// Prints the order, the rule of every route, the limits and the warnings, as
    /// [`Shield::explain`] does.
    #[must_use]
    pub fn explain(&self) -> String {
        self.explanation.to_string()
    }

    /// Returns what works but should be looked at again.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.explanation.warnings()
    }

    /// Serves under `axum::serve`, which then tells the peer's address.
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
    /// The future of a [`ProtectedRouter`].
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

/// Refuses what the router would serve under another rule than the one decided outside: after a
/// rewrite between the two, or where table and router disagree.
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
        let cx = SecurityContext::enter(&mut head);
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

fn same_rule<B>(table: &RouteTable, request: &Request<B>) -> bool {
    let decided = SecurityContext::of(request.extensions()).and_then(SecurityContext::route);
    let Some(template) = request.extensions().get::<MatchedPath>() else {
        return decided.is_some(); // A fallback: the table has a rule for it, or we would not be here.
    };
    match decided {
        Some(RouteMatch::Found(rule)) => table
            .rule_at(template.as_str(), request.method())
            .is_some_and(|served| Arc::ptr_eq(served, rule)),
        Some(RouteMatch::Preflight) => true,
        _ => false,
    }
}
