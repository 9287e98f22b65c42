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
