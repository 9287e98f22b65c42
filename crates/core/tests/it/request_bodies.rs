//! The body that a layer which reads bodies passes to the service inside it.

use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError};
use palisade_core::{RequestBody, SecurityContext, refuse};

use crate::support::*;

#[tokio::test]
async fn a_body_beyond_its_limit_fails_with_the_error_that_axum_maps_to_413() {
    let body = RequestBody::limited(Full::<Bytes>::from("12345"), 4);
    let error = body.collect().await.unwrap_err();
    assert!(error.is::<LengthLimitError>());
}

#[tokio::test]
async fn a_body_within_its_limit_passes_unchanged() {
    let body = RequestBody::limited(Full::<Bytes>::from("1234"), 4);
    assert_eq!(body.size_hint().exact(), Some(4));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "1234");
    let body = RequestBody::inner(Full::<Bytes>::from("1234"));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "1234");
}

#[tokio::test]
async fn a_clean_body_replaces_the_one_that_was_read() {
    let body = RequestBody::<Full<Bytes>>::replaced("clean".into());
    assert_eq!(body.size_hint().exact(), Some(5));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "clean");
    assert!(RequestBody::<Full<Bytes>>::replaced(Bytes::new()).is_end_stream());
}

#[tokio::test]
async fn a_layer_that_reads_bodies_refuses_as_guards_do() {
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let rejection = palisade_core::Rejection::payload_too_large();
    let response = refuse::<TestBody>(&cx, "sanitize", rejection);
    assert_eq!(cx.refusal(), Some("payload_too_large"));
    let (status, body) = text(response).await;
    assert_eq!(status, 413);
    assert!(body.contains("payload_too_large"));
}
