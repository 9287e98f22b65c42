//! Compares the rules with the paths of an axum router that was built elsewhere.
//!
//! axum lists the paths of a router in its `Debug` output and nowhere else. If that output cannot
//! be parsed, nothing is reported: the check inside [`Shield::protect`](crate::Shield::protect)
//! refuses mismatches at run time, with or without these warnings.

use axum::Router;
use http::Method;
use palisade_core::{RouteTable, Rule};

use super::explain::Warning;

/// The methods that are tried to find a rule for a path.
const METHODS: [Method; 7] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
];

/// Returns a warning for each rule without a handler and each handler without a rule.
pub(super) fn compare(router: &Router, table: &RouteTable) -> Vec<Warning> {
    let debug = format!("{router:?}");
    let Some(paths) = paths(&debug) else {
        return Vec::new();
    };
    let mut warnings = handlers_without_rule(&paths, table);
    // A fallback of the application handles every rule.
    if debug.contains("default_fallback: true") {
        warnings.extend(rules_without_handler(&paths, table));
    }
    warnings
}

/// Finds paths of the router that no rule matches.
fn handlers_without_rule(paths: &[String], table: &RouteTable) -> Vec<Warning> {
    let forgotten = paths.iter().filter(|path| rules_at(table, path).is_empty());
    let warning = |path| Warning {
        code: "handler-without-rule",
        text: format!("no rule opens the handler of `{path}`, so it is a 404: add a rule").into(),
    };
    forgotten.map(warning).collect()
}

/// Finds rules that no path of the router matches.
fn rules_without_handler(paths: &[String], table: &RouteTable) -> Vec<Warning> {
    let routed = paths.iter().fold(RouteTable::builder(), |routed, path| {
        routed.any(path.as_str(), Rule::public())
    });
    let Ok(routed) = routed.build() else {
        return Vec::new();
    };
    let mut templates: Vec<&str> = table.rules().iter().map(|rule| rule.template()).collect();
    templates.sort_unstable();
    templates.dedup();
    // A router that is nested below `/files/{*rest}` handles that rule.
    let serves = |path: &String, template| rules_at(table, path).contains(&template);
    let missing = templates.into_iter().filter(|template| {
        rules_at(&routed, template).is_empty() && !paths.iter().any(|path| serves(path, *template))
    });
    let warning = |template| Warning {
        code: "rule-without-handler",
        text: format!(
            "no handler is there for the rule of `{template}`: add one, or remove the rule"
        )
        .into(),
    };
    missing.map(warning).collect()
}

/// Returns the templates of the rules for a template, which is matched as if it were a path: a
/// parameter matches the braces of another.
fn rules_at<'a>(table: &'a RouteTable, template: &str) -> Vec<&'a str> {
    let rules = METHODS
        .iter()
        .filter_map(|method| table.rule_at(template, method));
    rules.map(|rule| rule.template()).collect()
}

/// Parses `.. node: Node { paths: {RouteId(1): "/a", RouteId(2): "/b/{id}"} } ..`. Returns `None`
/// if the output has another form.
fn paths(debug: &str) -> Option<Vec<String>> {
    let (_, mut rest) = debug.split_once("path_router: PathRouter {")?;
    rest = rest.split_once("node: Node { paths: {")?.1;
    let mut paths = Vec::new();
    while !rest.starts_with('}') {
        rest = rest.trim_start_matches(", ").strip_prefix("RouteId(")?;
        rest = rest.split_once("): \"")?.1;
        let (path, after) = rest.split_once('"')?;
        rest = after;
        // Paths that axum makes for nested services and fallbacks hold this word.
        if !path.contains("__private__axum") {
            paths.push(path.to_owned());
        }
    }
    paths.sort_unstable();
    Some(paths)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[test]
    fn the_paths_of_a_router_are_read_from_its_debug_output() {
        let inner: Router = Router::new().route("/x/{id}", get(async || ()));
        let router: Router = Router::new()
            .route("/a", get(async || ()))
            .nest("/n", inner)
            .nest_service("/s", axum::routing::any(async || ()))
            .fallback(async || ());
        let found = paths(&format!("{router:?}")).unwrap();
        assert_eq!(found, ["/a", "/n/x/{id}", "/s", "/s/"]);
        assert_eq!(paths("Router { something else }"), None);
    }
}
