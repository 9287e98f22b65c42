//! Refusals of gRPC requests: HTTP 200 and the status in the head ("trailers-only").
//!
//! Source: gRPC over HTTP/2, "Responses", and the status codes of gRPC's own table.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use palisade_internal::percent;

use super::{Rejection, render::HEADERS};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Renders for a client that sent `content_type`, which gRPC-Web clients expect in the response.
pub(crate) fn render(rejection: Rejection, content_type: &HeaderValue) -> Response<Bytes> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.append(CONTENT_TYPE, content_type.clone());
    headers.append(GRPC_STATUS, status(rejection.status()));
    if let Ok(message) = HeaderValue::from_str(&percent::encode_message(rejection.detail())) {
        headers.append(GRPC_MESSAGE, message);
    }
    for (name, value) in rejection.into_headers() {
        headers.append(name, value);
    }
    let mut response = Response::new(Bytes::new());
    *response.headers_mut() = headers;
    response
}

/// Maps an HTTP status to a gRPC status code.
fn status(http: StatusCode) -> HeaderValue {
    HeaderValue::from_static(match http.as_u16() {
        400 | 413 | 414 | 415 | 421 | 422 => "3", // INVALID_ARGUMENT
        401 => "16",                              // UNAUTHENTICATED
        403 => "7",                               // PERMISSION_DENIED
        404 | 405 => "12", // UNIMPLEMENTED: what a gRPC server says of an unknown method
        408 | 504 => "4",  // DEADLINE_EXCEEDED
        409 => "10",       // ABORTED
        429 | 431 => "8",  // RESOURCE_EXHAUSTED
        502 | 503 => "14", // UNAVAILABLE
        500 => "13",       // INTERNAL
        _ => "2",          // UNKNOWN
    })
}
