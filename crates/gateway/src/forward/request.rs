//! Writes the head of a request anew, for the upstream.
//!
//! A request to `voice.example` becomes, for the upstream `127.0.0.1:5000`:
//!
//! ```text
//! POST /tts?lang=zh HTTP/2              POST /tts?lang=zh HTTP/1.1
//! :authority: voice.example             host: 127.0.0.1:5000
//! x-api-key: psk_live_…
//! x-forwarded-for: 1.2.3.4              x-forwarded-for: 203.0.113.7
//! x_forwarded_for: 1.2.3.4              x-forwarded-proto: https
//! connection: x-request-id              x-forwarded-host: voice.example
//!                                       forwarded: for=203.0.113.7;proto=https;host="voice.example"
//!                                       x-request-id: 01JD…
//! accept: audio/wav                     accept: audio/wav
//! ```

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, Version,
    header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST},
    request::Parts,
    uri::{Authority, PathAndQuery, Scheme},
};
use palisade::core::SecurityContext;

use super::hop_by_hop;
use crate::upstream::Upstream;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Credentials of clients, also where no authenticator took them.
static CREDENTIALS: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static("x-api-key")];

/// Returns the host that the client sent: that of the target, or `Host`.
pub(super) fn host(head: &Parts) -> Option<Authority> {
    let sent = || head.headers.get(HOST)?.to_str().ok()?.parse().ok();
    head.uri.authority().cloned().or_else(sent)
}

/// Makes the head for the upstream.
///
/// Method, path and query stay as the client sent them. `host` is what the client called this
/// service; the upstream gets it as `Host` only with `host_header = "client"`.
///
/// The length is left to the client library, which takes it from the body: it is what frames the
/// request, so no field of the client can.
pub(super) fn rewrite(
    head: Parts,
    cx: &SecurityContext,
    host: Option<&Authority>,
    upstream: &Upstream,
) -> Parts {
    let mut new = http::Request::new(()).into_parts().0;
    new.method = head.method;
    new.version = Version::HTTP_11;
    new.uri = target(&head.uri, &upstream.authority);
    new.headers = head.headers;
    remove_client_fields(&mut new.headers);
    let sent = match (upstream.keeps_host, host) {
        (true, Some(host)) => host,
        _ => &upstream.authority,
    };
    set(&mut new.headers, HOST, sent.as_str());
    add_client(&mut new.headers, cx, host);
    new
}

/// Joins the upstream's address with path and query of the request.
fn target(uri: &Uri, authority: &Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    let root = || PathAndQuery::from_static("/");
    parts.path_and_query = Some(uri.path_and_query().cloned().unwrap_or_else(root));
    // Three valid parts make a valid address.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Removes what concerns the client's connection, its credentials, and what it says about itself.
fn remove_client_fields(headers: &mut HeaderMap) {
    hop_by_hop::remove(headers);
    for name in CREDENTIALS
        .iter()
        .chain(&[CONTENT_LENGTH, EXPECT, FORWARDED])
    {
        headers.remove(name);
    }
    let misleading: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_') || name.as_str().starts_with("x-forwarded-"))
        .cloned()
        .collect();
    for name in misleading {
        headers.remove(name);
    }
}

/// Says who the client is, as the stack decided it: `X-Forwarded-*` and `Forwarded` (RFC 7239).
///
/// Without a decided client no such field is added, and what the client sent is gone too.
fn add_client(headers: &mut HeaderMap, cx: &SecurityContext, host: Option<&Authority>) {
    set(headers, REQUEST_ID, &cx.request_id().to_string());
    let Some(client) = cx.client() else { return };
    let host = client.forwarded_host().or(host);
    let (address, proto) = (client.ip(), client.scheme().as_str());
    set(headers, FORWARDED_FOR, &address.to_string());
    set(headers, FORWARDED_PROTO, proto);
    let node = match address.is_ipv6() {
        true => format!("\"[{address}]\""),
        false => address.to_string(),
    };
    let mut forwarded = format!("for={node};proto={proto}");
    if let Some(host) = host {
        set(headers, FORWARDED_HOST, host.as_str());
        forwarded = format!("{forwarded};host=\"{host}\"");
    }
    set(headers, FORWARDED, &forwarded);
}

/// Sets a field. A value that cannot be sent is left out; addresses and hosts can always be.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
