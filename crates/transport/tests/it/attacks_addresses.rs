//! What is tried with the headers of proxies: a false address, scheme or host of the client.

use http::Request;
use palisade_core::{Fact, Guard, Peer, Scheme, SecurityContext, Verdict, testing::TestBody};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ForwardedHeader, HostLayer, HttpsLayer, TrustedProxies,
};

use crate::layers::{request, response, whole};

/// Runs `ClientInfoLayer` alone and returns the client's address and the facts.
pub(crate) fn client(
    header: ForwardedHeader,
    peer: &str,
    lines: &[(&'static str, &str)],
) -> (String, Vec<Fact>) {
    let proxies = TrustedProxies::parse("10.0.0.0/8, fd00::/8").unwrap();
    let layer = ClientInfoLayer::behind(proxies, header);
    let mut request = Request::new(TestBody::default());
    let peer = Peer::new(
        (peer.parse::<std::net::IpAddr>().unwrap(), 1).into(),
        Scheme::Http,
    );
    request.extensions_mut().insert(peer);
    for (name, value) in lines {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let mut head = request.into_parts().0;
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(matches!(layer.admit(&cx, &mut head), Verdict::Admit(())));
    (cx.client().unwrap().ip().to_string(), cx.facts())
}

#[test]
fn a_spoofed_left_part_buys_no_second_address() {
    for spoof in [
        "198.51.100.66",
        "127.0.0.1",
        "::1",
        "10.0.0.9",
        "unknown",
        "\"",
        "' OR 1=1",
        &"1.1.1.1,".repeat(9_999),
    ] {
        let line = format!("{spoof}, 203.0.113.7");
        let (ip, _) = client(
            ForwardedHeader::XForwardedFor,
            "10.0.0.1",
            &[("x-forwarded-for", &line)],
        );
        assert_eq!(ip, "203.0.113.7", "{spoof}");
    }
}

#[test]
fn a_spoofed_line_before_the_proxys_own_buys_nothing() {
    let lines = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(
        client(ForwardedHeader::XForwardedFor, "10.0.0.1", &lines).0,
        "203.0.113.7"
    );
}

#[test]
fn headers_of_an_untrusted_peer_are_ignored_and_noted() {
    let lines = [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
    ];
    for peer in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::7"] {
        let (ip, facts) = client(ForwardedHeader::XForwardedFor, peer, &lines);
        assert_eq!(ip, peer.trim_start_matches("::ffff:"));
        assert!(
            matches!(
                &facts[..],
                [Fact::Noted {
                    key: "forwarded_header",
                    ..
                }]
            ),
            "{facts:?}"
        );
    }
}

#[test]
fn the_headers_that_are_not_configured_count_for_nothing() {
    let lines = [
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("cf-connecting-ip", "127.0.0.1"),
        ("true-client-ip", "127.0.0.1"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(
        client(ForwardedHeader::XForwardedFor, "10.0.0.1", &lines).0,
        "203.0.113.7"
    );
}

#[test]
fn a_hop_that_cannot_be_read_is_not_skipped() {
    for hop in [
        "unknown",
        "_secret",
        "",
        "1.2.3",
        "example.com",
        "203.0.113.7:99999",
    ] {
        let line = format!("127.0.0.1, {hop}, 10.0.0.2");
        let (ip, facts) = client(
            ForwardedHeader::XForwardedFor,
            "10.0.0.1",
            &[("x-forwarded-for", &line)],
        );
        assert_eq!(ip, "10.0.0.2", "{hop}");
        assert_eq!(facts.len(), 1);
    }
}

#[test]
fn an_open_quote_hides_no_address() {
    for spoof in ["for=\"", "for=\"\\", "for=\"a, for=\"b", "\"\\\""] {
        let line = format!("{spoof}, for=203.0.113.7");
        let (ip, _) = client(
            ForwardedHeader::Forwarded,
            "10.0.0.1",
            &[("forwarded", &line)],
        );
        assert_eq!(ip, "203.0.113.7", "{spoof}");
    }
}

#[test]
fn a_mapped_proxy_is_the_plain_one() {
    let lines = [("x-forwarded-for", "203.0.113.7, ::ffff:10.0.0.9")];
    assert_eq!(
        client(ForwardedHeader::XForwardedFor, "::ffff:10.0.0.1", &lines).0,
        "203.0.113.7"
    );
}

#[tokio::test]
async fn two_proxies_that_append_keep_the_scheme_and_host_of_the_client() {
    let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
    let client = ClientInfoLayer::builder().behind(proxies, ForwardedHeader::XForwardedFor);
    let client = client.accept_forwarded_host().build();
    let hosts = HostLayer::new(AllowedHosts::parse(["example.com"]).unwrap());
    let guards = (client, hosts, HttpsLayer::new());
    for (chain, protos, names, status) in [
        (
            "203.0.113.7, 10.0.0.9",
            "https, http",
            "example.com, b.internal",
            200,
        ),
        (
            "203.0.113.7, 10.0.0.9",
            "http, https",
            "example.com, b.internal",
            403,
        ),
        (
            "203.0.113.7, 10.0.0.9",
            "https, http",
            "evil.example, example.com",
            421,
        ),
        // A client that sends values of its own makes the lists too long.
        (
            "203.0.113.7, 10.0.0.9",
            "https, http, http",
            "example.com",
            400,
        ),
        (
            "203.0.113.7, 10.0.0.9",
            "https",
            "example.com, evil.example, b.internal",
            400,
        ),
        // One proxy, before which no one is trusted.
        ("203.0.113.7", "https, http", "example.com", 400),
        ("203.0.113.7", "https", "example.com, evil.example", 400),
        ("203.0.113.7", "https", "example.com", 200),
    ] {
        let mut proxied = request("/", Scheme::Http);
        proxied
            .extensions_mut()
            .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
        for (name, value) in [
            ("host", "b.internal"),
            ("x-forwarded-for", chain),
            ("x-forwarded-proto", protos),
            ("x-forwarded-host", names),
        ] {
            proxied.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = response(guards.clone(), proxied).await;
        assert_eq!(response.status(), status, "{chain} {protos} {names}");
    }
}

#[tokio::test]
async fn a_client_cannot_claim_tls_for_itself() {
    let mut attack = request("/", Scheme::Http);
    for (name, value) in [
        ("x-forwarded-proto", "https"),
        ("forwarded", "proto=https"),
        ("x-forwarded-ssl", "on"),
        ("front-end-https", "on"),
    ] {
        attack.headers_mut().insert(name, value.parse().unwrap());
    }
    let refused = response(whole(HttpsLayer::new()), attack).await;
    assert_eq!(refused.status().as_u16(), 403);
    assert!(!refused.headers().contains_key("strict-transport-security"));
}
