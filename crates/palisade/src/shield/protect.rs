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
use http::{Method, Request, Response};
use palisade_core::{Rejection, RouteMatch, RouteTable, Rule, SecurityContext, refuse};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Protected, Shield, ShieldBuilder, ShieldError, explain::Explanation, explain::Warning,
    router_paths,
};
use crate::routes::Routes;

/// What [`ShieldBuilder::protect`] accepts: a finished axum [`Router`], or [`Routes`].
///
/// It is sealed: no other type implements it.
pub trait Application: sealed::Sealed {}

mod sealed {
    use super::{ProtectedRouter, ShieldBuilder, ShieldError};

    #[allow(unnameable_types, reason = "sealed")]
    pub trait Sealed {
        /// Builds the stack and puts it around the application.
        fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldError>;
    }
}

/// With state already given by `Router::with_state`.
impl Application for Router {}

impl sealed::Sealed for Router {
    fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldError> {
        Ok(builder.build()?.protect(self))
    }
}

impl Application for Routes {}

impl sealed::Sealed for Routes {
    fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldError> {
        let (router, rules) = self.into_parts()?;
        let shield = builder.rules(rules).build()?;
        Ok(ProtectedRouter {
            service: shield.wrap(router),
            explanation: shield.explanation,
        })
    }
}

impl ShieldBuilder {
    /// Builds the stack, and puts it around a finished axum router or around [`Routes`].
    ///
    /// A router keeps its state, its nested routers and its fallback; [`rules`](Self::rules) say
    /// who may use them. A handler without a rule gets status 404; [`ProtectedRouter::explain`]
    /// names it. `Routes` have their rules with them; `rules` add to these.
    ///
    /// Serve the result with [`ProtectedRouter::into_make_service`].
    ///
    /// # Errors
    /// [`ShieldError`] names the part or the rule that does not fit, and the remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, extract::State, routing::get};
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let router = Router::new()
    ///     .route("/", get(async |State(name): State<&'static str>| name))
    ///     .with_state("notes");
    ///
    /// let app = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["notes.example"])?)
    ///     .rules(Rules::new().get("/", Rule::public()))
    ///     .protect(router)?;
    /// # let _ = app; Ok(()) }
    /// ```
    pub fn protect(self, application: impl Application) -> Result<ProtectedRouter, ShieldError> {
        application.protect(self)
    }
}

impl Shield {
    /// Puts the stack around a finished axum router, with its state already given.
    ///
    /// A check inside refuses with status 500 every request that the router would serve under
    /// another rule than the one decided outside, and with status 404 those of a handler that only
    /// the rule of the fallback opens. Inside `nest_service` and fallbacks axum reports no template:
    /// there the rules alone decide.
    ///
    /// A handler without a rule gets status 404, or 405 if its path has rules for other methods. It
    /// is a warning (`handler-without-rule`), as is a rule without a handler
    /// (`rule-without-handler`). Both are logged, and returned by [`ProtectedRouter::warnings`].
    pub fn protect(&self, router: Router) -> ProtectedRouter {
        let found = router_paths::compare(&router, &self.rules(), self.explanation.routes());
        found.warnings.iter().for_each(Warning::log);
        let explanation = match found.warnings.is_empty() {
            true => Arc::clone(&self.explanation),
            false => Arc::new(self.explanation.with(found.unruled, found.warnings)),
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
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::get};
    /// use http::Request;
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    /// use tower::ServiceBuilder;
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().get("/", Rule::public()))
    ///     .build()?;
    /// let router = shield.check(Router::new().route("/", get(async || "ok")));
    /// let without_cookies = ServiceBuilder::new().map_request(|mut request: Request<Body>| {
    ///     request.headers_mut().remove("cookie");
    ///     request
    /// });
    /// let service = shield.wrap(without_cookies.service(router));
    /// # let _ = service; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, router: Router) -> Router {
        let rules = self.rules();
        router.layer(tower_layer::layer_fn(move |inner| SameRule {
            rules: rules.clone(),
            inner,
        }))
    }

    /// Returns the rules for the comparison with routers.
    fn rules(&self) -> RouterRules {
        RouterRules {
            table: Arc::clone(&self.table),
            fallback_from: self.fallback_from,
        }
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

/// The rules, as a router sees them.
#[derive(Clone, Debug)]
pub(super) struct RouterRules {
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
struct SameRule<S> {
    rules: RouterRules,
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
