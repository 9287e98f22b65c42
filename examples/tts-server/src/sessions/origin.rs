//! Whether a request that shows the cookie came from our own page.
//!
//! Browsers say so in `Sec-Fetch-Site` (Fetch Metadata) and, where a request may change something,
//! in `Origin`. Whatever they say is believed only to refuse.

use http::{HeaderMap, Method, header::HOST, header::ORIGIN, request};
use palisade::core::{ClientInfo, Scheme};

const FETCH_SITE: &str = "sec-fetch-site";

/// Tells whether a method may change something (RFC 9110, 9.2.1).
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Tells whether another site made the browser send a request that only reads. Such a cookie was
/// not meant, and counts as none.
pub(crate) fn is_foreign_read(head: &request::Parts) -> bool {
    !is_unsafe(&head.method)
        && !matches!(site(&head.headers), None | Some(b"same-origin" | b"none"))
}

/// Tells whether a request that changes something came from our own page. Silence is a no.
pub(crate) fn is_own_write(head: &request::Parts, client: Option<&ClientInfo>) -> bool {
    let site = site(&head.headers).map(|site| site == b"same-origin");
    let origin =
        one(&head.headers, ORIGIN.as_str()).map(|origin| is_own_origin(origin, head, client));
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

fn is_own_origin(origin: &[u8], head: &request::Parts, client: Option<&ClientInfo>) -> bool {
    let Some(client) = client else {
        return false;
    };
    let forwarded = client.forwarded_host().map(|host| host.as_str());
    let asked = head.uri.authority().map(|host| host.as_str().as_bytes());
    let host = forwarded
        .map(str::as_bytes)
        .or(asked)
        .or_else(|| one(&head.headers, HOST.as_str()));
    let expected = match client.scheme() {
        Scheme::Http => "http://",
        Scheme::Https => "https://",
    };
    let shown = origin.strip_prefix(expected.as_bytes());
    matches!((shown, host), (Some(shown), Some(host)) if shown.eq_ignore_ascii_case(host))
}

fn site(headers: &HeaderMap) -> Option<&[u8]> {
    one(headers, FETCH_SITE)
}

/// The value of a header; several lines give a value that matches nothing.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut lines = headers.get_all(name).into_iter();
    let first = lines.next()?;
    Some(if lines.next().is_some() {
        b""
    } else {
        first.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::Request;

    use super::*;

    fn head(method: Method, headers: &[(&str, &str)]) -> request::Parts {
        let mut request = Request::builder()
            .method(method)
            .uri("/tts")
            .header(HOST, "localhost:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[track_caller]
    fn check_write(headers: &[(&str, &str)], expected: bool) {
        let client = ClientInfo::new("127.0.0.1".parse().unwrap(), Scheme::Https);
        assert_eq!(
            is_own_write(&head(Method::POST, headers), Some(&client)),
            expected,
            "{headers:?}"
        );
    }

    #[test]
    fn a_write_needs_a_word_from_the_browser_and_every_word_must_agree() {
        check_write(&[], false);
        check_write(&[("sec-fetch-site", "same-origin")], true);
        check_write(&[("origin", "https://localhost:8443")], true);
        check_write(
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://localhost:8443"),
            ],
            true,
        );
        check_write(
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            false,
        );
        check_write(
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://localhost:8443"),
            ],
            false,
        );
    }

    #[test]
    fn neighbours_clear_text_and_null_origins_are_not_us() {
        check_write(&[("sec-fetch-site", "same-site")], false);
        check_write(&[("sec-fetch-site", "none")], false);
        for origin in [
            "null",
            "http://localhost:8443",
            "https://localhost",
            "https://localhost:8443.evil.example",
            "https://evil@localhost:8443",
            "",
        ] {
            check_write(&[("origin", origin)], false);
        }
    }

    #[test]
    fn repeated_words_are_not_believed() {
        check_write(
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "same-origin"),
            ],
            false,
        );
        check_write(
            &[
                ("origin", "https://localhost:8443"),
                ("origin", "https://localhost:8443"),
            ],
            false,
        );
    }

    #[test]
    fn reads_are_ours_unless_another_site_asked() {
        let foreign = |headers: &[(&str, &str)]| is_foreign_read(&head(Method::GET, headers));
        assert!(!foreign(&[]));
        assert!(!foreign(&[("sec-fetch-site", "none")]));
        assert!(!foreign(&[("sec-fetch-site", "same-origin")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("sec-fetch-site", "same-site")]));
        assert!(foreign(&[("sec-fetch-site", "future-value")]));
    }
}
