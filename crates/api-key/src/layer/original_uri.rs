//! Removes a key from the copy of the URL that axum keeps (`OriginalUri`).
//!
//! Used only with the feature `axum`, and only if keys are read from a query parameter.

use axum::extract::OriginalUri;
use http::request;
use palisade_internal::{percent::is_named, uri::with_query};

/// Removes the parameter from axum's [`OriginalUri`], if there is one. The path of a nested router
/// stays.
pub(super) fn strip_parameter(head: &mut request::Parts, parameter: &str) {
    let Some(OriginalUri(original)) = head.extensions.get::<OriginalUri>() else {
        return;
    };
    let Some(query) = original.query() else {
        return;
    };
    let others: Vec<_> = query
        .split('&')
        .filter(|pair| !is_named(pair, parameter))
        .collect();
    let others = others.join("&");
    if others.len() < query.len() {
        let stripped = with_query(original.clone(), &others);
        head.extensions.insert(OriginalUri(stripped));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let mut head = http::Request::new(()).into_parts().0;
        head.extensions.insert(OriginalUri(before.parse().unwrap()));
        strip_parameter(&mut head, "api_key");
        let OriginalUri(original) = head.extensions.get::<OriginalUri>().unwrap();
        assert_eq!(original.to_string(), after);
    }

    #[test]
    fn the_parameter_is_left_out_however_it_is_escaped() {
        check("/a?api_key=k", "/a");
        check("/a?x=1&api_key=k&y=%2B", "/a?x=1&y=%2B");
        check("/a?api%5fkey=k&%61pi_key=l&x", "/a?x");
        check("http://h/a?api_key=k", "http://h/a");
    }

    #[test]
    fn the_rest_stays_as_it_was() {
        for uri in [
            "/a",
            "/a?x=api_key",
            "/a?api_keys=1&xapi_key=2&api_ke=3&api%key=4",
            "/a?",
        ] {
            check(uri, uri);
        }
    }
}
