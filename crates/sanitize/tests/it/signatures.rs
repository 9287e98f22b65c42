//! Signatures of requests whose text is cleaned: the bytes as they were sent, and fields that are stale.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Request, Response};
use palisade_core::RequestBody;
use palisade_core::testing::TestBody;
use palisade_sanitize::{
    Field, RawBody, SanitizeLayer, SanitizeLayerBuilder, Sanitizer, StaleHeaders,
};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{get, json};

const DIRTY: &str = r#"{"text":"a\u202eb"}"#;
const CLEAN: &str = r#"{"text":"ab"}"#;

fn layer() -> SanitizeLayerBuilder {
    SanitizeLayer::builder().field(Field::required("text", Sanitizer::prompt()))
}

/// The fields and the raw body that the handler got.
async fn seen(
    layer: SanitizeLayerBuilder,
    request: Request<TestBody>,
) -> (HeaderMap, Option<RawBody>) {
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let handler = move |request: Request<RequestBody<TestBody>>| {
        let raw = request.extensions().get::<RawBody>().cloned();
        *noted.lock().unwrap() = Some((request.headers().clone(), raw));
        std::future::ready(Ok::<_, Infallible>(Response::new(TestBody::default())))
    };
    let service = ServiceBuilder::new()
        .layer(layer.build().unwrap())
        .service_fn(handler);
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    let seen = seen.lock().unwrap().take();
    seen.unwrap()
}

fn signed(mut request: Request<TestBody>) -> Request<TestBody> {
    for name in [
        "content-digest",
        "digest",
        "signature",
        "x-hub-signature-256",
        "x-other",
    ] {
        let value = HeaderValue::from_static("value");
        request.headers_mut().insert(name, value);
    }
    request
}

/// Which of the fields are left.
fn left(headers: &HeaderMap) -> [bool; 3] {
    assert!(headers.contains_key("x-other"));
    let both = |one: &str, two: &str| {
        assert_eq!(headers.contains_key(one), headers.contains_key(two));
        headers.contains_key(one)
    };
    [
        both("content-digest", "digest"),
        headers.contains_key("signature"),
        headers.contains_key("x-hub-signature-256"),
    ]
}

#[tokio::test]
async fn digests_and_signatures_of_what_was_changed_go_or_stay_by_choice() {
    for (what, expected) in [
        (StaleHeaders::DropDigests, [false, true, true]),
        (StaleHeaders::DropAll, [false, false, false]),
        (StaleHeaders::Keep, [true, true, true]),
    ] {
        let (headers, _) = seen(layer().stale_headers(what), signed(json(DIRTY))).await;
        assert_eq!(left(&headers), expected, "{what}");
        let (headers, _) = seen(layer().stale_headers(what), signed(json(CLEAN))).await;
        assert_eq!(left(&headers), [true, true, true], "{what}, unchanged");
        // A query is no part of a digest of the body.
        let (headers, _) = seen(
            layer().stale_headers(what),
            signed(get("/tts?text=a%E2%80%AEb")),
        )
        .await;
        assert_eq!(
            left(&headers),
            [true, expected[1], expected[2]],
            "{what}, query"
        );
    }
}

#[tokio::test]
async fn the_raw_body_is_kept_on_request_alone_and_shows_nothing_in_a_log() {
    let (_, raw) = seen(layer(), json(DIRTY)).await;
    assert!(raw.is_none());
    for body in [DIRTY, CLEAN] {
        let (_, raw) = seen(layer().keep_raw_body(), json(body)).await;
        let raw = raw.unwrap();
        assert_eq!(raw.as_bytes(), body);
        assert!(!format!("{raw:?}").contains("text"));
    }
    let (_, raw) = seen(layer().keep_raw_body(), get("/tts?text=a")).await;
    assert!(raw.is_none());
}

#[tokio::test]
async fn placeholders_change_a_body_too() {
    let layer = layer()
        .placeholders(palisade_sanitize::PersonalData::new())
        .keep_raw_body();
    let body = r#"{"text":"13800138000"}"#;
    let (headers, raw) = seen(layer, signed(json(body))).await;
    assert_eq!(left(&headers), [false, true, true]);
    assert_eq!(raw.unwrap().as_bytes(), body);
    assert_eq!(
        headers["content-length"],
        HeaderValue::from("{\"text\":\"‹PHONE_1›\"}".len())
    );
}
