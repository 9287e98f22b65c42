//! Compares the rules with the routes of an axum router that was built elsewhere.
//!
//! axum lists the routes of a router in its `Debug` output and nowhere else. If that output cannot
//! be parsed, nothing is reported: the check inside [`Shield::protect`](crate::Shield::protect)
//! refuses mismatches at run time, with or without these warnings.

use axum::Router;
use http::Method;
use palisade_core::{PublicDocument, RouteTable, Rule};

use super::{
    explain::{DescribedRule, Warning},
    same_rule::RouterRules,
};
use crate::diagnostics;

/// The methods that axum has handlers for, by the names of its fields.
const METHODS: [(&str, Method); 9] = [
    ("connect", Method::CONNECT),
    ("delete", Method::DELETE),
    ("get", Method::GET),
    ("head", Method::HEAD),
    ("options", Method::OPTIONS),
    ("patch", Method::PATCH),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("trace", Method::TRACE),
];

/// What the comparison of a router with the rules finds.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Handlers without a rule: the methods, if they are known, and the path.
    pub(super) unruled: Vec<String>,
    /// A warning for each of them, and for each rule without a handler.
    pub(super) warnings: Vec<Warning>,
}

/// Finds each handler without a rule and each rule without a handler.
pub(super) fn compare(
    router: &Router,
    rules: &RouterRules,
    described: &[DescribedRule],
    documents: &[PublicDocument],
) -> Comparison {
    let debug = format!("{router:?}");
    let Some(routes) = routes(&debug) else {
        return Comparison::default();
    };
    let unruled: Vec<String> = routes
        .iter()
        .filter_map(|route| handler_without_rule(route, rules))
        .collect();
    let mut warnings: Vec<Warning> = unruled
        .iter()
        .map(|handler| {
            let text =
                format!("no rule opens the handler of `{handler}`: add a rule, or remove it");
            Warning::new(&diagnostics::HANDLER_WITHOUT_RULE, text)
        })
        .collect();
    // A fallback of the application handles every rule.
    if debug.contains("default_fallback: true") {
        let without = rules_without_handler(&routes, &rules.table, described, documents);
        warnings.extend(without);
    }
    Comparison { unruled, warnings }
}

/// Describes the handlers of a route that no rule opens, or returns `None`.
fn handler_without_rule(route: &Route, rules: &RouterRules) -> Option<String> {
    let is_ruled = |method: &Method| rules.of_handler(&route.path, method).is_some();
    if !METHODS.iter().any(|(_, method)| is_ruled(method)) {
        return Some(route.path.clone());
    }
    // A service, or a handler of every method, is opened by the rules that there are.
    let methods = route.methods.as_ref()?.iter();
    let unruled: Vec<&str> = methods
        .filter(|method| !is_ruled(method))
        .map(Method::as_str)
        .collect();
    (!unruled.is_empty()).then(|| format!("{} {}", unruled.join(", "), route.path))
}

/// Finds rules that no handler of the router serves.
fn rules_without_handler(
    routes: &[Route],
    table: &RouteTable,
    rules: &[DescribedRule],
    documents: &[PublicDocument],
) -> Vec<Warning> {
    let Some(handlers) = handlers(routes) else {
        return Vec::new();
    };
    // The shield itself responds with documents.
    let is_document = |rule: &DescribedRule| {
        let mut documents = documents.iter();
        documents.any(|document| document.path() == rule.template)
    };
    let handled = rules.iter().filter(|rule| !is_document(rule));
    let missing = handled.filter(|rule| {
        let methods = METHODS.iter().map(|(_, method)| method);
        let mut methods =
            methods.filter(|method| rule.method.as_ref().is_none_or(|one| one == *method));
        // A router that is nested below `/files/{*rest}` handles that rule.
        let below = |method: &Method| {
            let mut routes = routes.iter().filter(|route| route.has(method));
            let ruled = |route: &Route| table.rule_at(&route.path, method);
            routes.any(|route| ruled(route).is_some_and(|one| one.template() == rule.template))
        };
        !methods.any(|method| handlers.rule_at(&rule.template, method).is_some() || below(method))
    });
    let warning = |rule: &DescribedRule| {
        let text = format!(
            "no handler is there for the rule of `{}`: add one, or remove the rule",
            rule.name()
        );
        Warning::new(&diagnostics::RULE_WITHOUT_HANDLER, text)
    };
    missing.map(warning).collect()
}

/// Returns a table of the handlers, to find the handler of a template.
fn handlers(routes: &[Route]) -> Option<RouteTable> {
    let mut table = RouteTable::builder();
    for route in routes {
        table = match &route.methods {
            None => table.any(route.path.as_str(), Rule::public()),
            Some(methods) => methods.iter().fold(table, |table, method| {
                table.route(route.path.as_str(), method.clone(), Rule::public())
            }),
        };
    }
    table.build().ok()
}

/// A route of the router.
#[derive(Debug, Eq, PartialEq)]
struct Route {
    /// The template, with the prefixes of nested routers.
    path: String,
    /// The methods that have a handler. `None`: all, or it is not known.
    methods: Option<Vec<Method>>,
}

impl Route {
    /// Returns whether a handler may have the method.
    fn has(&self, method: &Method) -> bool {
        let methods = self.methods.as_ref();
        methods.is_none_or(|methods| methods.contains(method))
    }
}

/// Parses `routes: {RouteId(1): MethodRouter(..)} .. node: Node { paths: {RouteId(1): "/a"} } ..`.
/// Returns `None` if the output has another form.
fn routes(debug: &str) -> Option<Vec<Route>> {
    let (_, router) = debug.split_once("path_router: PathRouter {")?;
    let (endpoints, mut rest) = router.split_once("node: Node { paths: {")?;
    let mut routes = Vec::new();
    while !rest.starts_with('}') {
        rest = rest.trim_start_matches(", ");
        let (id, after) = rest.split_once(": \"")?;
        let (path, after) = after.split_once('"')?;
        rest = after;
        // Paths that axum makes for nested services and fallbacks hold this word.
        if !path.contains("__private__axum") {
            routes.push(Route {
                path: path.to_owned(),
                methods: methods(endpoints, id),
            });
        }
    }
    routes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Some(routes)
}

/// Parses the methods of one endpoint: `RouteId(1): MethodRouter(MethodRouter { get: BoxedHandler,
/// head: None, .. fallback: Default(..), .. })`. Returns `None` for services, for handlers of every
/// method, and for another form.
fn methods(endpoints: &str, id: &str) -> Option<Vec<Method>> {
    let start = format!("{id}: MethodRouter(MethodRouter {{ ");
    let (_, fields) = endpoints.split_once(&start)?;
    let (fields, fallback) = fields.split_once("fallback: ")?;
    if !fallback.starts_with("Default(") {
        return None;
    }
    let has_handler = |name: &str| {
        let mut fields = fields
            .split(", ")
            .filter_map(|field| field.split_once(": "));
        fields.any(|(field, handler)| field == name && handler != "None")
    };
    let methods = METHODS.iter().filter(|(name, _)| has_handler(name));
    Some(methods.map(|(_, method)| method.clone()).collect())
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};

    use super::*;

    #[test]
    fn the_routes_of_a_router_are_read_from_its_debug_output() {
        let inner: Router<u8> = Router::new().route("/x/{id}", get(async || ()).put(async || ()));
        let router: Router = Router::new()
            .route("/a", post(async || ()))
            .nest("/n", inner.with_state(7))
            .nest_service("/s", axum::routing::any(async || ()))
            .route("/z", axum::routing::any(async || ()))
            .fallback(async || ());
        let routes = routes(&format!("{router:?}")).unwrap();
        let of = |path: &str, methods: Option<&[Method]>| Route {
            path: path.to_owned(),
            methods: methods.map(<[_]>::to_vec),
        };
        assert_eq!(
            routes,
            [
                of("/a", Some(&[Method::POST])),
                of("/n/x/{id}", Some(&[Method::GET, Method::PUT])),
                of("/s", None),
                of("/s/", None),
                of("/z", None),
            ]
        );
    }

    #[test]
    fn another_form_of_the_debug_output_is_not_read() {
        assert_eq!(routes("Router { something else }"), None);
        assert_eq!(methods("RouteId(1): Route(Route)", "RouteId(1)"), None);
    }
}
