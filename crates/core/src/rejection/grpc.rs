//! Refusals of gRPC requests: HTTP 200 and the status in the head ("trailers-only").
//!
//! Source: gRPC over HTTP/2, "Responses", and the status codes of gRPC's own table.

use bytes::Bytes;
use data_encoding::BASE64_NOPAD;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use palisade_internal::percent;

use super::{Rejection, render::HEADERS};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Renders for a client that sent `content_type`, which gRPC-Web clients expect in the response.
pub(crate) fn render(rejection: Rejection, content_type: &HeaderValue) -> Response<Bytes> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.append(CONTENT_TYPE, content_type.clone());
    let code = status(rejection.status());
    headers.append(GRPC_STATUS, HeaderValue::from(code));
    if let Some(details) = retry_details(code, &rejection) {
        headers.append(GRPC_DETAILS, details);
    }
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
const fn status(http: StatusCode) -> u16 {
    match http.as_u16() {
        400 | 413 | 414 | 415 | 421 | 422 => 3, // INVALID_ARGUMENT
        401 => 16,                              // UNAUTHENTICATED
        403 => 7,                               // PERMISSION_DENIED
        404 | 405 => 12, // UNIMPLEMENTED: what a gRPC server says of an unknown method
        408 | 504 => 4,  // DEADLINE_EXCEEDED
        409 => 10,       // ABORTED
        429 | 431 => 8,  // RESOURCE_EXHAUSTED
        502 | 503 => 14, // UNAVAILABLE
        500 => 13,       // INTERNAL
        _ => 2,          // UNKNOWN
    }
}

/// Returns the value of `grpc-status-details-bin` for a refusal with `Retry-After` in seconds: a `google.rpc.Status`
/// with a `google.rpc.RetryInfo`, which clients of gRPC obey. `None` without such a field.
fn retry_details(code: u16, rejection: &Rejection) -> Option<HeaderValue> {
    let (_, seconds) = rejection.headers().find(|(name, _)| name == RETRY_AFTER)?;
    let seconds = seconds.to_str().ok()?.parse().ok()?;
    let duration = protobuf::number(1, seconds);
    let info = protobuf::bytes(1, &duration);
    let any = [
        protobuf::bytes(1, b"type.googleapis.com/google.rpc.RetryInfo"),
        protobuf::bytes(2, &info),
    ];
    let status = [
        protobuf::number(1, code.into()),
        protobuf::bytes(2, rejection.detail().as_bytes()),
        protobuf::bytes(3, &any.concat()),
    ];
    // Binary fields are in base64 without padding.
    HeaderValue::try_from(BASE64_NOPAD.encode(&status.concat())).ok()
}

/// The two kinds of fields that the details have, as Protocol Buffers encode them.
mod protobuf {
    /// A number in groups of seven bits, the low ones first.
    fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            bytes.push(0x80 | (number & 0x7f) as u8);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    /// A field with a number that is not negative.
    pub(super) fn number(field: u8, number: u64) -> Vec<u8> {
        let mut bytes = vec![field << 3];
        push_varint(&mut bytes, number);
        bytes
    }

    /// A field with a text or a message.
    pub(super) fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![field << 3 | 2];
        push_varint(&mut bytes, content.len() as u64);
        bytes.extend(content);
        bytes
    }
}
