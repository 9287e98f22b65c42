//! Responses through the layer: wherever chunks are cut the client sees the same, hidden characters are gone,
//! JSON stays JSON, and what needs no change stays byte for byte.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use libfuzzer_sys::fuzz_target;
use palisade_core::RequestBody;
use palisade_sanitize::{PersonalData, ResponseRules, SanitizeLayer};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt};

/// With masks and small limits, and without masks.
static LAYERS: LazyLock<[SanitizeLayer; 2]> = LazyLock::new(|| {
    let layer = |rules: ResponseRules| {
        let layer = SanitizeLayer::builder().responses(rules.every_route());
        layer.build().expect("a layer")
    };
    let masking = ResponseRules::new().mask(PersonalData::new());
    [
        layer(masking.join_plain_events().max_event(512)),
        layer(ResponseRules::new()),
    ]
});

const TYPES: [&str; 4] = [
    "text/event-stream",
    "application/json",
    "application/x-ndjson",
    "text/plain",
];

fuzz_target!(|input: &[u8]| {
    let [choice, size, body @ ..] = input else {
        return;
    };
    let (masks, kind) = (usize::from(choice & 1), usize::from(choice >> 1) % 4);
    let whole = respond(&LAYERS[masks], TYPES[kind], body, body.len().max(1));
    let cut = respond(&LAYERS[masks], TYPES[kind], body, usize::from(*size).max(1));
    // A limit of an event is found at another place if chunks are cut at other places.
    if masks == 1 {
        assert_eq!(whole, cut, "{}", TYPES[kind]);
    }
    for shown in [&whole, &cut] {
        assert!(shown.len() <= body.len() * 40 + 4096, "its growth is bounded");
        if let Ok(before) = serde_json::from_slice::<Value>(body)
            && kind == 1
        {
            let after: Value = serde_json::from_str(shown).expect("JSON stays JSON");
            check(&before, &after);
        }
    }
});

/// Strings are cleaned, and all else is as before.
fn check(before: &Value, after: &Value) {
    match (before, after) {
        (Value::String(_), Value::String(after)) => {
            assert!(!after.contains(['\u{202e}', '\u{1b}', '\u{200b}', '\u{e0041}']));
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(one, two)| check(one, two));
        }
        (Value::Object(before), Value::Object(after)) => {
            assert!(before.keys().eq(after.keys()));
            before.values().zip(after.values()).for_each(|(one, two)| check(one, two));
        }
        (before, after) => assert_eq!(before, after),
    }
}

/// Sends a body in chunks through the layer. Returns what the client sees.
fn respond(layer: &SanitizeLayer, content_type: &'static str, body: &[u8], size: usize) -> String {
    let chunks: Vec<_> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let handler = move |_: Request<RequestBody<Full<Bytes>>>| {
        let frames = chunks.clone().into_iter().map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
        let body = StreamBody::new(stream::iter(frames));
        let response = Response::builder().header("content-type", content_type);
        std::future::ready(Ok::<_, Infallible>(response.body(body).expect("a response")))
    };
    let service = ServiceBuilder::new().layer(layer.clone()).service_fn(handler);
    let request = Request::get("/").body(Full::default()).expect("a request");
    let response = service.oneshot(request).now_or_never();
    let response = response.expect("nothing is waited for").expect("no error");
    let body = response.into_body().collect().now_or_never();
    let bytes = body.expect("nothing is waited for").expect("no error").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("the client sees UTF-8")
}
