//! A router and the table of its rules, built in one breath so that they cannot drift apart.

use axum::{
    Router,
    handler::Handler,
    routing::{self, MethodRouter},
};
use http::Method;
use palisade_core::{RouteTable, RouteTableBuilder, Rule};

/// Routes with their rules. A handler cannot be added without saying who may use it.
///
/// ```
/// use palisade::{Routes, Rule};
///
/// let routes = Routes::new()
///     .get("/health", Rule::public(), async || "ok")
///     .post("/notes", Rule::scope("notes:write"), async |note: String| note);
/// # let _: Routes = routes;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Routes<S = ()> {
    router: Router<S>,
    table: RouteTableBuilder,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Starts without any.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            table: RouteTable::builder(),
        }
    }

    /// Adds a handler for `GET`, and for `HEAD`.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::GET, path, rule, routing::get(handler))
    }

    /// Adds a handler for `POST`.
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::POST, path, rule, routing::post(handler))
    }

    /// Adds a handler for `PUT`.
    pub fn put<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::PUT, path, rule, routing::put(handler))
    }

    /// Adds a handler for `PATCH`.
    pub fn patch<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::PATCH, path, rule, routing::patch(handler))
    }

    /// Adds a handler for `DELETE`.
    pub fn delete<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::DELETE, path, rule, routing::delete(handler))
    }

    /// Adds handlers of several methods under one rule.
    pub fn any(mut self, path: &str, rule: Rule, handlers: MethodRouter<S>) -> Self {
        self.table = self.table.any(path, rule);
        self.router = self.router.route(path, handlers);
        self
    }

    /// Adds the routes of others.
    pub fn merge(self, other: Self) -> Self {
        Self {
            router: self.router.merge(other.router),
            table: self.table.merge(other.table),
        }
    }

    /// Adds the routes of others below a prefix.
    pub fn nest(self, prefix: &str, other: Self) -> Self {
        Self {
            router: self.router.nest(prefix, other.router),
            table: self.table.nest(prefix, other.table),
        }
    }

    /// Lets CORS preflights of known routes through to the handlers, where a CORS layer answers them.
    pub fn allow_preflight(mut self) -> Self {
        self.table = self.table.allow_preflight();
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes {
            router: self.router.with_state(state),
            table: self.table,
        }
    }

    /// Takes router and table apart, to add layers inside the shield.
    pub fn into_parts(self) -> (Router<S>, RouteTableBuilder) {
        (self.router, self.table)
    }

    fn on(mut self, method: Method, path: &str, rule: Rule, handler: MethodRouter<S>) -> Self {
        self.table = self.table.route(path, method, rule);
        self.router = self.router.route(path, handler);
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
