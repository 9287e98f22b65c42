//! Path templates and methods, matched as axum matches them, on the same raw path.
//!
//! The matcher is `matchit`, as in axum. Lookup never fails: a path without a template is
//! [`RouteMatch::NotFound`].

use std::sync::Arc;

use http::{Method, header, request};

use super::rule::Rule;
use crate::rejection::Rejection;

/// The result of looking up a request in the table.
///
/// Guards read it with [`SecurityContext::route`](crate::SecurityContext::route). Treat every variant but
/// `Found` and `Preflight` as a refusal.
///
/// ```
/// use http::{Method, Request};
/// use palisade_core::{RouteMatch, RouteTable, Rule};
///
/// let table = RouteTable::builder().route("/tts", Method::GET, Rule::public()).build()?;
/// let look_up = |request: http::request::Builder| {
///     table.look_up(&request.body(()).unwrap().into_parts().0)
/// };
/// assert!(matches!(look_up(Request::get("/tts")), RouteMatch::Found(_)));
/// assert!(matches!(look_up(Request::head("/tts")), RouteMatch::Found(_)));
/// assert!(matches!(look_up(Request::post("/tts")), RouteMatch::MethodNotAllowed(_)));
/// assert!(matches!(look_up(Request::get("/tts/")), RouteMatch::NotFound));
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RouteMatch {
    /// There is a rule for path and method.
    Found(Arc<Rule>),
    /// The path matches a template, the method has no rule. The 405 is prepared, with `Allow`.
    MethodNotAllowed(Arc<Rejection>),
    /// A CORS preflight to a known template, if the table allows those. No rule applies to it.
    Preflight,
    /// No template matches: refuse with 404.
    NotFound,
}

/// The rules of all routes. Deny by default: a path without a rule is refused.
///
/// A fixed segment goes before a parameter, and a parameter before a wildcard. `HEAD` has the rule
/// of `GET` unless it has one of its own (RFC 9110, 9.3.2).
///
/// ```
/// use http::Method;
/// use palisade_core::{RouteTable, Rule};
///
/// let table = RouteTable::builder()
///     .route("/tts", Method::GET, Rule::scope("tts:speak"))
///     .any("/assets/{*path}", Rule::public())
///     .build()?;
/// assert_eq!(table.rules().len(), 2);
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
///
/// Path parameters, a default for the other methods, and a table for browsers of other origins:
///
/// ```
/// use http::Method;
/// use palisade_core::{RouteTable, Rule};
///
/// let table = RouteTable::builder()
///     .route("/voices/{id}", Method::GET, Rule::public())
///     .any("/voices/{id}", Rule::scope("voices:write"))
///     .allow_preflight()
///     .build()?;
/// let rule = table.rule_at("/voices/7", &Method::DELETE).unwrap();
/// assert_eq!(rule.template(), "/voices/{id}");
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
///
/// The raw path is compared, without decoding and without removing `.` or a trailing slash. Axum does the
/// same, so the rule and the handler always belong together.
#[derive(Debug)]
pub struct RouteTable {
    pub(super) matcher: matchit::Router<usize>,
    pub(super) templates: Vec<Template>,
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) allow_preflight: bool,
}

/// The rules of one path template.
#[derive(Debug)]
pub(super) struct Template {
    /// `None` stands for every method.
    pub(super) methods: Vec<(Option<Method>, Arc<Rule>)>,
    /// The prepared 405, with `Allow`.
    pub(super) not_allowed: Arc<Rejection>,
}

impl RouteTable {
    /// Returns all rules, in the order of their [`index`](Rule::index).
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Returns the rule for a path and a method, for checks at start. `path` may also be a template
    /// of a nested router.
    #[must_use]
    pub fn rule_at(&self, path: &str, method: &Method) -> Option<&Arc<Rule>> {
        self.template_at(path)?.rule(method)
    }

    /// Looks up the rule of a request, by its raw path and its method.
    #[must_use]
    pub fn look_up(&self, head: &request::Parts) -> RouteMatch {
        let Some(template) = self.template_at(head.uri.path()) else {
            return RouteMatch::NotFound;
        };
        if self.allow_preflight && is_preflight(head) {
            return RouteMatch::Preflight;
        }
        match template.rule(&head.method) {
            Some(rule) => RouteMatch::Found(Arc::clone(rule)),
            None => RouteMatch::MethodNotAllowed(Arc::clone(&template.not_allowed)),
        }
    }
}

impl RouteTable {
    /// Returns the template that matches a path.
    fn template_at(&self, path: &str) -> Option<&Template> {
        let found = self.matcher.at(path).ok()?;
        self.templates.get(*found.value)
    }
}

impl Template {
    /// `HEAD` has the rule of `GET` unless it has one of its own (RFC 9110, 9.3.2).
    fn rule(&self, method: &Method) -> Option<&Arc<Rule>> {
        let of = |wanted: Option<&Method>| {
            let mut methods = self.methods.iter();
            methods.find(|(method, _)| method.as_ref() == wanted)
        };
        let found = of(Some(method))
            .or_else(|| {
                if method == Method::HEAD {
                    of(Some(&Method::GET))
                } else {
                    None
                }
            })
            .or_else(|| of(None));
        found.map(|(_, rule)| rule)
    }
}

/// Tells a CORS preflight from an ordinary `OPTIONS` (Fetch standard, "CORS-preflight request").
fn is_preflight(head: &request::Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(header::ORIGIN)
        && head
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
