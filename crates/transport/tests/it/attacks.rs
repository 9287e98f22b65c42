//! What is tried against the transport, one test each.

use http::{Request, header};
use http_body_util::Full;
use palisade_core::{GuardLayer, Layer, Peer, Scheme};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ForwardedHeader, HostLayer, HttpsLayer, TrustedProxies,
};

use crate::{
    layers::{hosts, redirect_all_to, redirect_all_within, request, response, whole},
    support::{app, bind, http2, start, start_with, within},
};

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
                response(whole(one.clone()), attack()).await
            } else {
                response(alone, attack()).await
            };
            if let Some(location) = led.headers().get(header::LOCATION) {
                assert_eq!(location, "https://example.com/x", "{host}");
            }
            let alone = (ClientInfoLayer::direct(), same.clone());
            let led = if guarded {
                response(whole(same.clone()), attack()).await
            } else {
                response(alone, attack()).await
            };
            assert!(!led.headers().contains_key(header::LOCATION), "{host}");
            assert!(led.status().is_client_error());
        }
    }
}

#[tokio::test]
async fn a_forwarded_host_leads_no_redirect_astray() {
    let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
    let client = ClientInfoLayer::builder().behind(proxies, ForwardedHeader::XForwardedFor);
    let client = client.accept_forwarded_host().build();
    let guards = (client, redirect_all_within(443));
    let mut attack = request("/x", Scheme::Http);
    attack
        .extensions_mut()
        .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
    attack
        .headers_mut()
        .insert("x-forwarded-host", "evil.example".parse().unwrap());
    let led = response(guards, attack).await;
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
        let led = response(whole(https.clone()), attack).await;
        assert_eq!(led.headers()[header::LOCATION], location, "{path}");
    }
}

/// Asks for a page in clear, through a proxy at 10.0.0.1 or directly, and returns where it moved to.
pub(crate) async fn moved(https: HttpsLayer, peer: [u8; 4]) -> String {
    let proxies = TrustedProxies::parse("10.0.0.1").unwrap();
    let client = ClientInfoLayer::behind(proxies, ForwardedHeader::XForwardedFor);
    let mut page = request("/x", Scheme::Http);
    page.extensions_mut()
        .insert(Peer::new((peer, 1).into(), Scheme::Http));
    let moved = response((client, https), page).await;
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
        let served = response(guards.clone(), rooted).await;
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
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status(), status, "{uri} {value:?}");
    }
    let absolute = b"GET ftp://a/client HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let response = running.talk(absolute).await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
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
        let refused = response(guards.clone(), attack).await;
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
async fn messages_with_two_lengths_get_one_response() {
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
        let response = running.talk(sent.as_bytes()).await;
        assert!(!response.contains("127.0.0.1 http"), "{lines}: {response}");
        assert_eq!(
            response.matches("HTTP/1.1").count(),
            1,
            "{lines}: {response}"
        );
    }
}

/// RFC 9112 section 6.3 lets a server take the encoding; a proxy in front may have taken the length.
#[tokio::test]
async fn both_lengths_at_once_are_400_also_in_the_second_request() {
    let running = start(bind());
    let both = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let response = running.talk(both.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    for first in [
        "GET /peer HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let response = running.talk(format!("{first}{both}").as_bytes()).await;
        let statuses: Vec<&str> = response.matches("HTTP/1.1 200").collect();
        assert_eq!(statuses.len(), 1, "{first}: {response}");
        assert!(response.contains("HTTP/1.1 400 "), "{first}: {response}");
    }
}

/// hyper accepts what ends with `chunked`; a proxy in front may have read the message in another way.
#[tokio::test]
async fn an_encoding_other_than_chunked_is_400_also_in_the_second_request() {
    let running = start(bind());
    let whole = "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked \r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for lines in [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: , chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "transfer-encoding:",
    ] {
        let other = format!("POST /length HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n0\r\n\r\n");
        let response = running.talk(other.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{lines}: {response}");
        let response = running.talk(format!("{whole}{other}").as_bytes()).await;
        assert_eq!(
            response.matches("HTTP/1.1 200").count(),
            1,
            "{lines}: {response}"
        );
        assert!(response.contains("HTTP/1.1 400 "), "{lines}: {response}");
    }
}

/// What follows may be bytes of the other protocol, written by someone who believes in the switch.
#[tokio::test]
async fn after_a_refused_switch_the_connection_is_closed() {
    let running = start(bind());
    for refused in [
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
        "GET /peer HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c, WebSocket\r\n\r\n",
    ] {
        let sent = format!("{refused}GET /peer HTTP/1.1\r\nhost: a\r\n\r\n");
        let response = running.talk(sent.as_bytes()).await;
        assert_eq!(
            response.matches("HTTP/1.1 ").count(),
            1,
            "{refused}: {response}"
        );
        assert!(
            response.contains("connection: close"),
            "{refused}: {response}"
        );
    }
}
