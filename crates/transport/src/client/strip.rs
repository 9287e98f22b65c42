//! Takes away the forwarding headers that nobody may believe.

use http::{HeaderMap, HeaderName};

/// Headers that frameworks and applications are known to take for the client's address, host or scheme.
const TELLING: [&str; 14] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-original-forwarded-for",
    "x-real-ip",
];

/// Removes every forwarding header but those that were read. A stranger's `X-Forwarded-*` all go;
/// a proxy's go only where they would contradict what was decided.
pub(super) fn all_but(read: &[&HeaderName], trusted: bool, headers: &mut HeaderMap) {
    let is_false = |name: &HeaderName| is_telling(name.as_str(), trusted) && !read.contains(&name);
    // One pass, and no copy for the request that has none, which is nearly every one.
    let names: Vec<_> = headers
        .keys()
        .filter(|name| is_false(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

fn is_telling(name: &str, trusted: bool) -> bool {
    // Most names of a request are told apart by their first letter.
    if !name.starts_with(['c', 'f', 't', 'x']) {
        return false;
    }
    if name.contains('_') {
        // Applications behind CGI and its heirs cannot tell `X_Real_IP` from `X-Real-IP`.
        return is_telling(&name.replace('_', "-"), trusted);
    }
    (!trusted && name.starts_with("x-forwarded")) || TELLING.contains(&name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn left(read: &[&str], trusted: bool, present: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in present {
            headers.append(*name, HeaderValue::from_static("x"));
            headers.append(*name, HeaderValue::from_static("y"));
        }
        let read: Vec<HeaderName> = read.iter().map(|name| name.parse().unwrap()).collect();
        all_but(&read.iter().collect::<Vec<_>>(), trusted, &mut headers);
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn a_stranger_keeps_no_forwarding_header() {
        let sent = [
            "host",
            "x-forwarded-prefix",
            "x-forwarded-for",
            "forwarded",
            "x-real-ip",
            "accept",
        ];
        assert_eq!(left(&[], false, &sent), ["accept", "host"]);
    }

    #[test]
    fn a_proxy_keeps_what_was_read_and_what_contradicts_nothing() {
        let sent = [
            "x-forwarded-for",
            "forwarded",
            "x-forwarded-prefix",
            "cf-connecting-ip",
        ];
        assert_eq!(
            left(&["x-forwarded-for"], true, &sent),
            ["x-forwarded-for", "x-forwarded-prefix"]
        );
    }

    #[test]
    fn an_underscore_smuggles_nothing_past() {
        let sent = [
            "x_forwarded_for",
            "x-forwarded_for",
            "x_real_ip",
            "x_trace",
            "x-forwarded-for",
        ];
        assert_eq!(
            left(&["x-forwarded-for"], true, &sent),
            ["x-forwarded-for", "x_trace"]
        );
    }

    #[test]
    fn no_listed_header_stays() {
        assert!(left(&[], true, &TELLING).is_empty());
        assert!(
            TELLING
                .iter()
                .all(|name| name.starts_with(['c', 'f', 't', 'x']))
        );
    }
}
