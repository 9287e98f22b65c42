//! Removes forwarding headers that were not read.
//!
//! A handler or a library that reads one of them would use what a client forged.
//!
//! | peer | headers that were read | [`FORWARDING_HEADERS`] | [`PROXY_PREFIXES`] |
//! |---|---|---|---|
//! | trusted proxy | stay | removed | stay |
//! | any other | stay | removed | removed |
//!
//! Names are compared in lower case, as `http` stores them (RFC 9110, section 5.1). Every character
//! that is no letter or digit counts as a hyphen (RFC 3875, section 4.1.18).

use http::{HeaderMap, HeaderName};

/// Headers that frameworks, proxies and applications read for the client's address, or for the
/// host, scheme or path of the request.
///
/// They may contradict what was decided, so they are removed for every peer. Sorted, for a
/// binary search.
const FORWARDING_HEADERS: [&str; 52] = [
    "ali-cdn-real-ip",
    "cdn-real-ip",
    "cdn-src-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "client-ip",
    "cloudfront-forwarded-proto",
    "cloudfront-viewer-address",
    "do-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "fly-forwarded-proto",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "http-client-ip",
    "incap-client-ip",
    "proxy-client-ip",
    "remote-addr",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-appengine-user-ip",
    "x-arr-ssl",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-coming-from",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-host",
    "x-nf-client-connection-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
    "x-vercel-forwarded-for",
    "x-vercel-proxied-for",
];

/// Prefixes of names that only proxies write: decisions, authenticated users, client
/// certificates.
///
/// They stay if a trusted proxy sent them. From any other peer they are forged and removed.
/// Sorted.
const PROXY_PREFIXES: [&str; 25] = [
    "cf-access-authenticated-user-",
    "client-cert", // RFC 9440
    "remote-user",
    "ssl-client-",
    "tailscale-user-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-appengine-",
    "x-arr-clientcert",
    "x-auth-request-",
    "x-authenticated-",
    "x-client-cert",
    "x-client-dn",
    "x-client-verify",
    "x-envoy-",
    "x-forwarded",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-remote-group",
    "x-remote-user",
    "x-ssl-",
    "x-tls-client-",
    "x-webauth-",
    "x-xfcc",
];

/// Removes every header of these lists except those that were read.
///
/// `trusted` says whether the peer is a trusted proxy.
pub(super) fn remove_all_except(read: &[&HeaderName], trusted: bool, headers: &mut HeaderMap) {
    let is_unread = |name: &HeaderName| is_removed(name.as_str(), trusted) && !read.contains(&name);
    // One pass, and no copy for the request that has none, which is nearly every one.
    let names: Vec<_> = headers
        .keys()
        .filter(|name| is_unread(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// Returns whether a header is removed.
///
/// `trusted` keeps what only proxies write.
fn is_removed(name: &str, trusted: bool) -> bool {
    if !may_be_listed(name) {
        return false;
    }
    // CGI applications cannot distinguish `X_Real_IP` or `X.Real.IP` from `X-Real-IP`.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !name.bytes().all(is_plain) {
        let hyphens = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        return is_removed(&hyphens, trusted);
    }
    FORWARDING_HEADERS.binary_search(&name).is_ok() || !trusted && is_of_proxies(name)
}

/// Returns whether only proxies write headers of this name.
fn is_of_proxies(name: &str) -> bool {
    // The list is sorted and none of it begins another, so only the last one before the name can begin it.
    let after = PROXY_PREFIXES.partition_point(|start| *start <= name);
    let before = after
        .checked_sub(1)
        .and_then(|last| PROXY_PREFIXES.get(last));
    before.is_some_and(|start| name.starts_with(start))
}

/// Returns whether a name of the two lists has the first two characters of this one, and one has its third and its
/// fifth. Nearly no header of an ordinary request passes: the lists are searched for those that do.
fn may_be_listed(name: &str) -> bool {
    let [first, second, third, _, fifth, ..] = name.as_bytes() else {
        return false;
    };
    let has = |sets: &[u32; LETTERS + 1], before: u8, character: u8| {
        let set = sets.get(place(before)).copied().unwrap_or(0);
        set & 1 << place(character) != 0
    };
    has(&SECOND_CHARACTERS, *first, *second) && has(&FIFTH_CHARACTERS, *third, *fifth)
}

/// For each first character of the two lists: the second characters, one bit each.
///
/// Computed from the lists by the compiler, so they cannot differ.
const SECOND_CHARACTERS: [u32; LETTERS + 1] = characters_after(0, 1);

/// For each third character of the two lists: the fifth characters.
const FIFTH_CHARACTERS: [u32; LETTERS + 1] = characters_after(2, 4);

const LETTERS: usize = 26;

/// Collects from both lists the characters at one index, by those at another.
const fn characters_after(before: usize, index: usize) -> [u32; LETTERS + 1] {
    let mut sets = [0; LETTERS + 1];
    add_characters(&mut sets, &FORWARDING_HEADERS, before, index);
    add_characters(&mut sets, &PROXY_PREFIXES, before, index);
    sets
}

/// Sets the bits of one list.
#[allow(clippy::indexing_slicing)] // At compile time: a name that is too short does not compile.
const fn add_characters(
    sets: &mut [u32; LETTERS + 1],
    names: &[&str],
    before: usize,
    index: usize,
) {
    let mut number = 0;
    while number < names.len() {
        let name = names[number].as_bytes();
        sets[place(name[before])] |= 1 << place(name[index]);
        number += 1;
    }
}

/// Returns the number of a letter. All that are no letter share one, since they may stand for a hyphen.
const fn place(character: u8) -> usize {
    match character {
        b'a'..=b'z' => (character - b'a') as usize,
        _ => LETTERS,
    }
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
        remove_all_except(&read.iter().collect::<Vec<_>>(), trusted, &mut headers);
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
        assert!(FORWARDING_HEADERS.is_sorted() && PROXY_PREFIXES.is_sorted());
        let mut pairs = PROXY_PREFIXES.windows(2);
        assert!(pairs.all(|pair| !pair[1].starts_with(pair[0])));
        assert!(left(&[], true, &FORWARDING_HEADERS).is_empty());
        assert!(left(&[], false, &PROXY_PREFIXES).is_empty());
    }

    /// Each of them would be searched in both lists: hundreds of instructions a request.
    #[test]
    fn headers_of_ordinary_requests_are_not_searched() {
        for name in [
            "accept",
            "accept-encoding",
            "authorization",
            "content-type",
            "host",
            "user-agent",
            "x-api-key",
            "x-csrf-token",
            "x-request-id",
        ] {
            assert!(!may_be_listed(name), "{name}");
        }
    }

    #[test]
    fn every_vendors_claim_of_a_stranger_is_removed() {
        let sent = [
            "cf-connecting-ipv6",
            "fly-client-ip",
            "do-connecting-ip",
            "x-azure-clientip",
            "x-appengine-user-ip",
            "x-envoy-external-address",
            "x-vercel-forwarded-for",
            "x-originating-ip",
            "x-remote-ip",
            "x-original-url",
            "x-rewrite-url",
            "x-host",
            "x-scheme",
            "x-ssl-client-verify",
            "x-ssl-client-s-dn",
            "x-remote-user",
            "remote-user",
            "client-cert-chain",
            "x-forwarded-client-cert",
            "x-amzn-oidc-data",
            "x-goog-authenticated-user-email",
            "x.remote.user",
            "x_ssl_client_cert",
            "x!forwarded~for",
        ];
        assert!(left(&[], false, &sent).is_empty());
    }

    #[test]
    fn a_trusted_proxy_tells_whom_it_authenticated_but_no_other_address_or_path() {
        let sent = [
            "x-remote-user",
            "x-ssl-client-verify",
            "client-cert",
            "fly-client-ip",
            "x-rewrite-url",
            "x-scheme",
        ];
        let kept = ["client-cert", "x-remote-user", "x-ssl-client-verify"];
        assert_eq!(left(&[], true, &sent), kept);
    }

    #[test]
    fn what_clients_send_themselves_stays() {
        let sent = [
            "accept",
            "authorization",
            "client-id",
            "cookie",
            "host",
            "origin",
            "referer",
            "remote",
            "user-agent",
            "x-api-key",
            "x-csrf-token",
            "x-request-id",
            "x-requested-with",
        ];
        assert_eq!(left(&[], false, &sent), sent);
    }
}
