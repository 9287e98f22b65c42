//! Decides who the client is: a function of the peer, the headers and the configuration.

use std::net::IpAddr;

use http::HeaderMap;
use palisade_core::{Peer, Scheme};

use super::{
    hops::{self, Hop},
    source::{ForwardedHeader, Source},
};
use crate::TrustedProxies;

/// No sane chain of our own proxies is longer; a longer one is a loop.
const MAX_TRUSTED_HOPS: usize = 16;

/// Who asks, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Decision<'a> {
    pub(super) address: IpAddr,
    pub(super) scheme: Scheme,
    /// The host that a proxy was asked for, as it was written.
    pub(super) host: Option<&'a str>,
    /// A trusted proxy wrote something that is no address, so that the walk ended at the proxy.
    pub(super) stopped: bool,
}

/// A header that must stand alone stood there several times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ambiguous;

/// Judges the headers of a trusted peer. The caller has checked that it is one.
pub(super) fn decide<'a>(
    peer: Peer,
    headers: &'a HeaderMap,
    proxies: &TrustedProxies,
    source: &Source,
) -> Result<Decision<'a>, Ambiguous> {
    let walk = match &source.address {
        ForwardedHeader::Forwarded => {
            let hops = hops::of_forwarded(headers, &source.name);
            return Ok(inside_forwarded(peer, &walk(peer, hops, proxies)));
        }
        ForwardedHeader::Vendor(name) => {
            if headers.get_all(name).into_iter().nth(1).is_some() {
                return Err(Ambiguous);
            }
            walk(peer, only(headers, name), proxies)
        }
        ForwardedHeader::XForwardedFor => walk(peer, hops::of_list(headers, &source.name), proxies),
    };
    // The nearest proxy's word counts, which is the last one: what stands before it may be the client's.
    let proto = hops::last(headers, &source.scheme);
    Ok(Decision {
        address: walk.address,
        scheme: proto.map_or(peer.scheme, scheme),
        host: hops::last(headers, &source.host),
        stopped: walk.stopped,
    })
}

/// In `Forwarded`, scheme and host come from the outermost element that a trusted proxy wrote.
fn inside_forwarded<'a>(peer: Peer, walk: &Walk<'a>) -> Decision<'a> {
    Decision {
        address: walk.address,
        scheme: walk.last.proto.map_or(peer.scheme, scheme),
        host: walk.last.host,
        stopped: walk.stopped,
    }
}

/// A vendor's header holds one address; a comma makes it none.
fn only<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = Hop<'a>> {
    headers.get(name).into_iter().map(|line| Hop {
        address: line.to_str().ok().map(str::trim).and_then(hops::address),
        ..Hop::default()
    })
}

struct Walk<'a> {
    address: IpAddr,
    last: Hop<'a>,
    stopped: bool,
}

/// Goes from the nearest hop outwards, as long as those who wrote are trusted.
fn walk<'a>(peer: Peer, hops: impl Iterator<Item = Hop<'a>>, proxies: &TrustedProxies) -> Walk<'a> {
    let mut walk = Walk {
        address: peer.address.ip().to_canonical(),
        last: Hop::default(),
        stopped: false,
    };
    for (count, hop) in hops.enumerate() {
        if count == MAX_TRUSTED_HOPS {
            walk.stopped = true;
            return walk;
        }
        // Hosts and schemes may be written by some proxies of a chain and not by others.
        walk.last = Hop {
            host: hop.host.or(walk.last.host),
            proto: hop.proto.or(walk.last.proto),
            ..hop
        };
        // A hop that cannot be read is never skipped: what stands left of it may be anyone's.
        let Some(address) = hop.address else {
            walk.stopped = true;
            return walk;
        };
        walk.address = address;
        if !proxies.contains(address) {
            return walk;
        }
    }
    walk
}

/// Anything but a known secure scheme counts as clear text.
fn scheme(written: &str) -> Scheme {
    let secure = ["https", "wss"]
        .iter()
        .any(|known| written.eq_ignore_ascii_case(known));
    if secure { Scheme::Https } else { Scheme::Http }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const PROXIES: &str = "10.0.0.0/8, 127.0.0.1, 2001:db8:f::/48";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), line);
        }
        headers
    }

    fn peer(address: &str) -> Peer {
        Peer::new(
            (address.parse::<IpAddr>().unwrap(), 4711).into(),
            Scheme::Http,
        )
    }

    fn check(source: ForwardedHeader, lines: &[(&'static str, &str)], client: &str, stopped: bool) {
        let proxies = TrustedProxies::parse(PROXIES).unwrap();
        let headers = headers(lines);
        let source = Source::new(source);
        let decision = decide(peer("10.0.0.1"), &headers, &proxies, &source).unwrap();
        let expected = (client.parse().unwrap(), stopped);
        assert_eq!((decision.address, decision.stopped), expected, "{lines:?}");
    }

    #[test]
    fn the_client_is_the_first_untrusted_hop_from_the_right() {
        let long = vec!["198.51.100.66"; 10_000].join(", ") + ", 203.0.113.7";
        for (line, client, stopped) in [
            ("203.0.113.7", "203.0.113.7", false),
            ("198.51.100.66, 203.0.113.7", "203.0.113.7", false),
            ("198.51.100.66, 203.0.113.7, 10.0.0.9", "203.0.113.7", false),
            (
                "198.51.100.66,203.0.113.7,2001:db8:f::1",
                "203.0.113.7",
                false,
            ),
            ("127.0.0.1, 203.0.113.7", "203.0.113.7", false),
            ("10.0.0.5", "10.0.0.5", false),
            ("10.0.0.5, 10.0.0.6", "10.0.0.5", false),
            ("203.0.113.7:4711", "203.0.113.7", false),
            ("[2001:db8::7]:4711", "2001:db8::7", false),
            ("::ffff:203.0.113.7", "203.0.113.7", false),
            (
                "198.51.100.66, ::ffff:10.0.0.9, 10.0.0.8",
                "198.51.100.66",
                false,
            ),
            ("203.0.113.7, unknown", "10.0.0.1", true),
            ("203.0.113.7, unknown, 10.0.0.9", "10.0.0.9", true),
            ("203.0.113.7, _hidden", "10.0.0.1", true),
            ("203.0.113.7, ", "10.0.0.1", true),
            ("203.0.113.7,,10.0.0.9", "10.0.0.9", true),
            ("", "10.0.0.1", true),
            ("\"203.0.113.7\"", "10.0.0.1", true),
            ("203.0.113.7\u{e9}", "10.0.0.1", true),
            ("\u{e9}203.0.113.7", "10.0.0.1", true),
            ("10.0.0.1\u{e9}, 203.0.113.7", "203.0.113.7", false),
            ("203.0.113.7, \u{e9}, 10.0.0.9", "10.0.0.9", true),
            (&long, "203.0.113.7", false),
        ] {
            check(
                ForwardedHeader::XForwardedFor,
                &[("x-forwarded-for", line)],
                client,
                stopped,
            );
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [
            ("x-forwarded-for", "198.51.100.66"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", "10.0.0.9, 10.0.0.8"),
        ];
        check(ForwardedHeader::XForwardedFor, &lines, "203.0.113.7", false);
    }

    #[test]
    fn a_proxy_that_says_nothing_is_the_client() {
        check(ForwardedHeader::XForwardedFor, &[], "10.0.0.1", false);
        check(
            ForwardedHeader::Forwarded,
            &[("x-forwarded-for", "203.0.113.7")],
            "10.0.0.1",
            false,
        );
        check(
            ForwardedHeader::XForwardedFor,
            &[("forwarded", "for=203.0.113.7")],
            "10.0.0.1",
            false,
        );
    }

    #[test]
    fn forwarded_is_walked_alike() {
        for (line, client, stopped) in [
            ("for=203.0.113.7", "203.0.113.7", false),
            (
                "for=198.51.100.66, For=\"203.0.113.7:80\"",
                "203.0.113.7",
                false,
            ),
            (
                "for=203.0.113.7, for=10.0.0.9;by=10.0.0.1",
                "203.0.113.7",
                false,
            ),
            ("for=\"[2001:db8::7]:4711\"", "2001:db8::7", false),
            ("for=203.0.113.7, for=unknown", "10.0.0.1", true),
            ("for=203.0.113.7, for=_x, for=10.0.0.9", "10.0.0.9", true),
            ("for=203.0.113.7, proto=https", "10.0.0.1", true),
            ("for=\", for=203.0.113.7", "203.0.113.7", false),
            ("for=\"\u{e9},\", for=203.0.113.7", "203.0.113.7", false),
        ] {
            check(
                ForwardedHeader::Forwarded,
                &[("forwarded", line)],
                client,
                stopped,
            );
        }
    }

    #[test]
    fn a_chain_of_proxies_without_end_is_cut() {
        let line = vec!["10.0.0.9"; 10_000].join(",");
        check(
            ForwardedHeader::XForwardedFor,
            &[("x-forwarded-for", &line)],
            "10.0.0.9",
            true,
        );
    }

    #[test]
    fn a_vendor_header_stands_alone() {
        let vendor = || ForwardedHeader::Vendor(HeaderName::from_static("x-real-ip"));
        check(
            vendor(),
            &[("x-real-ip", "203.0.113.7")],
            "203.0.113.7",
            false,
        );
        check(
            vendor(),
            &[("x-real-ip", "198.51.100.66, 203.0.113.7")],
            "10.0.0.1",
            true,
        );
        let twice = headers(&[("x-real-ip", "198.51.100.66"), ("x-real-ip", "203.0.113.7")]);
        let proxies = TrustedProxies::parse(PROXIES).unwrap();
        let decision = decide(peer("10.0.0.1"), &twice, &proxies, &Source::new(vendor()));
        assert_eq!(decision, Err(Ambiguous));
    }

    fn scheme_and_host(
        source: ForwardedHeader,
        lines: &[(&'static str, &str)],
    ) -> (Scheme, Option<String>) {
        let proxies = TrustedProxies::parse(PROXIES).unwrap();
        let headers = headers(lines);
        let decision = decide(peer("10.0.0.1"), &headers, &proxies, &Source::new(source)).unwrap();
        (decision.scheme, decision.host.map(str::to_owned))
    }

    #[test]
    fn the_scheme_is_what_the_nearest_proxy_wrote() {
        for (lines, expected) in [
            (&["https"][..], Scheme::Https),
            (&["HTTPS"], Scheme::Https),
            (&["wss"], Scheme::Https),
            (&["http"], Scheme::Http),
            (&["https, http"], Scheme::Http),
            (&["http, https"], Scheme::Https),
            (&["https", "http"], Scheme::Http),
            (&["httpsx"], Scheme::Http),
            (&[""], Scheme::Http),
            (&[], Scheme::Http),
        ] {
            let lines: Vec<_> = lines
                .iter()
                .map(|line| ("x-forwarded-proto", *line))
                .collect();
            assert_eq!(
                scheme_and_host(ForwardedHeader::XForwardedFor, &lines).0,
                expected,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn in_forwarded_scheme_and_host_come_from_the_outermost_trusted_element() {
        let line = "for=6.6.6.6;host=evil.example;proto=http, for=203.0.113.7;host=a.example;proto=https, for=10.0.0.9;proto=http";
        let read = scheme_and_host(ForwardedHeader::Forwarded, &[("forwarded", line)]);
        assert_eq!(read, (Scheme::Https, Some("a.example".to_owned())));
    }

    proptest! {
        #[test]
        fn no_trusted_hop_is_the_client_while_an_untrusted_one_exists(
            chain in prop::collection::vec((any::<bool>(), 1..200u8), 1..12),
        ) {
            let addresses = chain.iter().map(|(trusted, last)| {
                let start = if *trusted { "10.0.0" } else { "203.0.113" };
                format!("{start}.{last}")
            });
            let line = addresses.collect::<Vec<_>>().join(", ");
            let proxies = TrustedProxies::parse(PROXIES).unwrap();
            let headers = headers(&[("x-forwarded-for", &line)]);
            let source = Source::new(ForwardedHeader::XForwardedFor);
            let decision = decide(peer("10.0.0.1"), &headers, &proxies, &source).unwrap();
            let untrusted = chain.iter().rev().find(|(trusted, _)| !trusted);
            match untrusted {
                Some((_, last)) => prop_assert_eq!(decision.address.to_string(), format!("203.0.113.{last}")),
                None => prop_assert!(proxies.contains(decision.address)),
            }
        }

        #[test]
        fn what_a_client_sends_never_decides(spoof in "[ -+\\--~\u{e9}]{0,40}(, ?[ -~\u{e9}]{0,20}){0,3}") {
            // The proxy appends the address that it saw, whatever the client sent before it.
            let proxies = TrustedProxies::parse(PROXIES).unwrap();
            for (source, name, appended) in [
                (ForwardedHeader::XForwardedFor, "x-forwarded-for", "203.0.113.7"),
                (ForwardedHeader::Forwarded, "forwarded", "for=203.0.113.7"),
                (ForwardedHeader::Forwarded, "forwarded", "for=\"203.0.113.7:4711\";proto=http"),
            ] {
                let line = format!("{spoof}, {appended}");
                let headers = headers(&[(name, &line)]);
                let decision = decide(peer("10.0.0.1"), &headers, &proxies, &Source::new(source)).unwrap();
                prop_assert_eq!(decision.address.to_string(), "203.0.113.7", "{}", line);
                prop_assert_eq!(decision.scheme, Scheme::Http);
            }
        }
    }
}
