//! A handler behind the layer that gives back what it saw.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use palisade_core::RequestBody;
use palisade_sanitize::{SanitizeLayer, Sanitizer};
use tower::{ServiceBuilder, ServiceExt};

/// Sends a request and returns the query and the body that the handler saw, if it saw them.
pub fn ask(layer: &SanitizeLayer, request: Request<Full<Bytes>>) -> Option<(Bytes, Bytes)> {
    let service = ServiceBuilder::new().layer(layer.clone()).service_fn(echo);
    let response = service.oneshot(request).now_or_never();
    let response = response.expect("nothing is waited for").expect("no error");
    assert!(!response.status().is_server_error());
    if response.status() != StatusCode::OK {
        return None;
    }
    let query = response.headers()["x-query"].as_bytes().to_vec().into();
    Some((query, now(response.into_body())))
}

/// Tells whether the sanitizer lets a text pass as it is.
pub fn is_clean(text: &str) -> bool {
    Sanitizer::speech()
        .clean(text)
        .is_ok_and(|clean| clean.text() == text)
}

async fn echo(
    request: Request<RequestBody<Full<Bytes>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = now(request.into_body());
    let response = Response::builder().header("x-query", query);
    Ok(response
        .body(Full::new(body))
        .expect("a query is a header value"))
}

fn now<B: BodyExt<Error: std::fmt::Debug>>(body: B) -> Bytes {
    let collected = body
        .collect()
        .now_or_never()
        .expect("nothing is waited for");
    collected.expect("the body is whole").to_bytes()
}
