//! Prepares the response of an upstream for the client.
//!
//! Removed are the fields of the upstream's connection, the names of its software, and any field that has
//! its credential. Redirects to its own name become relative. The security headers are added by the stack
//! outside, which keeps those that the upstream or a rule sets.
//!
//! The status is passed on as it is, 101 excepted. `Set-Cookie`, caching and CORS fields are the
//! service's own business and stay.
//!
//! The names of the software are hidden, as RFC 9110 section 10.2.4 advises. `Date` and `Via` stay as
//! the upstream sent them.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri,
    header::{
        ALT_SVC, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE,
        ETAG, LOCATION, SERVER, TRANSFER_ENCODING,
    },
    uri::Authority,
};
use hyper::body::Incoming;
use palisade::core::Rejection;

use super::{exchange::Exchange, failure::unusable_response, hop_by_hop};
use crate::body::{Mask, UpstreamBody};

/// What tells a client about the address or the software behind the gateway. An attacker would look up
/// its known faults; no client needs it.
static BANNERS: [HeaderName; 5] = [
    ALT_SVC, // An address of the upstream, past the gateway.
    SERVER,
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-runtime"),
];
/// What describes a body, and is wrong for another one.
///
/// Removed when the body is replaced. `Content-Type` is overwritten, so it is not listed.
static OF_BODY: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_RANGE,
    ETAG,
];
/// The media type of the gateway's own errors (RFC 9457).
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Prepares a response. `named` is the host that the upstream was given, `own` its address.
///
/// Order: fields of the connection, names of software and the credential are removed; redirects are
/// made relative; the operator's rules are applied; last, the body of an error may be replaced.
///
/// # Errors
///
/// 502 `upstream_failed` for a switch of protocols (101) that no one asked for: what follows it would
/// not be HTTP.
pub(super) fn prepare_response(
    exchange: &Exchange,
    mut response: Response<Incoming>,
    named: &Authority,
    own: &Authority,
) -> Result<Response<UpstreamBody>, Box<Rejection>> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(unusable_response("it switched protocols without being asked").into());
    }
    let upstream = exchange.upstream();
    remove_upstream_fields(&mut response, exchange.credential_mask().as_ref());
    make_relative(response.headers_mut(), &[named, own]);
    upstream.response_headers.apply_to(response.headers_mut());
    let hides_error = upstream.hide_errors && response.status().is_server_error();
    let hides_credential = upstream.credential.is_some() && is_unreadable_error(&response);
    match hides_error || hides_credential {
        true => Ok(hide_body(response)),
        false => Ok(response.map(|body| exchange.response_body(body))),
    }
}

/// Removes the fields of the upstream's connection, the names of its software, and every field that
/// has its credential.
///
/// Also used for the 101 of a WebSocket, which has no body to prepare.
///
/// A field is removed completely if one of its values has the credential. Masking a part of it could
/// change its meaning.
///
/// The reason phrase goes too (RFC 9112 section 4): it is text of the upstream that no rule for fields
/// reaches.
pub(super) fn remove_upstream_fields<B>(response: &mut Response<B>, mask: Option<&Mask>) {
    response.extensions_mut().clear();
    let headers = response.headers_mut();
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH); // RFC 9112 section 6.3: the encoding counts.
    }
    hop_by_hop::remove(headers);
    for name in &BANNERS {
        headers.remove(name);
    }
    if let Some(mask) = mask {
        mask.remove_from(headers);
    }
}

/// Removes the upstream's own names from redirects: the one it was given and its address, which clients
/// could not reach.
///
/// `http://127.0.0.1:5000/next?a` becomes `/next?a`. Redirects to other hosts stay. Slashes at the begin are
/// reduced to one, since a browser reads `//name` as another host.
///
/// A relative reference is valid in both fields (RFC 9110 sections 8.7 and 10.2.2). Scheme and name of
/// the client's side are then those that it used.
fn make_relative(headers: &mut HeaderMap, own_names: &[&Authority]) {
    for name in [LOCATION, CONTENT_LOCATION] {
        let location = headers.get(&name).and_then(|value| value.to_str().ok());
        let Some(uri) = location.and_then(|text| text.parse::<Uri>().ok()) else {
            continue;
        };
        let is_named = |authority| own_names.contains(&authority);
        let is_own = uri.scheme().is_some() && uri.authority().is_some_and(is_named);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `//host` would be another host.
        let path = path.trim_start_matches('/');
        if is_own && let Ok(value) = HeaderValue::from_str(&format!("/{path}")) {
            headers.insert(name, value);
        }
    }
}

/// Returns whether it is an error that is compressed: the body may show the credential, and cannot be searched for it.
fn is_unreadable_error<B>(response: &Response<B>) -> bool {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    is_error && response.headers().contains_key(CONTENT_ENCODING)
}

/// Replaces the body, which could show a stack trace, by a problem document with the code
/// `upstream_error`. The status stays, and the fields that do not describe the body.
///
/// With `hide_errors` for statuses 5xx: other errors tell a client what to correct. For an upstream with a credential also
/// for errors that came compressed, though none was to be.
fn hide_body(response: Response<Incoming>) -> Response<UpstreamBody> {
    let (mut head, _) = response.into_parts();
    for name in &OF_BODY {
        head.headers.remove(name);
    }
    head.headers.insert(CONTENT_TYPE, PROBLEM);
    let problem = Rejection::new(head.status, "upstream_error", "The service failed.").problem();
    let body: Bytes = problem;
    Response::from_parts(head, UpstreamBody::from_gateway(body))
}
