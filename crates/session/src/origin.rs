//! Which page made a browser send a request.
//!
//! Browsers tell it in `Sec-Fetch-Site` (Fetch Metadata) and, with requests that may change something,
//! in `Origin` (RFC 6454). A page cannot set either. What they tell is used only to refuse.

use http::{HeaderMap, Method, header::HOST, header::ORIGIN, header::UPGRADE, request};
use palisade_core::{ClientInfo, Scheme};

/// What a request may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequestKind {
    /// It reads (RFC 9110, 9.2.1).
    Read,
    /// It opens a WebSocket, or another protocol that both sides write to. Browsers send it with the
    /// cookies, from every page, and always with `Origin`.
    Upgrade,
    /// It may change something.
    Write,
}

impl RequestKind {
    pub(crate) fn of(head: &request::Parts) -> Self {
        match head.method {
            // Over HTTP/2, a WebSocket is a CONNECT (RFC 8441).
            Method::CONNECT => Self::Upgrade,
            Method::GET if head.headers.contains_key(UPGRADE) => Self::Upgrade,
            Method::GET | Method::HEAD | Method::OPTIONS => Self::Read,
            _ => Self::Write,
        }
    }
}

/// What `Sec-Fetch-Site` tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FetchSite {
    /// The header is not there: an old browser, or none.
    Absent,
    /// The user typed the address, or opened a bookmark.
    None,
    /// Another site or origin, a value of the future, or several lines.
    Other,
    /// A page of this very origin.
    SameOrigin,
}

impl FetchSite {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match single_value(headers, "sec-fetch-site") {
            None => Self::Absent,
            Some(b"none") => Self::None,
            Some(b"same-origin") => Self::SameOrigin,
            Some(_) => Self::Other,
        }
    }
}

/// Tells whether the user followed a link: a document in the whole window, not a part of a page.
pub(crate) fn is_navigation(head: &request::Parts) -> bool {
    let is = |name, value: &[u8]| single_value(&head.headers, name) == Some(value);
    head.method == Method::GET
        && is("sec-fetch-mode", b"navigate")
        && is("sec-fetch-dest", b"document")
}

/// Returns `Origin`. Several lines give a value that is no origin.
pub(crate) fn sent_origin(headers: &HeaderMap) -> Option<&[u8]> {
    single_value(headers, ORIGIN.as_str())
}

/// Tells whether an `Origin` is that of the service itself: its host, and not `http` where the
/// client came by TLS.
pub(crate) fn is_own(origin: &[u8], head: &request::Parts, client: Option<&ClientInfo>) -> bool {
    let (scheme, shown) = if let Some(host) = origin.strip_prefix(b"https://") {
        (Scheme::Https, host)
    } else if let Some(host) = origin.strip_prefix(b"http://") {
        (Scheme::Http, host)
    } else {
        return false;
    };
    // Without a layer that knows the client, HTTP/2 tells the scheme (RFC 9113, 8.3.1).
    let by_uri = head.uri.scheme() == Some(&http::uri::Scheme::HTTPS);
    let is_tls = client.map_or(by_uri, |client| client.scheme() == Scheme::Https);
    let clear_to_tls = scheme == Scheme::Http && is_tls;
    let Some(asked) = host(head, client) else {
        return false;
    };
    let (shown, asked) = (without_port(shown, scheme), without_port(asked, scheme));
    !clear_to_tls && !shown.is_empty() && shown.eq_ignore_ascii_case(asked)
}

/// Tells whether a request that changes something came from a page of this service. Without a word of
/// the browser it did not: all browsers send `Origin` with a write.
pub(crate) fn is_own_write(head: &request::Parts, client: Option<&ClientInfo>) -> bool {
    let site = match FetchSite::of(&head.headers) {
        FetchSite::Absent => None,
        site => Some(site == FetchSite::SameOrigin),
    };
    // A page with `Referrer-Policy: no-referrer` sends `Origin: null` to itself. `same-origin` is never sent by a
    // page without an origin, such as a sandboxed frame.
    let is_hidden = |origin: &&[u8]| *origin == b"null" && site == Some(true);
    let origin = sent_origin(&head.headers).filter(|origin| !is_hidden(origin));
    let origin = origin.map(|origin| is_own(origin, head, client));
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

/// Tells whether another site made the browser send a request that only reads. Such a cookie was not
/// meant, and counts as none.
pub(crate) fn is_foreign_read(head: &request::Parts, follows_links: bool) -> bool {
    let is_read = RequestKind::of(head) == RequestKind::Read;
    let is_followed = follows_links && is_navigation(head);
    is_read && FetchSite::of(&head.headers) == FetchSite::Other && !is_followed
}

/// The host that the client asked for.
fn host<'a>(head: &'a request::Parts, client: Option<&'a ClientInfo>) -> Option<&'a [u8]> {
    let forwarded = client.and_then(ClientInfo::forwarded_host);
    let authority = forwarded.or_else(|| head.uri.authority());
    let authority = authority.map(|host| host.as_str().as_bytes());
    authority.or_else(|| single_value(&head.headers, HOST.as_str()))
}

/// Removes the default port, which browsers leave out of `Origin`.
fn without_port(host: &[u8], scheme: Scheme) -> &[u8] {
    let default: &[u8] = match scheme {
        Scheme::Http => b":80",
        Scheme::Https => b":443",
    };
    host.strip_suffix(default).unwrap_or(host)
}

/// The value of a header. Several lines give a value that matches nothing.
fn single_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut lines = headers.get_all(name).into_iter();
    let first = lines.next()?;
    Some(match lines.next() {
        Some(_) => b"",
        None => first.as_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(method: Method, headers: &[(&str, &str)]) -> request::Parts {
        let mut request = Request::builder().method(method).uri("/tts");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[track_caller]
    fn check_own(scheme: Option<Scheme>, host: &str, origin: &str, expected: bool) {
        let head = head(Method::POST, &[("host", host)]);
        let client = scheme.map(|scheme| ClientInfo::new([127, 0, 0, 1].into(), scheme));
        let found = is_own(origin.as_bytes(), &head, client.as_ref());
        assert_eq!(found, expected, "{scheme:?} {host} {origin}");
    }

    #[test]
    fn only_the_very_host_is_the_service_itself() {
        let tls = Some(Scheme::Https);
        check_own(tls, "localhost:8443", "https://localhost:8443", true);
        check_own(tls, "Api.Example", "https://api.example", true);
        check_own(tls, "api.example:443", "https://api.example", true);
        check_own(
            Some(Scheme::Http),
            "api.example",
            "https://api.example",
            true,
        );
        check_own(None, "api.example", "http://api.example", true);
        for origin in [
            "null",
            "",
            "https://",
            "http://localhost:8443",
            "https://localhost",
            "https://localhost:8443.evil.example",
            "https://evil@localhost:8443",
            "https://localhost:8443/",
            "ftp://localhost:8443",
        ] {
            check_own(tls, "localhost:8443", origin, false);
        }
    }

    #[test]
    fn the_default_port_of_another_scheme_is_another_origin() {
        check_own(None, "api.example:80", "https://api.example", false);
        check_own(None, "api.example:443", "http://api.example", false);
    }

    #[test]
    fn the_scheme_of_http2_tells_where_no_client_is_known() {
        let request = Request::post("https://api.example/tts").body(()).unwrap();
        let (head, ()) = request.into_parts();
        assert!(is_own(b"https://api.example", &head, None));
        assert!(!is_own(b"http://api.example", &head, None));
    }

    #[test]
    fn a_request_without_a_host_has_no_own_origin() {
        let head = head(Method::POST, &[]);
        assert!(!is_own(b"https://api.example", &head, None));
        assert!(!is_own(b"https://", &head, None));
    }

    #[test]
    fn repeated_headers_match_nothing() {
        let twice = [("sec-fetch-site", "same-origin"); 2];
        let head = head(Method::POST, &twice);
        assert_eq!(FetchSite::of(&head.headers), FetchSite::Other);
        let twice = self::head(
            Method::POST,
            &[("origin", "https://a"), ("origin", "https://a")],
        );
        assert_eq!(sent_origin(&twice.headers), Some(b"".as_slice()));
    }

    #[test]
    fn what_opens_a_websocket_is_no_read() {
        let websocket = head(Method::GET, &[("upgrade", "websocket")]);
        assert_eq!(RequestKind::of(&websocket), RequestKind::Upgrade);
        assert_eq!(
            RequestKind::of(&head(Method::CONNECT, &[])),
            RequestKind::Upgrade
        );
        assert_eq!(RequestKind::of(&head(Method::GET, &[])), RequestKind::Read);
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "FOO"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(RequestKind::of(&head(method, &[])), RequestKind::Write);
        }
    }
}
