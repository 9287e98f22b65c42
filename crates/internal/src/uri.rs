//! Changes of a request's target.

use http::{Uri, uri::PathAndQuery};

/// Replaces the query; an empty one is left out. Scheme, host and path stay.
///
/// For taking a credential out of a URL: if the rest is not valid, the whole address is dropped rather
/// than a credential kept.
///
/// ```
/// use palisade_internal::uri::with_query;
///
/// let uri = "https://a.example/b?key=secret&c=1".parse().unwrap();
/// assert_eq!(with_query(uri, "c=1"), "https://a.example/b?c=1");
/// ```
#[must_use]
pub fn with_query(uri: Uri, query: &str) -> Uri {
    let target: Result<PathAndQuery, _> = match query {
        "" => uri.path().parse(),
        _ => format!("{}?{query}", uri.path()).parse(),
    };
    let mut parts = uri.into_parts();
    parts.path_and_query = target.ok();
    Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_query_is_left_out_and_an_invalid_one_drops_the_address() {
        let uri = || "https://a.example/b?key=secret".parse::<Uri>().unwrap();
        assert_eq!(with_query(uri(), ""), "https://a.example/b");
        assert_eq!(with_query(uri(), "c\n"), Uri::default());
    }
}
