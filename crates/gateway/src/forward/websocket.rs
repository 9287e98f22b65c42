//! The opening handshake of WebSocket (RFC 6455 section 4), checked on both sides.
//!
//! Two readings of one handshake are how requests are smuggled: one side takes the connection for a
//! WebSocket, the other goes on reading HTTP. So every part that RFC 6455 demands must be there, once,
//! before the upstream is asked, and the 101 must have the `Sec-WebSocket-Accept` that only a server that read
//! the key can compute.
//!
//! Protocols and extensions (`Sec-WebSocket-Protocol`, `-Extensions`) are between client and upstream.
//!
//! | part of the request | demanded by RFC 6455 section 4.1 | otherwise |
//! |---|---|---|
//! | `GET` of HTTP/1.1, without body | items 1 and 2 | 400 `websocket_handshake` |
//! | `Connection: upgrade` and `Upgrade: websocket` | items 5 and 6 | an ordinary request |
//! | one `Sec-WebSocket-Key` of 16 bytes | item 7 | 400 `websocket_handshake` |
//! | `Sec-WebSocket-Version: 13` | item 9 | 426 `websocket_version` |
//!
//! `Origin` (item 8) is not checked here: the stack decides who may call. What the upstream gets is the
//! `origin` of `[[upstreams]]`.

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};
use hyper::upgrade::OnUpgrade;
use palisade::core::Rejection;

/// What the server appends to the client's key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The token of `Upgrade` (RFC 6455 section 11.2). It is compared without case and sent in lower case.
const PROTOCOL: HeaderValue = HeaderValue::from_static("websocket");
/// The token of `Connection`, without which `Upgrade` has no effect (RFC 9110 section 7.8).
const SWITCH: HeaderValue = HeaderValue::from_static("upgrade");

/// A handshake that a client began.
///
/// It takes the client's connection out of the request, so that the connection can be switched once
/// only.
pub(super) struct Handshake {
    /// The client's connection, once the response is out.
    pub(super) client: OnUpgrade,
    /// What the upstream has to send.
    accept: String,
}

impl Handshake {
    /// Reads the handshake of a request. `None`: the client wants no WebSocket.
    ///
    /// An `Upgrade` to another protocol is not an error: a server may ignore it (RFC 9110 section 7.8),
    /// and the field is removed.
    ///
    /// # Errors
    ///
    /// It wants one, but the handshake is not complete.
    pub(super) fn from_request(head: &mut Parts) -> Result<Option<Self>, Box<Rejection>> {
        if !has_token(&head.headers, &CONNECTION, "upgrade")
            || !has_token(&head.headers, &UPGRADE, "websocket")
        {
            return Ok(None);
        }
        check_handshake(head)?;
        let key =
            client_key(&head.headers).ok_or_else(|| malformed_handshake("Sec-WebSocket-Key"))?;
        let accept = accept_value(key);
        let client = head.extensions.remove::<OnUpgrade>();
        let client = client.ok_or_else(|| malformed_handshake("the connection cannot switch"))?;
        Ok(Some(Self { client, accept }))
    }

    /// Adds the fields that ask the upstream to switch. Others of the handshake are kept as sent.
    ///
    /// Used for the request to the upstream and for the 101 to the client. Both lost these fields as
    /// hop-by-hop fields before.
    pub(super) fn add_to_request(headers: &mut HeaderMap) {
        headers.insert(CONNECTION, SWITCH);
        headers.insert(UPGRADE, PROTOCOL);
    }

    /// Checks that a 101 belongs to this handshake. Returns what is wrong.
    ///
    /// The checks are those of a client (RFC 6455 section 4.1, items 2 to 4 about the response). The
    /// text is for the audit record; the client sees 502 `upstream_failed`.
    ///
    /// # Errors
    ///
    /// What is wrong, for the audit record.
    pub(super) fn check_response<B>(&self, response: &Response<B>) -> Result<(), &'static str> {
        let headers = response.headers();
        if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket")
        {
            return Err("it switched to another protocol");
        }
        match single_value(headers, &SEC_WEBSOCKET_ACCEPT) {
            Some(accept) if accept == self.accept => Ok(()),
            _ => Err("Sec-WebSocket-Accept does not belong to the key of the client"),
        }
    }
}

/// Checks everything but the key.
///
/// # Errors
///
/// 400 `websocket_handshake` with the part that is wrong as reason; 426 `websocket_version` with the
/// version that is spoken (RFC 6455 section 4.4).
fn check_handshake(head: &Parts) -> Result<(), Box<Rejection>> {
    let headers = &head.headers;
    if head.method != Method::GET || head.version != Version::HTTP_11 {
        return Err(malformed_handshake("it is no GET of HTTP/1.1").into());
    }
    let empty = single_value(headers, &CONTENT_LENGTH).is_none_or(|length| length == "0");
    if !empty || headers.contains_key(TRANSFER_ENCODING) {
        return Err(malformed_handshake("it has a body").into());
    }
    if single_value(headers, &UPGRADE).is_none() {
        return Err(malformed_handshake("it names several protocols").into());
    }
    match single_value(headers, &SEC_WEBSOCKET_VERSION) {
        Some("13") => Ok(()),
        _ => Err(Rejection::new(
            StatusCode::UPGRADE_REQUIRED,
            "websocket_version",
            "Only version 13 of WebSocket is spoken.",
        )
        .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        .with_header(UPGRADE, PROTOCOL)
        .into()),
    }
}

/// Returns the client's key if it is 16 bytes in Base64.
///
/// The value is random and no secret. Its length is checked, since a server that does not check it
/// would switch where the gateway does not expect it.
fn client_key(headers: &HeaderMap) -> Option<&str> {
    let key = single_value(headers, &SEC_WEBSOCKET_KEY)?;
    let bytes = BASE64_STANDARD.decode(key).ok()?;
    (bytes.len() == 16).then_some(key)
}

/// Returns the response to a key. SHA-1 is what RFC 6455 demands; it protects nothing here.
///
/// It shows that the server read this handshake, and not that it is trusted.
fn accept_value(key: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(GUID);
    BASE64_STANDARD.encode(hash.finish())
}

/// Returns the value of a field that is there once.
///
/// `None` if it is missing, there twice, or no visible ASCII. For `Upgrade` a list of several protocols
/// is refused too.
fn single_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    (values.next().is_none() && !(*name == UPGRADE && value.contains(','))).then_some(value)
}

/// Returns whether a list has a token. Tokens are compared without case.
///
/// All lines of the field are read as one list (RFC 9110 section 5.3).
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut tokens = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
}

/// Status 400. The reason says which part is wrong, for the audit record alone.
fn malformed_handshake(reason: &'static str) -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "websocket_handshake",
        "The WebSocket handshake is not complete.",
    )
    .with_reason(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_computed() {
        assert_eq!(
            accept_value("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
