//! What is tried against the transport, one test each.

use http::{Request, header};
use http_body_util::Full;
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Fact, Guard,
    GuardLayer, Layer, Peer, Principal, Scheme, SecurityContext, Verdict, testing::TestBody,
};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ForwardedHeader, HostLayer, HttpsLayer, TrustedProxies,
};

use crate::{
    layers::{answer, hosts, redirect_all_to, redirect_all_within, request, whole},
    support::{app, bind, http2, start, start_with, within},
};

/// Runs `ClientInfoLayer` alone and returns the client's address and the facts.
fn client(
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
async fn a_foreign_host_leads_no_redirect_astray() {
    let one = redirect_all_to("example.com");
    let same = redirect_all_within(443);
    for host in [
        "evil.example",
        "example.com.evil.example",
        "example.com@evil.example",
        "evil.example:80",
        "example.com:80@evil.example",
        "[::1]",
    ] {
        let attack = || {
            let mut request = request("/x", Scheme::Http);
            request
                .headers_mut()
                .insert(header::HOST, host.parse().unwrap());
            request
        };
        // Behind the host list, and also alone, for those who forget it.
        for guarded in [true, false] {
            let alone = (ClientInfoLayer::direct(), one.clone());
            let led = if guarded {
                answer(whole(one.clone()), attack()).await
            } else {
                answer(alone, attack()).await
            };
            if let Some(location) = led.headers().get(header::LOCATION) {
                assert_eq!(location, "https://example.com/x", "{host}");
            }
            let alone = (ClientInfoLayer::direct(), same.clone());
            let led = if guarded {
                answer(whole(same.clone()), attack()).await
            } else {
                answer(alone, attack()).await
            };
            assert!(!led.headers().contains_key(header::LOCATION), "{host}");
            assert!(led.status().is_client_error());
        }
    }
}

#[tokio::test]
async fn a_forwarded_host_leads_no_redirect_astray() {
    let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
    let client =
        ClientInfoLayer::behind(proxies, ForwardedHeader::XForwardedFor).accept_forwarded_host();
    let guards = (client, redirect_all_within(443));
    let mut attack = request("/x", Scheme::Http);
    attack
        .extensions_mut()
        .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
    attack
        .headers_mut()
        .insert("x-forwarded-host", "evil.example".parse().unwrap());
    let led = answer(guards, attack).await;
    assert!(!led.headers().contains_key(header::LOCATION));
}

#[tokio::test]
async fn a_path_of_two_slashes_stays_on_its_host() {
    let https = redirect_all_to("example.com");
    for (path, location) in [
        ("//evil.example/x", "https://example.com/evil.example/x"),
        ("///evil.example", "https://example.com/evil.example"),
        (
            "/%0d%0aset-cookie:%20a=b",
            "https://example.com/%0d%0aset-cookie:%20a=b",
        ),
    ] {
        let mut attack = request("/", Scheme::Http);
        *attack.uri_mut() = path.parse().unwrap();
        let led = answer(whole(https.clone()), attack).await;
        assert_eq!(led.headers()[header::LOCATION], location, "{path}");
    }
}

/// Asks for a page in clear, through a proxy at 10.0.0.1 or directly, and returns where it moved to.
async fn moved(https: HttpsLayer, peer: [u8; 4]) -> String {
    let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
    let client = ClientInfoLayer::behind(proxies, ForwardedHeader::XForwardedFor);
    let mut page = request("/x", Scheme::Http);
    page.extensions_mut()
        .insert(Peer::new((peer, 1).into(), Scheme::Http));
    let moved = answer((client, https), page).await;
    moved.headers()[header::LOCATION].to_str().unwrap().into()
}

#[tokio::test]
async fn a_redirect_behind_a_proxy_does_not_name_the_internal_port() {
    let https = redirect_all_within(8443);
    let proxy_port = HttpsLayer::builder().redirect_within(hosts(), 8443);
    let proxy_port = proxy_port.proxy_port(444).every_path().build().unwrap();
    for (https, peer, location) in [
        (https.clone(), [10, 0, 0, 1], "https://example.com/x"),
        (https, [203, 0, 113, 7], "https://example.com:8443/x"),
        (proxy_port, [10, 0, 0, 1], "https://example.com:444/x"),
        (
            redirect_all_to("example.com:8443"),
            [10, 0, 0, 1],
            "https://example.com:8443/x",
        ),
    ] {
        assert_eq!(moved(https, peer).await, location);
    }
}

#[tokio::test]
async fn two_proxies_that_append_keep_the_scheme_and_host_of_the_client() {
    let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
    let client = ClientInfoLayer::behind(proxies, ForwardedHeader::XForwardedFor);
    let hosts = HostLayer::new(AllowedHosts::parse(["example.com"]).unwrap());
    let guards = (client.accept_forwarded_host(), hosts, HttpsLayer::new());
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
        // One proxy, before which nobody is trusted.
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
        let answer = answer(guards.clone(), proxied).await;
        assert_eq!(answer.status(), status, "{chain} {protos} {names}");
    }
}

#[tokio::test]
async fn a_host_with_the_dot_of_the_root_is_the_same_host() {
    let hosts = AllowedHosts::parse(["example.com", "*.example.org", "rooted.example."]).unwrap();
    let guards = (ClientInfoLayer::direct(), HostLayer::new(hosts));
    for (uri, host) in [
        ("/", "example.com."),
        ("/", "EXAMPLE.com.:443"),
        ("/", "a.example.org."),
        ("/", "rooted.example"),
        ("https://example.com./", "example.com"),
        ("https://example.com/", "example.com."),
    ] {
        let mut rooted = request(uri, Scheme::Https);
        rooted
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        let served = answer(guards.clone(), rooted).await;
        assert_eq!(served.status(), 200, "{uri} {host}");
    }
}

#[tokio::test]
async fn over_http2_blanks_around_values_and_foreign_schemes_are_refused() {
    let service = GuardLayer(ClientInfoLayer::direct()).layer(app(Default::default()));
    let running = start_with(bind().http2_in_clear(), service);
    let mut sender = http2(running.connect().await).await;
    for (uri, value, status) in [
        ("http://a.example/client", "a b", 200),
        ("https://a.example/client", "", 200),
        ("http://a.example/client", " a", 400),
        ("http://a.example/client", "a\t", 400),
        ("ftp://a.example/client", "a", 400),
    ] {
        let request = Request::get(uri).header("x-note", value);
        let request = request.body(Full::default()).unwrap();
        let answer = within(sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), status, "{uri} {value:?}");
    }
    let absolute = b"GET ftp://a/client HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = running.talk(absolute).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
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
    let refused = answer(whole(HttpsLayer::new()), attack).await;
    assert_eq!(refused.status().as_u16(), 403);
    assert!(!refused.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_host_is_matched_whole_and_never_decoded() {
    let guards = (
        ClientInfoLayer::direct(),
        HostLayer::new(AllowedHosts::parse(["example.com", "*.example.org"]).unwrap()),
    );
    for host in [
        "notexample.com",
        "example.com..",
        "example.com.:8443",
        "example.com:8443",
        "example.org",
        "evilexample.org",
        "example%2ecom",
        "example.com%00.evil.example",
        "EXAMPLE.COM.evil",
        "example.com/",
        "example.com\\@evil.example",
        "\texample.com:443:443",
    ] {
        let mut attack = request("/", Scheme::Https);
        attack
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        let refused = answer(guards.clone(), attack).await;
        assert!(
            matches!(refused.status().as_u16(), 400 | 421),
            "{host}: {}",
            refused.status()
        );
        assert!(!refused.body().contains("evil"), "a refusal echoes nothing");
    }
}

/// What two parsers could read differently is answered once, and the connection is closed or the rest is no request.
#[tokio::test]
async fn messages_with_two_lengths_are_answered_once() {
    let running = start(bind());
    for (lines, body) in [
        (
            "content-length: 6\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\nG",
        ),
        ("content-length: 5\r\ncontent-length: 6\r\n", "12345G"),
        ("content-length: +5\r\n", "12345"),
        ("transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        ("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("transfer-encoding : chunked\r\n", "0\r\n\r\n"),
        ("x: y\r\n z\r\n", ""),
        ("x: \0\r\n", ""),
    ] {
        let tail = "GET /peer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let sent = format!("POST /length HTTP/1.1\r\nhost: a\r\n{lines}\r\n{body}{tail}");
        let answer = running.talk(sent.as_bytes()).await;
        assert!(!answer.contains("127.0.0.1 http"), "{lines}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lines}: {answer}");
    }
}

/// Asks in clear for a page that moves. Returns status, code, whether it moved, and what is recorded.
fn in_clear(https: &HttpsLayer, uri: &str, lines: &[(&'static str, &str)]) -> (u16, Vec<Fact>) {
    let mut head = request(uri, Scheme::Http).into_parts().0;
    for (name, value) in lines {
        head.headers.append(*name, value.parse().unwrap());
    }
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(matches!(
        ClientInfoLayer::direct().admit(&cx, &mut head),
        Verdict::Admit(())
    ));
    let status = match https.admit(&cx, &mut head) {
        Verdict::Refuse(refusal) => {
            let moves = refusal.headers().any(|(name, _)| name == header::LOCATION);
            assert_eq!(moves, refusal.status() == 308);
            assert_eq!(
                refusal.code() == "credential_in_clear",
                !cx.facts().is_empty()
            );
            refusal.status().as_u16()
        }
        _ => 200,
    };
    (status, cx.facts())
}

fn exposed(kind: &'static str, id: Option<&str>) -> Fact {
    Fact::CredentialExposed {
        kind: kind.into(),
        id: id.map(Into::into),
    }
}

#[test]
fn a_request_in_clear_with_a_credential_is_refused_and_not_redirected() {
    let own = header::HeaderName::from_static("x-session");
    let every = HttpsLayer::builder()
        .redirect_to("example.com")
        .every_path();
    let page = HttpsLayer::builder()
        .redirect_within(hosts(), 443)
        .page("/tts");
    for https in [every, page] {
        let https = https.credential_header(own.clone()).build().unwrap();
        for (lines, kind) in [
            (&[("x-api-key", "secret")][..], "x-api-key"),
            (&[("x-api-key", "")], "x-api-key"),
            (&[("authorization", "Bearer secret")], "authorization"),
            (&[("authorization", "nonsense")], "authorization"),
            (
                &[("proxy-authorization", "Basic YTpi")],
                "proxy-authorization",
            ),
            (&[("x-session", "secret")], "x-session"),
            (&[("cookie", "a=b; __Host-session=secret")], "cookie"),
            (
                &[("cookie", "a=b"), ("cookie", "__secure-x=secret")],
                "cookie",
            ),
        ] {
            let refused = in_clear(&https, "/tts?text=a", lines);
            assert_eq!(refused, (403, vec![exposed(kind, None)]), "{lines:?}");
        }
        // A browser that was here before sends its other cookies, and must find its way.
        for lines in [&[][..], &[("cookie", "theme=dark; host=__Host-")]] {
            assert_eq!(in_clear(&https, "/tts", lines), (308, Vec::new()));
        }
    }
}

#[test]
fn a_credential_in_clear_passes_neither_as_a_challenge_nor_where_nothing_moves() {
    let https = HttpsLayer::new();
    let challenge = "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ";
    for uri in [challenge, "/tts"] {
        let refused = in_clear(&https, uri, &[("x-api-key", "secret")]);
        assert_eq!(refused, (403, vec![exposed("x-api-key", None)]), "{uri}");
    }
    assert_eq!(in_clear(&https, challenge, &[]), (200, Vec::new()));
    let clear = HttpsLayer::builder().dangerously_accept_plain_http();
    let clear = clear.build().unwrap();
    let served = in_clear(&clear, "/tts", &[("x-api-key", "secret")]);
    assert_eq!(served, (200, Vec::new()));
}

/// Reads a password in the query; its public id is what stands before the first dot.
struct Passwords(AuthenticatorId);

impl Authenticator for Passwords {
    fn id(&self) -> AuthenticatorId {
        self.0
    }

    fn kind(&self) -> &'static str {
        "password"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![
            CredentialSource::query_parameter("password"),
            CredentialSource::header(header::HeaderName::from_static("x-password")),
        ]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut http::request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        panic!("nothing is authenticated in clear")
    }

    fn exposed(&self, _: &SecurityContext, credential: &Credential) -> Option<Box<str>> {
        let (id, _) = credential.as_str()?.split_once('.')?;
        Some(id.into())
    }

    fn challenge(&self) -> http::HeaderValue {
        http::HeaderValue::from_static("Password")
    }
}

#[test]
fn credentials_that_authenticators_read_are_refused_in_clear_and_named() {
    let passwords = AuthenticateLayer::new(Passwords(AuthenticatorId::unique()));
    let https = redirect_all_to("example.com");
    let https = https.credentials_of(passwords);
    for (uri, lines, expected) in [
        (
            "/?password=ann.secret",
            &[][..],
            exposed("password", Some("ann")),
        ),
        (
            "/",
            &[("x-password", "ann.secret")],
            exposed("password", Some("ann")),
        ),
        ("/?password=secret", &[], exposed("password", None)),
        (
            "/?password=a.b&password=c.d",
            &[],
            exposed("credential", None),
        ),
        (
            "/",
            &[("authorization", "Basic YTpi")],
            exposed("authorization", None),
        ),
        ("/", &[("x-api-key", "secret")], exposed("x-api-key", None)),
    ] {
        assert_eq!(in_clear(&https, uri, lines), (403, vec![expected]), "{uri}");
    }
    assert_eq!(in_clear(&https, "/?text=a", &[]), (308, Vec::new()));
}
