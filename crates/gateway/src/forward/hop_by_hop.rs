//! Fields that concern one connection only (RFC 9110 section 7.6.1).
//!
//! A proxy that passes them on lets a client speak about the proxy's own connection: `Connection:
//! close` would end it, `Transfer-Encoding` would frame the body a second time, `Connection:
//! X-Forwarded-For` would make the upstream lose the client's address. So they are removed in both
//! directions, before the gateway adds its own fields.
//!
//! RFC 9113 section 8.2.2 forbids the same fields in HTTP/2. So one list serves both versions, and a
//! message can be passed from one to the other.
//!
//! `Upgrade` and `Connection` are set again by the gateway for a WebSocket, after this step. `TE:
//! trailers` is set again for an upstream with HTTP/2.

use http::{
    HeaderMap, HeaderName,
    header::{
        CONNECTION, COOKIE, HOST, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, REFERER,
        TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

/// The fields that never cross a proxy. `Keep-Alive`, `Proxy-Connection` and `HTTP2-Settings` (RFC 7540 section 3.2.1) are
/// in no standard of today, but are still sent. CGI programs and their libraries read `Proxy` as the proxy of their own
/// requests.
static HOP_BY_HOP: [HeaderName; 11] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy"),
    HeaderName::from_static("proxy-connection"),
];

/// Fields for the recipient of a message that a client must not remove by naming them in `Connection`.
///
/// The stack has read them by then: a body that was checked as JSON would arrive without its type.
static END_TO_END: [HeaderName; 5] = [COOKIE, HOST, ORIGIN, RANGE, REFERER];
/// The begins of the names of further such fields.
static END_TO_END_PREFIXES: [&str; 2] = ["content-", "sec-"];

/// Removes them, and the fields that `Connection` names.
///
/// A name that is no valid field name is skipped: no such field can be in `headers`.
///
/// All lines of `Connection` are read, each with a list. A name may be an end-to-end field such as
/// `X-Secret`; it is removed all the same, since the sender said that it ends here.
pub(super) fn remove(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = connection_options(headers).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Returns whether `Connection` names a field that the recipient needs (RFC 9110 section 7.6.1 forbids
/// it).
pub(super) fn names_end_to_end_field(headers: &HeaderMap) -> bool {
    let is_end_to_end = |name: &HeaderName| {
        let mut prefixes = END_TO_END_PREFIXES.iter();
        END_TO_END.contains(name) || prefixes.any(|prefix| name.as_str().starts_with(prefix))
    };
    connection_options(headers).any(|name| is_end_to_end(&name))
}

/// Returns the options of all lines of `Connection` that could be names of fields.
fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let values = headers.get_all(CONNECTION).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
}

/// Returns whether the sender can take trailers (RFC 9110 section 10.1.4).
///
/// It is read before the field is removed. Weights (`;q=`) are for codings and not for `trailers`.
pub(super) fn wants_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(TE).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_connection_names_is_removed_too() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "5"),
            ("http2-settings", "AAMAAABk"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ] {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        remove(&mut headers);
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("accept"));
    }

    #[test]
    fn connection_cannot_name_what_the_recipient_needs() {
        let names = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("connection", value.try_into().unwrap());
            names_end_to_end_field(&headers)
        };
        for value in [
            "close, Content-Type",
            "cookie",
            "host",
            "SEC-fetch-site",
            "origin,x",
        ] {
            assert!(names(value.as_bytes()), "{value}");
        }
        assert!(names(b"\xff, content-encoding"));
        for value in ["close", "keep-alive, Upgrade", "te, x-content-type", ""] {
            assert!(!names(value.as_bytes()), "{value}");
        }
    }
}
