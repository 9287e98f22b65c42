//! Header values are cleaned or refused by choice, and parameters of the path are refused.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use palisade_core::testing::TestBody;
use palisade_core::{Fact, RequestBody, RouteLayer, RouteTable, Rule};
use palisade_sanitize::{
    PersonalData, SanitizeBuildError, SanitizeLayer, SanitizeLayerBuilder, Sanitizer, StaleHeaders,
};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{ask, get};

const TITLE: HeaderName = HeaderName::from_static("x-title");

fn titled(values: &[&[u8]]) -> Request<TestBody> {
    let mut request = get("/tts");
    for value in values {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(TITLE, value);
    }
    request
}

fn layer() -> SanitizeLayerBuilder {
    SanitizeLayer::builder().header(TITLE, Sanitizer::prompt())
}

/// The headers that the handler got.
async fn seen(layer: SanitizeLayerBuilder, request: Request<TestBody>) -> HeaderMap {
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let handler = move |request: Request<RequestBody<TestBody>>| {
        *noted.lock().unwrap() = Some(request.headers().clone());
        std::future::ready(Ok::<_, Infallible>(Response::new(TestBody::default())))
    };
    let service = ServiceBuilder::new().layer(layer.build().unwrap());
    let response = service.service_fn(handler).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = seen.lock().unwrap().take();
    seen.unwrap()
}

fn titles(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(TITLE).into_iter();
    values
        .map(|value| std::str::from_utf8(value.as_bytes()).unwrap())
        .collect()
}

#[tokio::test]
async fn every_value_of_a_named_header_is_cleaned() {
    let request = || titled(&["今\u{202e}天".as_bytes(), b"plain", "a\u{200b}b".as_bytes()]);
    let headers = seen(layer(), request()).await;
    assert_eq!(titles(&headers), ["今天", "plain", "ab"]);
    // Without the option they pass as they are.
    let headers = seen(SanitizeLayer::builder(), request()).await;
    assert_eq!(titles(&headers), ["今\u{202e}天", "plain", "a\u{200b}b"]);
    let headers = seen(layer().dangerously_only_shadow(), request()).await;
    assert_eq!(titles(&headers), ["今\u{202e}天", "plain", "a\u{200b}b"]);
}

#[tokio::test]
async fn a_body_beside_a_named_header_passes_unread() {
    let mut request = crate::support::post("image/png", &b"\xff\x00"[..]);
    request
        .headers_mut()
        .insert(TITLE, HeaderValue::from_static("a"));
    let outcome = ask(layer(), request).await;
    assert_eq!(outcome.passed().body, &b"\xff\x00"[..]);
    assert_eq!(outcome.facts, []);
}

#[tokio::test]
async fn a_change_of_a_header_is_recorded_and_makes_signatures_stale() {
    let outcome = ask(layer(), titled(&["a\u{200b}b".as_bytes()])).await;
    let cleaned = Fact::Cleaned {
        field: "header x-title".into(),
        removed: 1,
    };
    assert_eq!(outcome.facts, [cleaned]);
    for (title, left) in [("a\u{200b}b", false), ("ab", true)] {
        let mut request = titled(&[title.as_bytes()]);
        let signature = HeaderValue::from_static("sig1=:AAAA:");
        request.headers_mut().insert("signature", signature);
        let headers = seen(layer().stale_headers(StaleHeaders::DropAll), request).await;
        assert_eq!(headers.contains_key("signature"), left, "{title}");
    }
}

#[tokio::test]
async fn placeholders_are_put_into_headers() {
    let layer = layer().placeholders(PersonalData::new());
    let headers = seen(layer, titled(&[b"call 13800138000"])).await;
    assert_eq!(titles(&headers), ["call ‹PHONE_1›"]);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_or_may_not_be_changed_is_refused() {
    let strict = || SanitizeLayer::builder().strict_header(TITLE, Sanitizer::prompt());
    let outcome = ask(layer(), titled(&[b"a\xff"])).await;
    outcome.is_refused(400, "header_malformed");
    let outcome = ask(strict(), titled(&["a\u{200b}b".as_bytes()])).await;
    outcome.is_refused(422, "field_not_clean");
    assert_eq!(outcome.json()["field"], "header x-title");
    ask(strict(), titled(&["今天".as_bytes()])).await.passed();
    let names = SanitizeLayer::builder().header(TITLE, Sanitizer::display_name());
    let outcome = ask(names, titled(&["a\u{200b}b".as_bytes()])).await;
    outcome.is_refused(422, "text_forbidden");
}

#[test]
fn headers_that_are_no_text_are_an_error_at_build() {
    let build = |name: HeaderName| {
        SanitizeLayer::builder()
            .header(name, Sanitizer::prompt())
            .build()
    };
    for name in [
        header::AUTHORIZATION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::COOKIE,
    ] {
        let expected = SanitizeBuildError::HeaderNotText {
            header: name.clone(),
        };
        assert_eq!(build(name).unwrap_err(), expected);
    }
    let twice = layer().strict_header(TITLE, Sanitizer::prompt()).build();
    let expected = SanitizeBuildError::NamedTwice {
        field: "header x-title".into(),
    };
    assert_eq!(twice.unwrap_err(), expected);
}

/// The status and code of a request for this path, behind a table of routes.
async fn by_path(path: &str) -> (u16, String) {
    let rule = || Rule::public();
    let table = RouteTable::builder()
        .any("/users/{name}/photo", rule())
        .any("/files/{*name}", rule())
        .any("/other/{id}", rule())
        .build()
        .unwrap();
    let layer = SanitizeLayer::builder().path_parameter("name", Sanitizer::display_name());
    let handler = |request: Request<RequestBody<TestBody>>| {
        let path = TestBody::from(request.uri().path().to_owned());
        std::future::ready(Ok::<_, Infallible>(Response::new(path)))
    };
    let service = ServiceBuilder::new()
        .layer(RouteLayer::new(Arc::new(table)))
        .layer(layer.build().unwrap())
        .service_fn(handler);
    let response = service.oneshot(get(path)).await.unwrap();
    let status = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_parameter_of_the_path_is_clean_or_refused_and_never_rewritten() {
    for path in [
        "/users/%E4%BB%8A%E5%A4%A9/photo",
        "/users/a+b/photo",
        "/files/a/b%20c",
        "/other/%E2%80%AE",
    ] {
        assert_eq!(by_path(path).await, (200, path.to_owned()));
    }
    let refused = [
        ("/users/a%E2%80%AEb/photo", 422, "text_forbidden"),
        ("/users/%20a/photo", 422, "field_not_clean"),
        ("/users/%ff/photo", 400, "path_malformed"),
        ("/users/%zz/photo", 400, "path_malformed"),
        ("/files/a/%E2%80%8B", 422, "text_forbidden"),
    ];
    for (path, status, code) in refused {
        let (seen, body) = by_path(path).await;
        assert_eq!(seen, status, "{path}: {body}");
        assert!(body.contains(code), "{path}: {body}");
    }
}
