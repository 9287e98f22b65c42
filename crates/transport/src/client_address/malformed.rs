//! Finds requests that break rules of HTTP that the HTTP library does not enforce.
//!
//! Called once per request, after the client is known, so that the refusal is recorded with its
//! address.

use http::{HeaderMap, Uri, Version, request::Parts, uri::Scheme};

/// Checks the head of a request.
///
/// # Errors
///
/// The private reason. The client gets 400 `request_malformed`.
pub(super) fn check(head: &Parts) -> Result<(), &'static str> {
    if !has_scheme_of_http(&head.uri) {
        return Err("the scheme of the target is neither http nor https");
    }
    // Over HTTP/1 blanks around a value are no part of it (RFC 9112, 5.1).
    if head.version >= Version::HTTP_2 && !are_values_trimmed(&head.headers) {
        return Err("a field value begins or ends with a blank (RFC 9113, 8.2.1)");
    }
    Ok(())
}

/// Returns whether the target has no scheme, or `http` or `https`.
///
/// Most targets of HTTP/1 have none; `CONNECT` never has one.
fn has_scheme_of_http(uri: &Uri) -> bool {
    uri.scheme()
        .is_none_or(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
}

/// Returns whether no value begins or ends with a space or a tab.
fn are_values_trimmed(headers: &HeaderMap) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    headers.values().all(|value| {
        let bytes = value.as_bytes();
        !is_blank(bytes.first()) && !is_blank(bytes.last())
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check_one(version: Version, uri: &str, value: &str, is_good: bool) {
        let request = Request::builder().version(version).uri(uri);
        let request = request.header("x", value).body(()).unwrap();
        let checked = check(&request.into_parts().0);
        assert_eq!(checked.is_ok(), is_good, "{version:?} {uri} {value:?}");
    }

    #[test]
    fn blanks_around_a_value_are_malformed_from_http2_on() {
        for (value, is_good) in [
            ("", true),
            ("a", true),
            ("a b\tc", true),
            (" a", false),
            ("a ", false),
            ("\ta", false),
            ("a\t", false),
            (" ", false),
        ] {
            check_one(Version::HTTP_2, "/", value, is_good);
            check_one(Version::HTTP_3, "/", value, is_good);
            check_one(Version::HTTP_11, "/", value, true);
        }
    }

    #[test]
    fn a_target_has_a_scheme_of_http_or_none() {
        for (uri, is_good) in [
            ("/", true),
            ("*", true),
            ("http://a.example/", true),
            ("HTTPS://a.example/", true),
            ("ftp://a.example/", false),
            ("ws://a.example/", false),
            ("javascript://a.example/", false),
        ] {
            check_one(Version::HTTP_2, uri, "a", is_good);
            check_one(Version::HTTP_11, uri, "a", is_good);
        }
    }
}
