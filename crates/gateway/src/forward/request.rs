//! Writes the head of a request again, for the upstream.
//!
//! The order of the steps counts:
//!
//! 1. Remove what concerns the client's connection, what frames its message, and what it says about
//!    itself.
//! 2. Remove its credential.
//! 3. Add who it is, as the stack decided it.
//! 4. Apply the operator's rules, which may change anything so far.
//! 5. Put in the upstream's credential and sign the identity: no rule changes them.
//! 6. Per server: target, `Host` and `Origin`.
//!
//! No extension of the request is forwarded: the new head is made from nothing.
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
//!
//! | field | what becomes of it | source |
//! |---|---|---|
//! | `Connection` and what it names, `TE`, `Upgrade` … | removed | RFC 9110 section 7.6.1 |
//! | `Content-Length`, `Transfer-Encoding` | written again from the body | RFC 9112 section 6 |
//! | `Expect` | removed; the server has handled it | RFC 9110 section 10.1.1 |
//! | `Forwarded`, `X-Forwarded-*` | written again | RFC 7239 |
//! | `Host`, `:authority` | what `host` of the upstream says | RFC 9112 section 3.2, RFC 9113 section 8.3.1 |
//! | `traceparent`, `tracestate` | with `[trace]` those of the decided trace, otherwise as the client sent them | W3C Trace Context section 4.3 |
//! | `Authorization`, `X-API-Key` | removed | the credential is the gateway's |
//! | `X-HTTP-Method-Override`, `X-Method-Override`, `X-HTTP-Method` | removed, in shadow recorded: the stack decided about the method of the request line | servers that read another method there |
//! | several `Cookie` fields | one | RFC 9113 section 8.2.3 |
//! | `Proxy` | removed | CGI programs read it as `HTTP_PROXY`, the proxy of their own requests |
//! | `Accept-Encoding`, `Range`, `If-Range`, for an upstream with a credential | `identity`, removed | what is compressed or in parts cannot be searched for the credential |
//! | names with an underscore | removed | RFC 3875 section 4.1.18 maps them to others |

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, Version,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, IF_RANGE,
        RANGE, TE,
    },
    request::Parts,
    uri::{Authority, PathAndQuery, Scheme},
};
use palisade::core::{Fact, Rejection, Secret, SecurityContext};

use super::{failure::no_secret, hop_by_hop};
use crate::{
    client_fields::PREFIX as IDENTITY_PREFIX,
    upstream::{Server, Upstream},
};

/// One address, the client's. The list of proxies before is not passed on.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `http` or `https`, as the client used it.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The same ID as in the audit record and in the response, to connect the logs of both sides.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Credentials of clients, also where no authenticator took them.
static CREDENTIALS: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static("x-api-key")];
/// Fields in which some servers read another method than that of the request line, which the rules decided about.
static METHOD_OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-http-method"),
];

/// Returns the host that the client sent: that of the target, or `Host`.
///
/// `None` if there is neither, or if `Host` is no valid authority. In an ordinary stack such a request
/// was refused before.
pub(super) fn requested_host(head: &Parts) -> Option<Authority> {
    let sent = || head.headers.get(HOST)?.to_str().ok()?.parse().ok();
    head.uri.authority().cloned().or_else(sent)
}

/// A head for an upstream, without target and `Host`.
///
/// It is made once for each request. Each attempt copies it and adds the server.
pub(super) struct Prepared {
    /// Without extensions: nothing that the stack attached leaves the process.
    pub(super) head: Parts,
    /// The upstream's credential in it, which must not come back.
    pub(super) secret: Option<Arc<Secret>>,
}

/// Makes the head for an upstream. Method, path and query stay as the client sent them. The credential of the client and
/// fields with another method are forwarded only if the mode is `only_shadow`.
///
/// The length is left to the client library, which takes it from the body: it is what frames the
/// request, so no field of the client can.
///
/// # Errors
///
/// 503 if the file of the credential, or of the key that signs the identity, could not be read for too
/// long.
pub(super) fn rewrite_head(
    head: Parts,
    cx: &SecurityContext,
    host: Option<&Authority>,
    upstream: &Upstream,
    only_shadow: bool,
) -> Result<Prepared, Box<Rejection>> {
    let mut new = http::Request::new(()).into_parts().0;
    new.method = head.method;
    new.version = match upstream.is_http2 {
        true => Version::HTTP_2,
        false => Version::HTTP_11,
    };
    new.uri = head.uri;
    new.headers = head.headers;
    let wants_trailers = upstream.is_http2 && hop_by_hop::wants_trailers(&new.headers);
    remove_client_fields(&mut new.headers);
    remove_method_overrides(&mut new.headers, cx, only_shadow);
    if !only_shadow {
        for name in &CREDENTIALS {
            new.headers.remove(name);
        }
    }
    if wants_trailers {
        new.headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    add_client(&mut new.headers, cx, host);
    if let Some(trace) = cx.trace() {
        trace.set_headers(&mut new.headers);
    }
    upstream.request_headers.apply_to(&mut new.headers);
    let secret = match &upstream.credential {
        None => None,
        Some(credential) => {
            demand_readable_response(&mut new.headers);
            let secret = credential.put_in(&mut new.headers);
            Some(secret.ok_or_else(|| no_secret("the credential of the upstream"))?)
        }
    };
    if let Some(identity) = &upstream.identity {
        let signed = identity.sign_request(&mut new, cx);
        signed.ok_or_else(|| no_secret("the key that signs the identity"))?;
    }
    Ok(Prepared { head: new, secret })
}

/// Asks for a response that can be searched for the credential: one that is whole and not compressed. In two parts of a
/// range neither has all of it.
fn demand_readable_response(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in &[RANGE, IF_RANGE] {
        headers.remove(name);
    }
}

/// Addresses a head to one server. HTTP/2 has the host in its target and no `Host`.
///
/// Called for each attempt, since servers of one upstream have different addresses.
pub(super) fn address_to_server(
    mut head: Parts,
    host: Option<&Authority>,
    upstream: &Upstream,
    server: &Server,
) -> Parts {
    let named = upstream.host.value_for(host, server.authority());
    let authority = match upstream.is_http2 {
        true => {
            head.headers.remove(HOST);
            named
        }
        false => {
            set_header(&mut head.headers, HOST, named.as_str());
            server.authority()
        }
    };
    upstream
        .origin
        .apply_to(&mut head.headers, &server.origin());
    head.uri = target_at_server(&head.uri, server.scheme(), authority);
    head
}

/// Joins the address of a server with path and query of the request.
///
/// Over HTTP/1.1 the client library sends only path and query (origin form, RFC 9112 section 3.2.1).
/// Over HTTP/2 it sends all three parts as pseudo-fields.
fn target_at_server(uri: &Uri, scheme: Scheme, authority: &Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority.clone());
    let root = || PathAndQuery::from_static("/");
    parts.path_and_query = Some(uri.path_and_query().cloned().unwrap_or_else(root));
    // Three valid parts make a valid address.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Removes what concerns the client's connection, and what it says about itself.
///
/// What is left is end-to-end and says nothing about the client that the upstream should believe.
fn remove_client_fields(headers: &mut HeaderMap) {
    hop_by_hop::remove(headers);
    for name in &[CONTENT_LENGTH, EXPECT, FORWARDED] {
        headers.remove(name);
    }
    let misleading: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_misleading(name.as_str()))
        .cloned()
        .collect();
    for name in misleading {
        headers.remove(name);
    }
    join_cookies(headers);
}

/// Makes one field of several `Cookie` fields (RFC 9113 section 8.2.3): browsers send one for each cookie over HTTP/2, and
/// programs behind HTTP/1.1 read the first alone, or join them with commas.
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Removes fields with another method than that of the request line, and records them. In shadow they are recorded alone.
fn remove_method_overrides(headers: &mut HeaderMap, cx: &SecurityContext, only_shadow: bool) {
    for name in &METHOD_OVERRIDES {
        if !headers.contains_key(name) {
            continue;
        }
        let (key, value) = ("method_override", name.as_str().to_owned().into());
        cx.record(Fact::Noted { key, value });
        if !only_shadow {
            headers.remove(name);
        }
    }
}

/// Names that the gateway writes itself, and those that CGI and WSGI read as others.
///
/// `X_Forwarded_For` and `X-Forwarded-For` are both `HTTP_X_FORWARDED_FOR` to a CGI or WSGI program.
fn is_misleading(name: &str) -> bool {
    name.contains('_') || name.starts_with("x-forwarded-") || name.starts_with(IDENTITY_PREFIX)
}

/// Says who the client is, as the stack decided it: `X-Forwarded-*` and `Forwarded` (RFC 7239).
///
/// Without a decided client no such field is added, and what the client sent is gone too.
///
/// IPv6 addresses are in brackets and quotes in `Forwarded` (RFC 7239 section 6), and bare in
/// `X-Forwarded-For`.
fn add_client(headers: &mut HeaderMap, cx: &SecurityContext, host: Option<&Authority>) {
    set_header(headers, REQUEST_ID, &cx.request_id().to_string());
    let Some(client) = cx.client() else { return };
    let host = client.forwarded_host().or(host);
    let (address, proto) = (client.ip(), client.scheme().as_str());
    set_header(headers, FORWARDED_FOR, &address.to_string());
    set_header(headers, FORWARDED_PROTO, proto);
    let node = match address.is_ipv6() {
        true => format!("\"[{address}]\""),
        false => address.to_string(),
    };
    let mut forwarded = format!("for={node};proto={proto}");
    if let Some(host) = host {
        set_header(headers, FORWARDED_HOST, host.as_str());
        forwarded = format!("{forwarded};host=\"{host}\"");
    }
    set_header(headers, FORWARDED, &forwarded);
}

/// Sets a field. A value that cannot be sent is left out; addresses and hosts can always be.
fn set_header(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
