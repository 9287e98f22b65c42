//! Prepares the response of an upstream for the client.
//!
//! Status, trailers and body pass as they are. The security headers are added further out, by the
//! stack.

use http::{
    HeaderName, Response, StatusCode,
    header::{CONTENT_LENGTH, SERVER, TRANSFER_ENCODING},
};
use hyper::body::Incoming;
use palisade::core::Rejection;

use super::hop_by_hop;

/// What tells a client about the software behind the gateway. An attacker would look up its known
/// faults; no client needs it.
static BANNERS: [HeaderName; 4] = [
    SERVER,
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-runtime"),
];

/// Removes the fields of the upstream's connection and the names of its software.
///
/// # Errors
/// 502 `upstream_failed` for a switch of protocols (101): the gateway never asks for one, and what
/// follows it would not be HTTP.
pub(super) fn clean(
    mut response: Response<Incoming>,
) -> Result<Response<Incoming>, Box<Rejection>> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let rejection = Rejection::new(
            StatusCode::BAD_GATEWAY,
            "upstream_failed",
            "The service did not give a usable response.",
        );
        return Err(Box::new(
            rejection.with_reason("it switched protocols without being asked"),
        ));
    }
    let headers = response.headers_mut();
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH); // RFC 9112 section 6.3: the encoding counts.
    }
    hop_by_hop::remove(headers);
    for name in &BANNERS {
        headers.remove(name);
    }
    Ok(response)
}
