//! Handlers with their rules, in one table, so that no handler can be without a rule.
//!
//! Mistakes are collected and not reported at once: the methods return `Self`, and the check runs
//! when the routes go into a shield.

use axum::{
    Router,
    handler::Handler,
    routing::{self, MethodRouter},
};
use http::Method;
use palisade_core::{RouteTable, Rule};

use crate::rules::{Rules, RulesError};

/// Routes with their rules. Each handler is added together with the rule that says who may use it.
///
/// Pass it to [`ShieldBuilder::protect`](crate::shield::ShieldBuilder::protect). Templates have the form of
/// axum 0.8: `/notes/{id}`, and `/assets/{*path}` for all paths below. `S` is the state of the
/// handlers, which [`with_state`](Self::with_state) provides.
///
/// Mistakes are found when the routes go into a shield, as a [`RulesError`] that names the route: a
/// template that does not parse or conflicts with another, and two rules for one template and
/// method. axum's own router panics in these cases.
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
    /// The handlers, for the router.
    entries: Vec<Entry<S>>,
    /// The rules, for the table.
    rules: Rules,
}

/// A handler or a nested group. The router is built from them at the end, since axum panics on a
/// conflict.
#[derive(Clone, Debug)]
enum Entry<S> {
    /// The handlers of one template.
    Handlers {
        /// The template, without the prefixes around it.
        path: String,
        handlers: Box<MethodRouter<S>>,
    },
    /// The entries below a prefix. They stay apart, so that their handlers see the path without it.
    Nested {
        /// The prefix, without a `/` at its end.
        prefix: String,
        entries: Vec<Self>,
    },
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Starts without routes.
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            rules: Rules::new(),
        }
    }

    /// Adds a handler for `GET`.
    ///
    /// It also serves `HEAD`, unless [`head`](Self::head) adds a handler for it: the router runs
    /// this one and drops the body.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::GET, path, rule, routing::get(handler))
    }

    /// Adds a handler for `HEAD` with a separate rule.
    ///
    /// Useful if the handler of `GET` does work that only the body needs.
    ///
    /// ```
    /// use palisade::{Routes, Rule};
    ///
    /// let routes = Routes::new()
    ///     .get("/report", Rule::authenticated().limit("reports"), async || "long work")
    ///     .head("/report", Rule::authenticated(), async || ());
    /// # let _: Routes = routes;
    /// ```
    pub fn head<H: Handler<T, S>, T: 'static>(self, path: &str, rule: Rule, handler: H) -> Self {
        self.on(Method::HEAD, path, rule, routing::head(handler))
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
    ///
    /// The template can have no other rule then; a second one is [`RulesError::TwoRules`].
    ///
    /// ```
    /// use axum::routing::{get, put};
    /// use palisade::{Routes, Rule};
    ///
    /// let handlers = get(async || "Buy bread.").put(async |note: String| note);
    /// let routes = Routes::new().any("/notes/{id}", Rule::scope("notes"), handlers);
    /// # let _: Routes = routes;
    /// ```
    pub fn any(mut self, path: &str, rule: Rule, handlers: MethodRouter<S>) -> Self {
        self.rules = self.rules.any(path, rule);
        self.add(path, handlers)
    }

    /// Adds all routes of another value. Conflicts are found when the shield is built.
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.rules = self.rules.merge(other.rules);
        self
    }

    /// Adds all routes of another value below a prefix.
    ///
    /// Their handlers see the path without it, as in axum's `Router::nest`. Rules are looked up
    /// with the whole path. An empty prefix and `/` add them as [`merge`](Self::merge) does. A
    /// prefix with a wildcard is an error when the shield is built.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{Routes, Rule};
    ///
    /// let notes = Routes::new().get("/{id}", Rule::scope("notes:read"), async || "Buy bread.");
    /// let routes = Routes::new().nest("/notes", notes);
    /// # let _: Routes = routes;
    /// ```
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        let prefix = prefix.trim_end_matches('/');
        if prefix.is_empty() {
            return self.merge(other);
        }
        self.rules = self.rules.nest(prefix, other.rules);
        self.entries.push(Entry::Nested {
            prefix: prefix.to_owned(),
            entries: other.entries,
        });
        self
    }

    /// Passes CORS preflights of known routes to the handlers, where a CORS layer responds to them.
    pub fn allow_preflight(mut self) -> Self {
        self.rules = self.rules.allow_preflight();
        self
    }

    /// Gives the handlers their state, as axum's `Router::with_state`. The state is cloned for each
    /// route.
    ///
    /// ```
    /// use axum::extract::State;
    /// use palisade::{Routes, Rule};
    ///
    /// let routes = Routes::new()
    ///     .get("/name", Rule::public(), async |State(name): State<&'static str>| name)
    ///     .with_state("notes");
    /// # let _: Routes = routes;
    /// ```
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes {
            entries: with_state(self.entries, &state),
            rules: self.rules,
        }
    }

    /// Returns the rules alone, for example to describe the service.
    ///
    /// # Errors
    ///
    /// A template cannot be parsed or conflicts with another, or has two rules for one method.
    pub fn table(&self) -> Result<RouteTable, RulesError> {
        self.check()?;
        self.rules.table()
    }

    /// Returns router and rules, to add layers inside the shield.
    ///
    /// Pass the rules to [`ShieldBuilder::rules`](crate::shield::ShieldBuilder::rules), and the
    /// router to [`ShieldBuilder::protect`](crate::shield::ShieldBuilder::protect).
    ///
    /// # Errors
    ///
    /// As [`table`](Self::table).
    ///
    /// # Examples
    ///
    /// A layer of axum around every handler, inside the shield:
    ///
    /// ```
    /// use axum::extract::DefaultBodyLimit;
    /// use palisade::{AllowedHosts, Routes, Rule, Shield};
    ///
    /// let routes = Routes::new().get("/", Rule::public(), async || "ok");
    /// let (router, rules) = routes.into_parts()?;
    /// let app = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(rules)
    ///     .protect(router.layer(DefaultBodyLimit::max(1024)))?;
    /// # let _ = app; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_parts(self) -> Result<(Router<S>, Rules), RulesError> {
        self.table()?;
        Ok((router(self.entries), self.rules))
    }

    /// Adds a handler of one method.
    fn on(mut self, method: Method, path: &str, rule: Rule, handler: MethodRouter<S>) -> Self {
        self.rules = self.rules.on(method, path, rule);
        self.add(path, handler)
    }

    /// Adds the handlers of a template.
    fn add(mut self, path: &str, handlers: MethodRouter<S>) -> Self {
        self.entries.push(Entry::Handlers {
            path: path.to_owned(),
            handlers: Box::new(handlers),
        });
        self
    }

    /// Finds two rules that the table accepts and on which axum's router panics: one for every
    /// method beside one for a single method.
    ///
    /// # Errors
    ///
    /// The first such template.
    fn check(&self) -> Result<(), RulesError> {
        self.rules
            .find_clash(|one, other| one == other || one.is_none() || other.is_none())
    }
}

/// Gives the state to all entries, nested ones included.
fn with_state<S, S2>(entries: Vec<Entry<S>>, state: &S) -> Vec<Entry<S2>>
where
    S: Clone + Send + Sync + 'static,
{
    let give = |entry| match entry {
        Entry::Handlers { path, handlers } => Entry::Handlers {
            path,
            handlers: Box::new(handlers.with_state(state.clone())),
        },
        Entry::Nested { prefix, entries } => Entry::Nested {
            prefix,
            entries: with_state(entries, state),
        },
    };
    entries.into_iter().map(give).collect()
}

/// Builds the router. The entries were checked, so axum does not panic.
fn router<S: Clone + Send + Sync + 'static>(entries: Vec<Entry<S>>) -> Router<S> {
    let add = |all: Router<S>, entry| match entry {
        Entry::Handlers { path, handlers } => all.route(&path, *handlers),
        Entry::Nested { prefix, entries } => all.nest(&prefix, router(entries)),
    };
    entries.into_iter().fold(Router::new(), add)
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
