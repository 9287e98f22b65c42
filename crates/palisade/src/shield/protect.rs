//! The stack around an axum router (feature `axum`).
//!
//! The rule is decided outside the router, by the table of rules. A check inside the router
//! (`same_rule.rs`) compares it with the route that axum matched: if they differ, the request gets
//! status 500 and the handler does not run.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{Router, body::Body, extract::connect_info::IntoMakeServiceWithConnectInfo};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Protected, Shield, ShieldBuildError, ShieldBuilder,
    explain::Explanation,
    explain::Warning,
    router_paths,
    same_rule::{RouterRules, SameRule},
};
use crate::routes::Routes;

/// What [`ShieldBuilder::protect`] accepts: a finished axum [`Router`], or [`Routes`].
///
/// It is sealed: no other type implements it. Other services, such as those of tonic, go through
/// [`Shield::wrap`] or [`Shield::as_layer`].
pub trait Application: sealed::Sealed {}

mod sealed {
    use super::{ProtectedRouter, ShieldBuildError, ShieldBuilder};

    #[allow(unnameable_types, reason = "sealed")]
    pub trait Sealed {
        /// Builds the stack and puts it around the application.
        fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldBuildError>;
    }
}

/// With state already given by `Router::with_state`.
impl Application for Router {}

impl sealed::Sealed for Router {
    fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldBuildError> {
        Ok(builder.build()?.protect(self))
    }
}

impl Application for Routes {}

impl sealed::Sealed for Routes {
    fn protect(self, builder: ShieldBuilder) -> Result<ProtectedRouter, ShieldBuildError> {
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
    ///
    /// [`ShieldBuildError`] names the part or the rule that does not fit, and the remedy.
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
    pub fn protect(
        self,
        application: impl Application,
    ) -> Result<ProtectedRouter, ShieldBuildError> {
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
    /// (`rule-without-handler`). Both are logged unless they are
    /// [accepted](ShieldBuilder::accept_warning), and returned by [`ProtectedRouter::warnings`].
    pub fn protect(&self, router: Router) -> ProtectedRouter {
        let found = {
            let (rules, described) = (self.rules(), self.explanation.routes());
            router_paths::compare(&router, &rules, described, &self.documents)
        };
        self.explanation.log(&found.warnings);
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
///
/// A test sends requests without a socket:
///
/// ```
/// use palisade::{AllowedHosts, Routes, Rule, Shield};
/// use palisade::core::{Peer, Scheme};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let routes = Routes::new().get("/health", Rule::public(), async || "ok");
/// let app = Shield::builder().hosts(AllowedHosts::parse(["notes.example"])?).protect(routes)?;
///
/// let request = |path: &str| {
///     let request = http::Request::get(path).header("host", "notes.example");
///     request.extension(Peer::new(([192, 0, 2, 7], 50_000).into(), Scheme::Https)).body(axum::body::Body::empty())
/// };
/// assert_eq!(app.clone().oneshot(request("/health")?).await?.status(), 200);
/// assert_eq!(app.oneshot(request("/admin")?).await?.status(), 404);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ProtectedRouter {
    /// The stack around the router.
    service: Protected<Router>,
    /// That of the shield, with what was found about the router.
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
            inner: self.service.call(request),
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

type InnerFuture = <Protected<Router> as Service<Request<Body>>>::Future;

pin_project! {
    /// The future of a [`ProtectedRouter`]. Dropping it cancels the request, which the audit layer
    /// records.
    #[derive(Debug)]
    pub struct ProtectedFuture {
        #[pin]
        inner: InnerFuture,
    }
}

impl Future for ProtectedFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().inner.poll(task))?;
        Poll::Ready(Ok(response.map(Body::new)))
    }
}
