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
        (
            "for=203.0.113.7;by=\"a;b,c\", for=10.0.0.9;by=\"[::1]:80;x\"",
            "203.0.113.7",
            false,
        ),
        ("for=203.0.113.7;, for=10.0.0.9;", "203.0.113.7", false),
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
    assert!(decision.is_err());
}

fn scheme_and_host(
    header: ForwardedHeader,
    lines: &[(&'static str, &str)],
) -> Result<(Scheme, Option<String>), Ambiguous> {
    let proxies = TrustedProxies::parse(PROXIES).unwrap();
    let headers = headers(lines);
    let mut source = Source::new(header);
    source.accepts_host = true;
    let decision = decide(peer("10.0.0.1"), &headers, &proxies, &source)?;
    Ok((decision.scheme, decision.host.map(str::to_owned)))
}

/// Checks the scheme that a chain of addresses and the lines of `X-Forwarded-Proto` make.
fn check_scheme(chain: &str, protos: &[&str], expected: Option<Scheme>) {
    let protos = protos.iter().map(|line| ("x-forwarded-proto", *line));
    let lines: Vec<_> = protos.chain([("x-forwarded-for", chain)]).collect();
    let read = scheme_and_host(ForwardedHeader::XForwardedFor, &lines);
    assert_eq!(read.ok().map(|read| read.0), expected, "{lines:?}");
}

#[test]
fn with_one_trusted_proxy_the_scheme_is_one_value_and_a_list_is_refused() {
    for (protos, expected) in [
        (&["https"][..], Some(Scheme::Https)),
        (&["HTTPS"], Some(Scheme::Https)),
        (&["wss"], Some(Scheme::Https)),
        (&["http"], Some(Scheme::Http)),
        (&["httpsx"], Some(Scheme::Http)),
        (&["\u{e9}https"], Some(Scheme::Http)),
        (&[""], Some(Scheme::Http)),
        (&[], Some(Scheme::Http)),
        (&["https, http"], None),
        (&["http, https"], None),
        (&["https", "http"], None),
        (&["https", "https"], None),
        (&["https,"], None),
    ] {
        check_scheme("203.0.113.7", protos, expected);
        check_scheme("198.51.100.66, 203.0.113.7", protos, expected);
    }
}

#[test]
fn with_two_trusted_proxies_the_scheme_is_what_the_outer_one_wrote() {
    for (protos, expected) in [
        (&["https, http"][..], Some(Scheme::Https)),
        (&["https", "http"], Some(Scheme::Https)),
        (&["http, https"], Some(Scheme::Http)),
        (&["https"], Some(Scheme::Https)),
        (&["http"], Some(Scheme::Http)),
        (&["https, http, http"], None),
        (&["https, https, http"], None),
    ] {
        check_scheme("203.0.113.7, 10.0.0.9", protos, expected);
        check_scheme("198.51.100.66, 203.0.113.7, 10.0.0.9", protos, expected);
    }
    // Three proxies of which only two wrote: it is unknown which ones.
    check_scheme("203.0.113.7, 10.0.0.9, 10.0.0.8", &["https, http"], None);
    check_scheme(
        "203.0.113.7, 10.0.0.9, 10.0.0.8",
        &["https, http, http"],
        Some(Scheme::Https),
    );
}

#[test]
fn a_hop_that_cannot_be_read_lends_no_scheme_of_a_stranger() {
    check_scheme("203.0.113.7, unknown", &["https, http"], None);
    check_scheme(
        "203.0.113.7, unknown, 10.0.0.9",
        &["https, http"],
        Some(Scheme::Https),
    );
    check_scheme(
        "203.0.113.7, unknown, 10.0.0.9",
        &["https, http, http"],
        None,
    );
}

#[test]
fn the_forwarded_host_is_indexed_like_the_scheme() {
    for (chain, hosts, expected) in [
        ("203.0.113.7", "a.example", Some("a.example")),
        ("203.0.113.7", "evil.example, a.example", None),
        (
            "203.0.113.7, 10.0.0.9",
            "a.example, b.internal",
            Some("a.example"),
        ),
        ("203.0.113.7, 10.0.0.9", "a.example", Some("a.example")),
        (
            "203.0.113.7, 10.0.0.9",
            "evil.example, a.example, b.internal",
            None,
        ),
    ] {
        let lines = [("x-forwarded-for", chain), ("x-forwarded-host", hosts)];
        let read = scheme_and_host(ForwardedHeader::XForwardedFor, &lines);
        let host = read.ok().and_then(|read| read.1);
        assert_eq!(host.as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn a_forwarded_host_that_is_not_read_is_never_ambiguous() {
    let headers = headers(&[("x-forwarded-host", "a.example, b.example")]);
    let proxies = TrustedProxies::parse(PROXIES).unwrap();
    let source = Source::new(ForwardedHeader::XForwardedFor);
    let decision = decide(peer("10.0.0.1"), &headers, &proxies, &source).unwrap();
    assert_eq!(decision.host, None);
}

#[test]
fn in_forwarded_scheme_and_host_come_from_the_outermost_trusted_element() {
    let line = "for=6.6.6.6;host=evil.example;proto=http, for=203.0.113.7;host=a.example;proto=https, for=10.0.0.9;proto=http";
    let read = scheme_and_host(ForwardedHeader::Forwarded, &[("forwarded", line)]);
    assert_eq!(read, Ok((Scheme::Https, Some("a.example".to_owned()))));
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
