//! The table of routes: no template and no path makes it panic, what it finds fits the path, a fixed path is
//! always found, and the order in which rules were written changes nothing.

#![no_main]

use http::{Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use palisade_core::{RouteMatch, RouteTable, Rule};

// The first line is a path, the others are templates.
fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let path = lines.next().unwrap_or_default();
    let templates: Vec<&str> = lines.take(32).collect();
    let (Ok(table), backward) = (build(templates.iter()), build(templates.iter().rev())) else {
        return;
    };
    let backward = backward.expect("it can be built in the other order");
    for template in templates
        .iter()
        .filter(|template| !template.contains(['{', '}']))
    {
        let found = table
            .rule_at(template, &Method::GET)
            .unwrap_or_else(|| panic!("`{template}` is not found"));
        assert_eq!(found.template(), *template);
    }
    let found = table
        .rule_at(path, &Method::GET)
        .map(|rule| rule.template());
    let other = backward
        .rule_at(path, &Method::GET)
        .map(|rule| rule.template());
    assert_eq!(found, other);
    assert!(
        found.is_none_or(|template| templates.contains(&template) && fits(template, path)),
        "{found:?}"
    );
    let head = table
        .rule_at(path, &Method::HEAD)
        .map(|rule| rule.template());
    assert_eq!(found, head);
    let Ok(uri) = path.parse::<Uri>() else {
        return;
    };
    let found = table
        .rule_at(uri.path(), &Method::GET)
        .map(|rule| rule.template().to_owned());
    let request = Request::get(uri)
        .body(())
        .expect("a request")
        .into_parts()
        .0;
    match table.look_up(&request) {
        RouteMatch::Found(rule) => assert_eq!(Some(rule.template()), found.as_deref()),
        other => assert!(found.is_none(), "{other:?}"),
    }
});

fn build<'t>(
    templates: impl Iterator<Item = &'t &'t str>,
) -> Result<RouteTable, palisade_core::RouteTableBuildError> {
    let add = |table: palisade_core::RouteTableBuilder, template: &&str| {
        table.any(*template, Rule::public())
    };
    templates.fold(RouteTable::builder(), add).build()
}

/// Fits a template piece by piece, the simple way; one with braces inside a piece is taken as fitting.
fn fits(template: &str, path: &str) -> bool {
    let mut pieces = path.split('/');
    for piece in template.split('/') {
        let name = piece
            .strip_prefix('{')
            .and_then(|piece| piece.strip_suffix('}'));
        match (name, pieces.next()) {
            (Some(name), Some(_)) if name.starts_with('*') => return true,
            (Some(name), Some(given)) if !name.contains(['{', '}']) => {
                if given.is_empty() {
                    return false;
                }
            }
            (_, Some(_)) if piece.contains(['{', '}']) => return true,
            (None, Some(given)) if given == piece => {}
            _ => return false,
        }
    }
    pieces.next().is_none()
}
