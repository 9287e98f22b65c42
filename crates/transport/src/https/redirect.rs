//! Builds the `Location` of a redirect to HTTPS.

use http::{HeaderValue, Uri, uri::PathAndQuery};

/// Writes `https://host[:port]/path?query`.
///
/// The caller has checked the host. `None` if the request has no path (`*`, `host:port`).
///
/// Leading slashes and backslashes become one slash. Otherwise a careless client could read the
/// rest of `//evil.example/` as a host.
pub(super) fn location(host: &str, port: u16, uri: &Uri) -> Option<HeaderValue> {
    let rest = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = rest.strip_prefix('/')?.trim_start_matches(['/', '\\']);
    let location = match port {
        443 => format!("https://{host}/{path}"),
        port => format!("https://{host}:{port}/{path}"),
    };
    HeaderValue::try_from(location).ok()
}

/// Returns whether this is the path of an ACME http-01 challenge (RFC 8555, section 8.3).
///
/// The token must have 1 to 256 characters of base64url, so the path cannot leave its folder.
pub(super) fn is_acme_challenge(path: &str) -> bool {
    let Some(token) = path.strip_prefix("/.well-known/acme-challenge/") else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=256).contains(&token.len()) && token.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn path_and_query_are_kept() {
        for (port, uri, expected) in [
            (443, "/", "https://a.example/"),
            (
                443,
                "/tts?text=%E4%BD%A0&x=1",
                "https://a.example/tts?text=%E4%BD%A0&x=1",
            ),
            (8443, "/tts", "https://a.example:8443/tts"),
            (443, "http://other.example/p?q", "https://a.example/p?q"),
            (443, "//evil.example/x", "https://a.example/evil.example/x"),
            (443, "///evil.example", "https://a.example/evil.example"),
            (443, "/a//b", "https://a.example/a//b"),
            (
                443,
                "/?next=//evil.example",
                "https://a.example/?next=//evil.example",
            ),
            (
                443,
                "/%0d%0aSet-Cookie:x",
                "https://a.example/%0d%0aSet-Cookie:x",
            ),
        ] {
            let location = location("a.example", port, &uri.parse().unwrap());
            assert_eq!(location.unwrap(), expected, "{uri}");
        }
    }

    #[test]
    fn what_has_no_path_leads_nowhere() {
        assert_eq!(location("a.example", 443, &Uri::from_static("*")), None);
    }

    #[test]
    fn only_a_token_in_its_place_is_a_challenge() {
        assert!(is_acme_challenge(
            "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
        ));
        let long = format!("/.well-known/acme-challenge/{}", "a".repeat(257));
        for path in [
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge/a/b",
            "/.well-known/acme-challenge/../../admin",
            "/.well-known/acme-challenge/..",
            "/.well-known/acme-challenge/%2e%2e",
            "/x/.well-known/acme-challenge/a",
            "/.well-known/acme-challengea",
            &long,
        ] {
            assert!(!is_acme_challenge(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_redirect_never_leaves_the_host(path in "/[ -~]{0,40}") {
            if let Ok(uri) = path.parse::<Uri>() {
                let location = location("a.example", 443, &uri).unwrap();
                let text = location.to_str().unwrap();
                let rest = text.strip_prefix("https://a.example/").unwrap();
                prop_assert!(!rest.starts_with(['/', '\\']));
                prop_assert!(!text.contains(['\r', '\n']));
            }
        }
    }
}
