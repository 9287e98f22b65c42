//! What a trusted proxy says of the client is believed, and nothing else.

use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use palisade_core::{Layer, Peer, Scheme, SecurityContext, testing::TestBody};
use palisade_transport::{ClientInfoLayer, ForwardedHeader, HostLayer, TrustedProxies};
use tower::ServiceExt;

use crate::layers::{hosts, request, response};

/// What the handler sees after `ClientInfoLayer`.
async fn seen(
    layer: ClientInfoLayer,
    peer: [u8; 4],
    sent: &[(&'static str, &str)],
) -> (String, HeaderMap) {
    let handler = tower::service_fn(async |request: Request<TestBody>| {
        let client = SecurityContext::of(request.extensions())
            .unwrap()
            .client()
            .unwrap();
        let host = client.forwarded_host().map_or("-", |host| host.as_str());
        let seen = format!("{} {} {host}", client.ip(), client.scheme().as_str());
        let mut response = Response::new(TestBody::from(seen));
        *response.headers_mut() = request.headers().clone();
        Ok::<_, std::convert::Infallible>(response)
    });
    let mut request = request("/", Scheme::Http);
    request
        .extensions_mut()
        .insert(Peer::new((peer, 1).into(), Scheme::Http));
    for (name, value) in sent {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let (head, body) = layer
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap()
        .into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (String::from_utf8(body.to_vec()).unwrap(), head.headers)
}

pub(crate) fn behind() -> ClientInfoLayer {
    ClientInfoLayer::behind(proxies(), ForwardedHeader::XForwardedFor)
}

fn behind_with_host() -> ClientInfoLayer {
    ClientInfoLayer::builder()
        .behind(proxies(), ForwardedHeader::XForwardedFor)
        .accept_forwarded_host()
        .build()
}

fn proxies() -> TrustedProxies {
    TrustedProxies::parse("10.0.0.0/8").unwrap()
}

const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-for", "198.51.100.66, 192.0.2.1"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "example.com"),
    ("forwarded", "for=198.51.100.66;proto=https"),
];

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_a_stranger_is_not() {
    let (client, headers) = seen(behind(), [10, 0, 0, 1], &FORWARDED).await;
    assert_eq!(client, "192.0.2.1 https -");
    assert!(headers.contains_key("x-forwarded-for") && !headers.contains_key("forwarded"));

    let (client, headers) = seen(behind(), [203, 0, 113, 7], &FORWARDED).await;
    assert_eq!(client, "203.0.113.7 http -");
    for (name, _) in FORWARDED {
        assert!(
            !headers.contains_key(name),
            "{name} is left for others to believe"
        );
    }
}

#[tokio::test]
async fn without_proxies_every_forwarding_header_is_noise() {
    let (client, headers) = seen(ClientInfoLayer::direct(), [127, 0, 0, 1], &FORWARDED).await;
    assert_eq!(client, "127.0.0.1 http -");
    assert!(!headers.contains_key("x-forwarded-for"));
}

#[tokio::test]
async fn the_forwarded_host_is_believed_only_where_it_is_said() {
    let (client, headers) = seen(behind(), [10, 0, 0, 1], &FORWARDED).await;
    assert!(client.ends_with(" -") && !headers.contains_key("x-forwarded-host"));
    let (client, headers) = seen(behind_with_host(), [10, 0, 0, 1], &FORWARDED).await;
    assert!(client.ends_with(" example.com") && headers.contains_key("x-forwarded-host"));
}

#[tokio::test]
async fn a_malformed_forwarded_host_and_a_doubled_vendor_header_are_turned_away() {
    let mut proxied = request("/", Scheme::Http);
    proxied
        .extensions_mut()
        .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
    proxied
        .headers_mut()
        .append("x-forwarded-host", "a@evil.example".parse().unwrap());
    let answer_to_host = response(behind_with_host(), proxied).await;
    assert_eq!(answer_to_host.status(), StatusCode::BAD_REQUEST);
    assert!(answer_to_host.body().contains("forwarded_host_invalid"));

    let vendor = ForwardedHeader::named("CF-Connecting-IP").unwrap();
    let layer = ClientInfoLayer::behind(TrustedProxies::parse("10.0.0.1").unwrap(), vendor);
    let mut doubled = request("/", Scheme::Http);
    doubled
        .extensions_mut()
        .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
    for address in ["198.51.100.66", "203.0.113.7"] {
        doubled
            .headers_mut()
            .append("cf-connecting-ip", address.parse().unwrap());
    }
    let response = response(layer, doubled).await;
    assert!(response.body().contains("forwarded_ambiguous"));
}

#[tokio::test]
async fn a_forwarded_host_is_held_against_the_list() {
    let client = behind_with_host();
    let guards = (client, HostLayer::new(hosts()));
    for (forwarded, status) in [("example.com", 200), ("evil.example", 421)] {
        let mut request = request("/", Scheme::Http);
        request
            .extensions_mut()
            .insert(Peer::new(([10, 0, 0, 1], 1).into(), Scheme::Http));
        request
            .headers_mut()
            .insert(header::HOST, "backend:8080".parse().unwrap());
        request
            .headers_mut()
            .insert("x-forwarded-host", forwarded.parse().unwrap());
        let response = response(guards.clone(), request).await;
        assert_eq!(response.status().as_u16(), status, "{forwarded}");
    }
}
