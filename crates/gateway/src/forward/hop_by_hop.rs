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
        CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

/// The fields that never cross a proxy. `Keep-Alive` and `Proxy-Connection` are in no standard of
/// today, but are still sent.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Removes them, and the fields that `Connection` names.
///
/// A name that is no valid field name is skipped: no such field can be in `headers`.
///
/// All lines of `Connection` are read, each with a list. A name may be an end-to-end field such as
/// `X-Secret`; it is removed all the same, since the sender said that it ends here.
pub(super) fn remove(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
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
}
