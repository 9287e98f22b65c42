//! Responses of the server itself, for requests that never reach the service.
//!
//! | response | version | made by | because |
//! |---|---|---|---|
//! | 400 | HTTP/1 | hyper, completed here | the bytes are no request |
//! | 414, 431 | HTTP/1 | hyper, completed here | the target or the head is too long |
//! | 431 | HTTP/2 | here | the head is too long |
//!
//! Scanners look at exactly these responses, and a browser may show them. So they have the same
//! security headers as all others.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use palisade_core::{Guard, Peer, SecurityContext};

use crate::{client_address::ClientInfoLayer, headers::HeadersLayer};

/// The headers of such responses, built once.
#[derive(Debug)]
pub(crate) struct OwnResponses {
    headers: HeaderMap,
    /// The same headers as HTTP/1 writes them.
    lines: Vec<u8>,
}

impl OwnResponses {
    /// Takes the headers that the layer adds to a refusal.
    ///
    /// `peer` has the scheme of the listener: `Strict-Transport-Security` is sent over TLS only.
    pub(crate) fn new(layer: &HeadersLayer, peer: Peer) -> Self {
        let headers = headers(layer, peer);
        let lines = headers.iter().flat_map(|(name, value)| {
            [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat()
        });
        Self {
            lines: lines.chain(*b"connection: close\r\n").collect(),
            headers,
        }
    }

    /// Adds the headers to an HTTP/1 response without a body. Other bytes are returned
    /// unchanged.
    pub(crate) fn complete(&self, response: &[u8]) -> Bytes {
        let Some(head) = response
            .strip_suffix(b"\r\n\r\n")
            .filter(|head| head.starts_with(b"HTTP/1."))
        else {
            return Bytes::copy_from_slice(response);
        };
        [head, b"\r\n", &self.lines, b"\r\n"].concat().into()
    }

    /// Builds a response without a body, for HTTP/2.
    pub(crate) fn empty<B>(&self, status: StatusCode, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// Returns the headers that the layer adds to a refusal of this peer.
fn headers(layer: &HeadersLayer, peer: Peer) -> HeaderMap {
    let mut request = Request::new(()).into_parts().0;
    request.extensions.insert(peer);
    let context = SecurityContext::find_or_create(&mut request);
    // It tells the other layer whether TLS is used.
    let _ = ClientInfoLayer::direct().admit(&context, &mut request);
    let mut response = Response::new(()).into_parts().0;
    response.status = StatusCode::BAD_REQUEST;
    let _ = layer.finish(&context, &mut None, &mut response);
    response.headers
}

#[cfg(test)]
mod tests {
    use palisade_core::Scheme;

    use super::*;

    fn complete(scheme: Scheme, response: &str) -> String {
        let peer = Peer::new(([127, 0, 0, 1], 1).into(), scheme);
        let own = OwnResponses::new(&HeadersLayer::api(), peer);
        String::from_utf8(own.complete(response.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn a_bare_response_gets_the_headers_and_stays_whole() {
        let bare = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let complete = complete(Scheme::Https, bare);
        assert!(complete.starts_with(bare.trim_end()), "{complete}");
        assert!(
            complete.ends_with("\r\nconnection: close\r\n\r\n"),
            "{complete}"
        );
        for header in [
            "x-content-type-options: nosniff",
            "strict-transport-security: ",
            "cache-control: no-store",
        ] {
            assert!(
                complete.contains(&format!("\r\n{header}")),
                "{header}: {complete}"
            );
        }
    }

    #[test]
    fn transport_security_is_not_promised_in_clear() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n";
        assert!(!complete(Scheme::Http, bare).contains("strict-transport-security"));
    }

    #[test]
    fn what_is_no_head_is_left_alone() {
        assert_eq!(complete(Scheme::Http, "hello\r\n\r\n"), "hello\r\n\r\n");
        assert_eq!(complete(Scheme::Http, "HTTP/1.1 200"), "HTTP/1.1 200");
    }
}
