//! Nonces of inline scripts: new in each response, and in no header that does not need one.

use std::convert::Infallible;

use axum::{Router, body::Body, http::Request, response::Html, routing::get};
use http::{HeaderMap, HeaderValue, header::CACHE_CONTROL, header::CONTENT_SECURITY_POLICY};
use http_body_util::BodyExt as _;
use palisade_core::{GuardLayer, Layer as _};
use palisade_transport::{ContentSecurityPolicy, CspNonce, HeadersLayer};
use tower::ServiceExt as _;

async fn page(nonce: CspNonce) -> Html<String> {
    Html(format!("<script nonce=\"{}\"></script>", nonce.as_str()))
}

async fn send(policy: &ContentSecurityPolicy, path: &str) -> (u16, HeaderMap, String) {
    let own = async || ([(CONTENT_SECURITY_POLICY, "default-src 'self'")], "own");
    let app = Router::new()
        .route("/page", get(page))
        .route("/own", get(own))
        .route("/data", get(async || "data"));
    let service = GuardLayer(HeadersLayer::browser(policy)).layer(app);
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response: Result<_, Infallible> = service.oneshot(request).await;
    let (head, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), head.headers, body)
}

fn policy(headers: &HeaderMap) -> &str {
    assert_eq!(headers.get_all(CONTENT_SECURITY_POLICY).iter().count(), 1);
    headers[CONTENT_SECURITY_POLICY].to_str().unwrap()
}

#[tokio::test]
async fn each_response_has_a_nonce_of_its_own_in_header_and_page() {
    let nonces = ContentSecurityPolicy::same_origin()
        .nonce_scripts()
        .nonce_styles();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (status, headers, body) = send(&nonces, "/page").await;
        assert_eq!(status, 200);
        let nonce = body.split('"').nth(1).unwrap().to_owned();
        assert!(
            nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{nonce}"
        );
        let expected =
            format!("script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'");
        assert!(policy(&headers).contains(&expected), "{}", policy(&headers));
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test]
async fn a_response_without_inline_scripts_allows_none() {
    let nonces = ContentSecurityPolicy::same_origin().nonce_scripts();
    for path in ["/data", "/nowhere"] {
        let (_, headers, _) = send(&nonces, path).await;
        assert!(!policy(&headers).contains("nonce"), "{}", policy(&headers));
        assert!(policy(&headers).contains("script-src 'self'"));
    }
    let (_, headers, _) = send(&nonces, "/data").await;
    assert!(!headers.contains_key(CACHE_CONTROL));
    let (_, headers, _) = send(&nonces, "/own").await;
    assert_eq!(policy(&headers), "default-src 'self'");
}

#[tokio::test]
async fn a_page_without_a_layer_that_has_nonces_is_refused() {
    let (status, headers, body) = send(&ContentSecurityPolicy::same_origin(), "/page").await;
    assert_eq!(status, 500);
    assert!(body.contains("misconfigured"), "{body}");
    assert!(!policy(&headers).contains("nonce"));
}

#[test]
fn without_a_response_the_value_of_the_header_allows_nothing_inline() {
    let nonces = ContentSecurityPolicy::nothing()
        .nonce_scripts()
        .strict_dynamic();
    let value: HeaderValue = nonces.header_value();
    assert!(!value.to_str().unwrap().contains("script-src"), "{value:?}");
}
