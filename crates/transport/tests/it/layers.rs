//! The four layers, alone and together, around a service.

use axum::body::HttpBody;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use palisade_core::{
    EmptyBody, GuardLayer, Guards, Layer, Peer, RenderLayer, Scheme,
    testing::{EmptyOk, TestBody, poll_ready_contract},
};
use palisade_transport::{
    AllowedHosts, ClientInfoLayer, ContentSecurityPolicy, ForwardedHeader, HeadersLayer, HostLayer,
    HttpsLayer, TrustedProxies,
};
use tower::ServiceExt;

pub(crate) fn request(uri: &str, scheme: Scheme) -> Request<TestBody> {
    let mut request = Request::builder()
        .uri(uri)
        .body(TestBody::default())
        .unwrap();
    request
        .headers_mut()
        .insert(header::HOST, "example.com".parse().unwrap());
    let peer = Peer::new(([203, 0, 113, 7], 4711).into(), scheme);
    request.extensions_mut().insert(peer);
    request
}

pub(crate) fn hosts() -> AllowedHosts {
    AllowedHosts::parse(["example.com", "*.example.org:*"]).unwrap()
}

/// Redirects every path to one host.
pub(crate) fn redirect_all_to(host: &str) -> HttpsLayer {
    let https = HttpsLayer::builder().redirect_to(host).every_path();
    https.build().unwrap()
}

/// Redirects every path to the host of the request, on this port.
pub(crate) fn redirect_all_within(port: u16) -> HttpsLayer {
    let https = HttpsLayer::builder().redirect_within(hosts(), port);
    https.every_path().build().unwrap()
}

pub(crate) fn whole(https: HttpsLayer) -> impl Guards + Clone {
    (
        HeadersLayer::api(),
        ClientInfoLayer::direct(),
        HostLayer::new(hosts()),
        https,
    )
}

pub(crate) async fn response(
    guards: impl Guards + Clone,
    request: Request<TestBody>,
) -> Response<String> {
    let service = GuardLayer(guards).layer(EmptyOk::default());
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

fn location(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::LOCATION)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_request_over_tls_for_a_served_host_passes_with_security_headers() {
    let response = response(whole(HttpsLayer::new()), request("/tts", Scheme::Https)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn every_refusal_carries_the_security_headers() {
    let mut foreign = request("/", Scheme::Https);
    foreign
        .headers_mut()
        .insert(header::HOST, "evil.example".parse().unwrap());
    let mut homeless = request("/", Scheme::Https);
    homeless.headers_mut().remove(header::HOST);
    let mut unknown = request("/", Scheme::Https);
    unknown.extensions_mut().clear();
    for (request, status, tls) in [
        (foreign, 421, true),
        (homeless, 400, true),
        (unknown, 500, false),
        (request("/", Scheme::Http), 403, false),
    ] {
        let response = response(whole(HttpsLayer::new()), request).await;
        assert_eq!(response.status(), status);
        for name in [
            "x-content-type-options",
            "content-security-policy",
            "x-frame-options",
            "x-robots-tag",
            "referrer-policy",
        ] {
            assert!(
                response.headers().contains_key(name),
                "{status} has no {name}"
            );
        }
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(
            response.headers().contains_key("strict-transport-security"),
            tls,
            "{status}"
        );
    }
}

#[tokio::test]
async fn refusals_have_security_headers_in_every_rendering() {
    let guards = (
        RenderLayer::new(EmptyBody::default()),
        whole(HttpsLayer::new()),
    );
    let response = response(guards, request("/", Scheme::Http)).await;
    assert_eq!(
        (response.status(), response.body().as_str()),
        (StatusCode::FORBIDDEN, "")
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn pages_move_and_the_api_stays_shut() {
    let https = HttpsLayer::builder().redirect_to("example.com:8443");
    let https = https.page("/").page("/docs/*").build().unwrap();
    for (method, uri, expected) in [
        (Method::GET, "/", Some("https://example.com:8443/")),
        (
            Method::HEAD,
            "/docs/a?b=c",
            Some("https://example.com:8443/docs/a?b=c"),
        ),
        (Method::GET, "/tts", None),
        (Method::POST, "/", None),
        (Method::GET, "/docs", None),
    ] {
        let mut request = request(uri, Scheme::Http);
        *request.method_mut() = method;
        let response = response(whole(https.clone()), request).await;
        let status = if expected.is_some() { 308 } else { 403 };
        assert_eq!(
            (response.status().as_u16(), location(response.headers())),
            (status, expected),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn everything_moves_where_it_is_said_and_keeps_method_and_query() {
    let https = redirect_all_within(443);
    let mut request = request("/tts?text=%E4%BD%A0", Scheme::Http);
    *request.method_mut() = Method::POST;
    request
        .headers_mut()
        .insert(header::HOST, "a.example.org:8080".parse().unwrap());
    let response = response(whole(https), request).await;
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        location(response.headers()),
        Some("https://a.example.org/tts?text=%E4%BD%A0")
    );
}

#[tokio::test]
async fn an_acme_challenge_passes_in_clear_and_nothing_near_it() {
    for (method, uri, status) in [
        (
            Method::GET,
            "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3j-_1",
            200,
        ),
        (
            Method::POST,
            "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ",
            403,
        ),
        (Method::GET, "/.well-known/acme-challenge/", 403),
        (Method::GET, "/.well-known/acme-challenge/../tts", 403),
    ] {
        let mut request = request(uri, Scheme::Http);
        *request.method_mut() = method;
        let response = response(whole(HttpsLayer::new()), request).await;
        assert_eq!(response.status().as_u16(), status, "{uri}");
    }
}

#[tokio::test]
async fn clear_text_is_served_only_by_the_loud_name() {
    let https = HttpsLayer::builder().dangerously_accept_plain_http();
    let https = https.build().unwrap();
    let response = response(whole(https), request("/", Scheme::Http)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_probe_may_ask_one_path_by_address() {
    let hosts = HostLayer::builder(hosts()).except_path("/health");
    let hosts = hosts.build().unwrap();
    let guards = (ClientInfoLayer::direct(), hosts);
    for (uri, host, status) in [
        ("/health", "10.0.0.9:8080", 200),
        ("/health/", "10.0.0.9:8080", 421),
        ("/tts", "10.0.0.9:8080", 421),
        ("/health", "a@b", 400),
    ] {
        let mut request = request(uri, Scheme::Https);
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        let response = response(guards.clone(), request).await;
        assert_eq!(response.status().as_u16(), status, "{uri} {host}");
    }
}

#[tokio::test]
async fn a_list_in_the_making_lets_pass_what_it_would_refuse() {
    let hosts = AllowedHosts::parse(["other.example"]).unwrap();
    let shadow = HostLayer::builder(hosts.clone()).dangerously_only_shadow();
    let enforced = (ClientInfoLayer::direct(), HostLayer::new(hosts));
    let shadow = (ClientInfoLayer::direct(), shadow.build().unwrap());
    let refused = response(enforced, request("/", Scheme::Https)).await;
    let passed = response(shadow, request("/", Scheme::Https)).await;
    assert_eq!(
        (refused.status().as_u16(), passed.status().as_u16()),
        (421, 200)
    );
}

#[tokio::test]
async fn a_layer_without_the_client_fails_closed() {
    let host = response(HostLayer::new(hosts()), request("/", Scheme::Https)).await;
    let https = response(HttpsLayer::new(), request("/", Scheme::Https)).await;
    assert_eq!(
        (host.status().as_u16(), https.status().as_u16()),
        (500, 500)
    );
    assert!(host.body().contains("misconfigured") && !host.body().contains("ClientInfoLayer"));
}

#[test]
fn the_layers_keep_the_contract_of_tower() {
    let https = || request("/", Scheme::Https);
    poll_ready_contract(HeadersLayer::api(), https);
    poll_ready_contract(
        HeadersLayer::browser(&ContentSecurityPolicy::same_origin()),
        https,
    );
    poll_ready_contract(ClientInfoLayer::direct(), https);
    poll_ready_contract(GuardLayer(whole(HttpsLayer::new())), https);
}

fn layers_are_plain<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}

#[test]
fn layers_can_live_in_application_state() {
    layers_are_plain::<HeadersLayer>();
    layers_are_plain::<ClientInfoLayer>();
    layers_are_plain::<HostLayer>();
    layers_are_plain::<HttpsLayer>();
    fn is_body<B: HttpBody>() {}
    is_body::<palisade_transport::server::ReceivedBody>();
}

#[tokio::test]
async fn an_identifier_of_a_request_counts_from_a_trusted_proxy_alone() {
    let id = async |proxies: TrustedProxies| {
        let client = ClientInfoLayer::behind(proxies, ForwardedHeader::XForwardedFor);
        let ids = palisade_core::RequestIdLayer::builder();
        let ids = ids.accept_from_proxies().build();
        let mut request = request("/", Scheme::Https);
        let headers = request.headers_mut();
        headers.insert("x-request-id", "from-the-peer".parse().unwrap());
        headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        let response = response((ids, client), request).await;
        let id = response.headers()["x-request-id"].to_str().unwrap();
        id.to_owned()
    };
    let peer = TrustedProxies::parse("203.0.113.7").unwrap();
    assert_eq!(id(peer).await, "from-the-peer");
    let another = TrustedProxies::parse("203.0.113.8").unwrap();
    assert_eq!(id(another).await.len(), 32);
    assert_eq!(id(TrustedProxies::none()).await.len(), 32);
}
